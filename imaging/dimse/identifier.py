"""The data sets of queries (PS3.4 sections C.4.1 and K.4.1): what a peer asks, and what it is answered, in its own character set.

Read by our own parser and written by our own writer, so that no hostile value reaches a library that believes it. Pure.
"""

import base64
import binascii
import io
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from pydicom.dataset import Dataset

from imaging.dicom import charset, correctable, json_model, json_values, matching, part10
from imaging.dicom.element_writer import TEXT_VRS, ElementWriter
from imaging.dicom.errors import DicomError
from imaging.dicom.limits import KIB, Limits
from imaging.dicom.matching import Key
from imaging.dicom.part10 import FileMeta
from imaging.dicom.uids import EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN

LEVEL: Final = 0x00080052
RETRIEVE_AE_TITLE: Final = 0x00080054
CHARACTER_SET: Final = 0x00080005
TIMEZONE: Final = 0x00080201
_NO_KEYS: Final = frozenset({LEVEL, RETRIEVE_AE_TITLE, CHARACTER_SET, TIMEZONE})
_MOST_KEYS: Final = 256
_LIMITS: Final = Limits(
    header_bytes=512 * KIB,
    element_bytes=64 * KIB,
    meta_bytes=KIB,
    inflated_bytes=512 * KIB,
    elements=2_000,
    items=500,
    depth=8,
)
#: What a peer that names no character set most likely understands, and what everything can be said in.
_PLAIN, _LATIN, _UNICODE = (), ("ISO_IR 100",), ("ISO_IR 192",)

Terms = tuple[str, ...]
Record = dict[str, Any]


class NotUnderstood(Exception):
    """The identifier cannot be read, or asks for what cannot be matched; the text goes into the error comment."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """What is asked: the level, the keys, the attributes to be returned, and the character set of the peer.

    ``form`` is the identifier itself as DICOM JSON; ``offset`` the offset from UTC in which the peer tells times, if it says so.
    """

    level: str
    keys: tuple[Key, ...]
    returned: frozenset[int]
    character_set: Terms
    form: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    offset: str = ""


def read(encoded: bytes, transfer_syntax_uid: str, *, fuzzy: bool = False) -> Identifier:
    """The identifier of a request. Raises ``NotUnderstood``."""
    try:
        record, character_set = read_record(encoded, transfer_syntax_uid, limits=_LIMITS)
        keys = tuple(_keys(record, (), fuzzy=fuzzy))
    except matching.KeyInvalid as error:
        raise NotUnderstood(error.detail) from error
    except (DicomError, ValueError) as error:
        raise NotUnderstood("The identifier cannot be read") from error
    if len(keys) > _MOST_KEYS:
        raise NotUnderstood(f"More than {_MOST_KEYS} keys")
    return Identifier(
        level=correctable.text_of(record.get(f"{LEVEL:08X}", {})).strip(),
        keys=tuple(key for key in keys if key.tag not in _NO_KEYS),
        returned=frozenset(int(tag, 16) for tag in record),
        character_set=character_set,
        form=record,
        offset=correctable.text_of(record.get(f"{TIMEZONE:08X}", {})).strip(),
    )


def read_record(encoded: bytes, transfer_syntax_uid: str, *, limits: Limits) -> tuple[Record, Terms]:
    """A data set of a message as DICOM JSON, and the character set that it was written in.

    Raises ``DicomError`` or ``ValueError`` for what cannot be read within the limits.
    """
    meta = FileMeta("", "", transfer_syntax_uid)
    parsed = part10.parse_dataset(io.BytesIO(encoded), meta, 0, len(encoded), limits=limits)
    record: Record = orjson.loads(json_model.to_json(parsed))
    return record, _character_set(parsed.dataset)


def _keys(record: Mapping[str, Any], path: tuple[int, ...], *, fuzzy: bool) -> Iterator[Key]:
    """The keys of a data set, those inside its sequences too; private ones and group lengths ask for nothing."""
    for tag, element in record.items():
        number = int(tag, 16)
        if number & 0x10000 or not number & 0xFFFF or number in _NO_KEYS:
            continue
        if element.get("vr") == "SQ":
            for item in (element.get("Value") or [])[:1]:
                yield from _keys(item or {}, (*path, number), fuzzy=fuzzy)
        elif "Value" in element:
            yield matching.of_path((*path, number), correctable.text_of(element), fuzzy=fuzzy)


def _character_set(dataset: Dataset) -> Terms:
    if CHARACTER_SET not in dataset:
        return _PLAIN
    value = dataset.get_item(CHARACTER_SET).value
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    return tuple(charset.defined_term(term) for term in text.rstrip("\0 ").split("\\")[:8])


def written(
    found: Mapping[str, Mapping[str, Any]], asked: Identifier, *, level: str, ae_title: str, transfer_syntax_uid: str
) -> bytes:
    """One match as the peer asked for it: what it did not ask for stays away, what is not known is empty."""
    record: dict[str, Mapping[str, Any]] = {
        tag: element for tag, element in found.items() if int(tag, 16) in asked.returned
    }
    terms, codecs = _held_by(record.values(), asked.character_set)
    record[f"{LEVEL:08X}"] = {"vr": "CS", "Value": [level]}
    record[f"{RETRIEVE_AE_TITLE:08X}"] = {"vr": "AE", "Value": [ae_title]}
    return encoded(record, terms, codecs, transfer_syntax_uid)


def encoded(
    record: Mapping[str, Mapping[str, Any]], terms: Terms, codecs: charset.Encodings, transfer_syntax_uid: str
) -> bytes:
    """A DICOM JSON object as a data set in this character set, which it names."""
    kept = {tag: element for tag, element in record.items() if tag != f"{CHARACTER_SET:08X}"}
    if terms:
        kept[f"{CHARACTER_SET:08X}"] = {"vr": "CS", "Value": list(terms)}
    writer = ElementWriter(
        implicit=transfer_syntax_uid == IMPLICIT_VR_LITTLE_ENDIAN,
        little_endian=transfer_syntax_uid != EXPLICIT_VR_BIG_ENDIAN,
        encode=lambda text: charset.encode(text, codecs) or text.encode("ascii", "replace"),
    )
    return b"".join(_element(writer, tag, element) for tag, element in sorted(kept.items()))


def _held_by(elements: Any, asked: Terms) -> tuple[Terms, charset.Encodings]:
    """The character set that all texts can be written in: the peer's own if it holds them, otherwise Unicode."""
    texts = texts_of(elements)
    for terms in (asked, _LATIN, _UNICODE) if asked == _PLAIN else (asked, _UNICODE):
        codecs = charset.encodings(terms)
        if all(charset.encode(text, codecs) is not None for text in texts):
            return terms, codecs
    return _UNICODE, charset.encodings(_UNICODE)


