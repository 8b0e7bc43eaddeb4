"""Metadata of an instance, as DICOM JSON or XML, turned into the bytes of a data set with gaps for its bulk data.

PS3.18 annex F (JSON), PS3.19 annex A.1 (XML). Pure. The bytes are Explicit VR Little Endian with sequences of undefined
length, so that a gap of any size can stand anywhere. What a bulk data URI names is never fetched: it is a name, to be
compared with the Content-Location of parts of the same request, and nothing else.
"""

import base64
import binascii
import json
import math
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydicom.valuerep import format_number_as_ds

from imaging.dicom import vr as value_representations

JSON_OCTETS: Final = 16 * 1024 * 1024
_DEPTH: Final = 32
_ITEMS: Final = 100_000
_INSTANCES: Final = 10_000
#: Objects and arrays of one part: each takes far more memory than its two characters.
_NODES: Final = 1_000_000
#: Bulk data of one instance; the frames of its pixels are one.
_GAPS: Final = 1000
#: What an instance and each of its segments take beside their bytes, roughly.
_INSTANCE_OCTETS: Final = 1024
_SEGMENT_OCTETS: Final = 256
_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_URI_LENGTH: Final = 4096

_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = struct.pack("<HHL", 0xFFFE, 0xE000, _UNDEFINED)
_ITEM_END: Final = struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
_SEQUENCE_END: Final = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)

_UTF8: Final = frozenset(["LO", "LT", "PN", "SH", "ST", "UC", "UT"])
_ASCII: Final = frozenset(["AE", "AS", "CS", "DA", "DS", "DT", "IS", "TM", "UI", "UR"])
_BINARY: Final = frozenset(["OB", "OD", "OF", "OL", "OV", "OW", "UN"])
_PACKED: Final = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
_DS_LENGTH: Final = 16

_CHARACTER_SET: Final = 0x00080005
_LENGTH_TO_END: Final = 0x00080001
PIXEL_DATA: Final = 0x7FE00010


Dataset = Mapping[str, Any]


class BadMetadata(ValueError):
    """The metadata cannot be understood. The text has no patient data."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Where bulk data belong: the name that a part must have, and the element."""

    location: str
    tag: int
    vr: str
    is_pixel_data: bool


@dataclass(slots=True)
class Skeleton:
    """One data set without its bulk data: bytes and gaps in turn. ``frames`` is Number of Frames, 1 when absent."""

    segments: list[bytes | Gap] = field(default_factory=list)
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    frames: int = 1
    coerced: bool = False
    discarded: bool = False

    @property
    def gaps(self) -> list[Gap]:
        """What is missing."""
        return [segment for segment in self.segments if isinstance(segment, Gap)]

    @property
    def octets(self) -> int:
        """How much memory it takes, roughly."""
        written = sum(len(segment) for segment in self.segments if isinstance(segment, bytes))
        return written + len(self.segments) * _SEGMENT_OCTETS + _INSTANCE_OCTETS


def read_json(content: bytes) -> Iterator[Dataset]:
    """Yield the data sets of one part: an array, or one alone. Raises ``BadMetadata``."""
    if content.count(b"{") + content.count(b"[") > _NODES:
        raise BadMetadata("too many attributes in one part")
    try:
        found = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadMetadata("not JSON") from error
    datasets = found if isinstance(found, list) else [found]
    if len(datasets) > _INSTANCES:
        raise BadMetadata("too many instances in one part")
    for dataset in datasets:
        if not isinstance(dataset, dict):
            raise BadMetadata("not a DICOM JSON object")
        yield dataset


def _no_number(text: str) -> float:
    raise ValueError(text)


def skeleton(dataset: Dataset) -> Skeleton:
    """Write a data set given as a DICOM JSON object. Raises ``BadMetadata``."""
    writer = _Writer(1 if _text(dataset, "00280103") == "1" else 0)
    writer.dataset(dataset, 0)
    made = writer.made
    made.sop_class_uid, made.sop_instance_uid = identity(dataset)
    frames = _text(dataset, "00280008").strip()
    made.frames = int(frames) if frames.isdecimal() and len(frames) < 9 else 1
    made.coerced = writer.declared not in {"", "ISO_IR 192"}
    if writer.declared or not writer.is_ascii:
        # JSON and XML are UTF-8 whatever the data set said before (PS3.18 section F.2.1).
        made.segments.insert(0, _element(_CHARACTER_SET, "CS", b"ISO_IR 192"))
    return made