def texts_of(elements: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every text that a character set applies to, inside sequences too."""
    return [text for element in elements for text in _texts(element)]


def _texts(element: Mapping[str, Any]) -> Iterator[str]:
    if element.get("vr") == "SQ":
        for item in element.get("Value") or []:
            for inner in (item or {}).values():
                yield from _texts(inner)
    elif element.get("vr") in TEXT_VRS:
        yield correctable.text_of(element)


def _element(writer: ElementWriter, tag: str, element: Mapping[str, Any]) -> bytes:
    """One element of the JSON model as bytes; what has no form in its VR goes out empty."""
    number, name = int(tag, 16), str(element.get("vr", "UN"))
    values = [value for value in element.get("Value") or [] if value is not None]
    if name == "SQ":
        items = [b"".join(_element(writer, *entry) for entry in sorted((item or {}).items())) for item in values]
        return writer.sequence_head(number) + b"".join(writer.item(item) for item in items) + writer.sequence_end()
    if name in json_values.NUMBERS:
        return writer.value(number, name, _packed(name, values, little=writer.little_endian))
    if name in json_values.WORDS or name == "AT":
        return writer.value(number, name, _octets(element) if name in {"OB", "UN"} else b"")
    if name in TEXT_VRS:
        return writer.json(tag, element)
    return writer.value(number, name, correctable.text_of(element).encode("ascii", "replace"))


def _packed(name: str, values: Sequence[Any], *, little: bool) -> bytes:
    code, _size = json_values.NUMBERS[name]
    try:
        return struct.pack(f"{'<' if little else '>'}{len(values)}{code}", *values)
    except (struct.error, TypeError):
        return b""


def _octets(element: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(element.get("InlineBinary", "")), validate=True)
    except binascii.Error:
        return b""