def identity(dataset: Dataset) -> tuple[str, str]:
    """SOP class and SOP instance UID as far as they can be read; whether they are UIDs is another question."""
    return _text(dataset, "00080016"), _text(dataset, "00080018")


def header_of(tag: int, vr: str, length: int) -> bytes:
    """Tag, VR and length of an element (PS3.5 section 7.1.2). Raises ``BadMetadata`` when the length has no room there."""
    code = vr.encode("ascii")
    if code in value_representations.SHORT_LENGTH:
        if length > 0xFFFE:
            raise BadMetadata(f"the value of {tag:08X} is too long for {vr}")
        return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, code, length)
    if length > _UNDEFINED or (length == _UNDEFINED and vr not in {"SQ", "OB"}):
        raise BadMetadata(f"the value of {tag:08X} is too long")
    return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, code, 0, length)


def padding_of(vr: str) -> bytes:
    """What makes a value's length even (PS3.5 section 6.2)."""
    return b" " if vr in _UTF8 | _ASCII - {"UI"} else b"\0"


def _element(tag: int, vr: str, value: bytes) -> bytes:
    if len(value) % 2:
        value += padding_of(vr)
    return header_of(tag, vr, len(value)) + value


def _text(dataset: Dataset, tag: str) -> str:
    """The first value as text, of an attribute that may be anything; at most 64 characters."""
    attribute = dataset.get(tag)
    values = attribute.get("Value") if isinstance(attribute, dict) else None
    value = values[0] if isinstance(values, list) and values else ""
    return str(value)[:64] if isinstance(value, (str, int)) else ""


class _Writer:
    """Writes one data set; remembers what was changed on the way."""

    def __init__(self, pixel_representation: int) -> None:
        self._pixel_representation = pixel_representation
        self.made = Skeleton()
        self.is_ascii = True
        self.declared = ""
        self._items = 0
        self._gaps = 0

    def dataset(self, dataset: Dataset, depth: int) -> None:
        if depth > _DEPTH:
            raise BadMetadata("sequences are nested too deeply")
        numbered: dict[int, Any] = {}
        for name, attribute in dataset.items():
            if not _TAG.fullmatch(name) or not isinstance(attribute, dict):
                raise BadMetadata("not a DICOM attribute")
            tag = int(name, 16)
            if tag in numbered:
                raise BadMetadata(f"{tag:08X} stands twice")
            numbered[tag] = attribute
        for tag in sorted(numbered):
            self._attribute(tag, numbered[tag], depth)

    def _attribute(self, tag: int, attribute: Mapping[str, Any], depth: int) -> None:
        if tag == _CHARACTER_SET:
            if not depth:
                self.declared = _text({"0": attribute}, "0") or "ISO_IR 6"
            return
        if tag >> 16 < 8 or tag & 0xFFFF == 0 or tag == _LENGTH_TO_END or tag >> 16 == 0xFFFE:
            # Group lengths and file meta information are the file's, and it is written here.
            self.made.discarded = True
            return
        vr = attribute.get("vr", "")
        given = [name for name in ("Value", "InlineBinary", "BulkDataURI") if name in attribute]
        if len(given) > 1 or not isinstance(vr, str):
            raise BadMetadata(f"{tag:08X} cannot be understood")
        # Written from toolkits' dictionaries, a VR may be absent, or still be ambiguous.
        vr = value_representations.disambiguate(
            vr or value_representations.lookup(tag), self._pixel_representation, True
        )
        if vr.encode("ascii", "replace") not in value_representations.KNOWN:
            raise BadMetadata(f"{tag:08X} has no known VR")
        if vr == "SQ":
            self._sequence(tag, attribute.get("Value"), depth)
        elif "BulkDataURI" in attribute:
            self._gap(tag, vr, attribute["BulkDataURI"], depth)
        elif "InlineBinary" in attribute:
            self._put(_element(tag, vr, _inline(tag, attribute["InlineBinary"])))
        else:
            self._put(_element(tag, vr, self._value(tag, vr, attribute.get("Value"))))

    def _put(self, written: bytes) -> None:
        segments = self.made.segments
        last = segments[-1] if segments else None
        # Pieces of some size, so that joining them stays linear.
        if isinstance(last, bytes) and len(last) < 4096:
            segments[-1] = last + written
        else:
            segments.append(written)

    def _sequence(self, tag: int, items: Any, depth: int) -> None:
        if items is not None and not isinstance(items, list):
            raise BadMetadata(f"{tag:08X} is no sequence")
        self._put(header_of(tag, "SQ", _UNDEFINED))
        for item in items or ():
            self._items += 1
            if not isinstance(item, dict) or self._items > _ITEMS:
                raise BadMetadata(f"{tag:08X} has items that cannot be read")
            self._put(_ITEM)
            self.dataset(item, depth + 1)
            self._put(_ITEM_END)
        self._put(_SEQUENCE_END)

    def _gap(self, tag: int, vr: str, uri: Any, depth: int) -> None:
        if not isinstance(uri, str) or not 0 < len(uri) <= _URI_LENGTH:
            raise BadMetadata(f"the bulk data URI of {tag:08X} cannot be read")
        self._gaps += 1
        if self._gaps > _GAPS:
            raise BadMetadata("too many bulk data in one instance")
        self.made.segments.append(Gap(uri, tag, vr, is_pixel_data=tag == PIXEL_DATA and not depth))

    def _value(self, tag: int, vr: str, values: Any) -> bytes:
        if values is None:
            return b""
        if not isinstance(values, list) or vr in _BINARY:
            raise BadMetadata(f"the value of {tag:08X} cannot be read")
        try:
            if vr in _PACKED:
                return b"".join(_packed(vr, value) for value in values)
            if vr == "AT":
                return b"".join(_tag(value) for value in values)
            text = "\\".join(_written(vr, value) for value in values)
            self.is_ascii = self.is_ascii and text.isascii()
            return text.encode("utf-8" if vr in _UTF8 else "ascii")
        except (ValueError, TypeError, KeyError, AttributeError, struct.error, OverflowError) as error:
            raise BadMetadata(f"the value of {tag:08X} cannot be read") from error


def _inline(tag: int, text: Any) -> bytes:
    if text in (None, ""):
        return b""
    try:
        return base64.b64decode("".join(text.split()) if isinstance(text, str) else text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadMetadata(f"the inline binary of {tag:08X} cannot be read") from error


def _packed(vr: str, value: Any) -> bytes:
    number: float | int
    if vr in {"FL", "FD"}:
        number = float(value)
    else:
        number = int(value) if isinstance(value, str) else value
    return struct.pack(f"<{_PACKED[vr]}", number)


def _tag(value: Any) -> bytes:
    if not isinstance(value, str) or not _TAG.fullmatch(value):
        raise ValueError("AT")
    return struct.pack("<HH", int(value[:4], 16), int(value[4:], 16))


def _written(vr: str, value: Any) -> str:
    """One value as DICOM text. Raises ValueError or TypeError."""
    if value is None:
        return ""
    if vr == "PN":
        return _person_name(value)
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError(vr)
    if isinstance(value, str):
        return value
    if vr == "DS":
        if not math.isfinite(value):
            raise ValueError(vr)
        text = str(value)
        return text if len(text) <= _DS_LENGTH else str(format_number_as_ds(float(value)))
    if vr == "IS":
        if int(value) != value:
            raise ValueError(vr)
        return str(int(value))
    raise TypeError(vr)


def _person_name(value: Any) -> str:
    if isinstance(value, str):
        return value
    groups = [value.get(name) or "" for name in ("Alphabetic", "Ideographic", "Phonetic")]
    return "=".join(groups).rstrip("=")
