"""Data elements as bytes in the encoding of the file that they go into (PS3.5 section 7.1).

What is written is a list of pieces: new bytes, and spans of the received file that are copied when they are sent.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from imaging.dicom import charset, correctable, vr
from imaging.dicom.element_parser import CHARACTER_SET, ITEM, ITEM_DELIMITER, SEQUENCE_DELIMITER, UNDEFINED
from imaging.dicom.element_text import stored
from imaging.dicom.part10 import BulkValue

#: VRs to which Specific Character Set applies (PS3.5 section 6.1.2.3).
TEXT_VRS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_SHORT_LIMIT = 0xFFFF
UTF_8: Final = b"ISO_IR 192"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes of the received file from ``start`` up to ``end``; of a deflated one, of its inflated data set."""

    start: int
    end: int

    def __len__(self) -> int:
        """How many."""
        return self.end - self.start


Piece = bytes | Span
Encode = Callable[[str], bytes]


class ElementWriter:
    """Writes elements in one encoding. ``encode`` gives the bytes of text that Specific Character Set applies to."""

    def __init__(self, *, implicit: bool, little_endian: bool, encode: Encode) -> None:
        """Write in this encoding."""
        mark = "<" if little_endian else ">"
        self.little_endian = little_endian
        self._implicit = implicit
        self._encode = encode
        self._plain = struct.Struct(f"{mark}HHL")
        self._explicit = struct.Struct(f"{mark}HH2sH")
        self._long = struct.Struct(f"{mark}L")

    def head(self, tag: int, name: str, length: int) -> bytes:
        """Tag, VR and length of an element."""
        if self._implicit:
            return self._plain.pack(tag >> 16, tag & 0xFFFF, length)
        code = name.encode("ascii")
        if code in vr.SHORT_LENGTH and length <= _SHORT_LIMIT:
            return self._explicit.pack(tag >> 16, tag & 0xFFFF, code, length)
        # A text that has grown beyond what its VR can say goes as unknown (PS3.5 section 6.2.2).
        code = b"UN" if code in vr.SHORT_LENGTH else code
        return self._explicit.pack(tag >> 16, tag & 0xFFFF, code, 0) + self._long.pack(length)

    def value(self, tag: int, name: str, value: bytes) -> bytes:
        """An element of these bytes, padded."""
        padding = b"\0" if name in {"UI", "OB", "UN"} else b" "
        value += padding * (len(value) % 2)
        return self.head(tag, name, len(value)) + value

    def json(self, tag: str, element: Mapping[str, Any]) -> bytes:
        """A textual element of a DICOM JSON object, or a sequence of such."""
        number, name = int(tag, 16), str(element["vr"])
        if name == "SQ":
            items = b"".join(self.item(self.record(item)) for item in element.get("Value") or [])
            return self.sequence_head(number) + items + self.sequence_end()
        text = correctable.text_of(element)
        return self.value(number, name, self._encode(text) if name in TEXT_VRS else text.encode("ascii"))

    def record(self, record: Mapping[str, Any]) -> bytes:
        """All elements of a DICOM JSON object, in order of tags."""
        return b"".join(self.json(tag, element) for tag, element in sorted(record.items()))

    def sequence_head(self, tag: int) -> bytes:
        """The beginning of a sequence; its end is marked by ``sequence_end``."""
        return self.head(tag, "SQ", UNDEFINED)

    def sequence_end(self) -> bytes:
        """The mark at the end of a sequence."""
        return self._plain.pack(SEQUENCE_DELIMITER >> 16, SEQUENCE_DELIMITER & 0xFFFF, 0)

    def item(self, content: bytes) -> bytes:
        """An item with its length."""
        return self._plain.pack(ITEM >> 16, ITEM & 0xFFFF, len(content)) + content

    def raw(self, element: RawDataElement) -> bytes:
        """An element as it was read."""
        value = element.value or b""
        if element.length == UNDEFINED:
            return self.head(element.tag, element.VR or "OB", UNDEFINED) + value + self.sequence_end()
        return self.value(element.tag, element.VR or "UN", value)

    def open_item(self) -> bytes:
        """The beginning of an item that ends at a mark."""
        return self._plain.pack(ITEM >> 16, ITEM & 0xFFFF, UNDEFINED)

    def close_item(self) -> bytes:
        """The mark at the end of an item."""
        return self._plain.pack(ITEM_DELIMITER >> 16, ITEM_DELIMITER & 0xFFFF, 0)


class Transcoder:
    """Text of a data set from its own character set to UTF-8, where it is not the same in both."""

    def __init__(self, writer: ElementWriter, codecs: charset.Encodings, bulk: Mapping[str, BulkValue]) -> None:
        """Write with ``writer``; ``codecs`` are those of the data set, ``bulk`` its values that stay in the file."""
        self._writer = writer
        self._codecs = codecs
        self._bulk = bulk

    def element(self, dataset: Dataset, tag: int, path: str = "") -> list[Piece] | None:
        """The element in UTF-8, or None when it is the same as received."""
        element = stored(dataset, tag)
        if isinstance(element, RawDataElement):
            text = self._text(element)
            return None if text is None else [text]
        if element is None or element.VR != "SQ":
            return None
        inner = f"{path}{tag:08X}"
        if not any(self._is_to_change(item) for item in element.value or []) or self._is_foreign(element.value):
            return None
        pieces: list[Piece] = [self._writer.sequence_head(tag)]
        for number, item in enumerate(element.value):
            content = self._item(item, f"{inner}/{number}/", translated=True)
            pieces += [self._writer.open_item(), *content, self._writer.close_item()]
        return [*pieces, self._writer.sequence_end()]

    def _text(self, element: RawDataElement) -> bytes | None:
        value = element.value
        if not value or element.VR not in TEXT_VRS:
            return None
        translated = charset.decode(value, self._codecs).encode("utf-8", "replace")
        # Padding of the old length may not be needed any more.
        translated = translated.rstrip(b" \0") if len(translated) % 2 else translated
        return None if translated == value else self._writer.value(element.tag, element.VR or "LO", translated)

    def _item(self, item: Dataset, path: str, *, translated: bool) -> list[Piece]:
        # An item with a character set of its own keeps it, and so does all that lies in it.
        translated = translated and CHARACTER_SET not in item
        pieces: list[Piece] = []
        for tag in sorted(int(tag) for tag in item.keys()):  # noqa: SIM118 -- iterating would convert the elements
            if (found := self._bulk.get(f"{path}{tag:08X}")) is not None:
                pieces += [
                    self._writer.head(tag, found.vr, found.length),
                    Span(found.offset, found.offset + found.length),
                ]
            elif translated and (changed := self.element(item, tag, path)) is not None:
                pieces += changed
            else:
                pieces += self._as_it_is(item, tag, path, translated=translated)
        return pieces

    def copied(self, dataset: Dataset, tag: int) -> list[Piece]:
        """The element with its text as received; a sequence with marks at its ends."""
        return self._as_it_is(dataset, tag, "", translated=False)

    def _as_it_is(self, item: Dataset, tag: int, path: str, *, translated: bool) -> list[Piece]:
        element = stored(item, tag)
        if isinstance(element, RawDataElement):
            return [self._writer.raw(element)]
        pieces: list[Piece] = [self._writer.sequence_head(tag)]
        for number, inner in enumerate((element.value if element is not None else None) or []):
            content = self._item(inner, f"{path}{tag:08X}/{number}/", translated=translated)
            pieces += [self._writer.open_item(), *content, self._writer.close_item()]
        return [*pieces, self._writer.sequence_end()]

    def _is_to_change(self, item: Dataset) -> bool:
        """Whether any text inside is another in UTF-8. An item with a character set of its own stays as it is."""
        if CHARACTER_SET in item:
            return False
        for tag in item.keys():  # noqa: SIM118
            element = stored(item, tag)
            if isinstance(element, RawDataElement):
                if self._text(element) is not None:
                    return True
            elif element is not None and element.VR == "SQ" and any(map(self._is_to_change, element.value or [])):
                return True
        return False

    def _is_foreign(self, items: Any) -> bool:
        """Whether anything inside is in another byte order than the file, as after a sequence of unknown VR."""
        for item in items:
            for tag in item.keys():  # noqa: SIM118
                element = stored(item, tag)
                if isinstance(element, RawDataElement):
                    if element.is_little_endian != self._writer.little_endian:
                        return True
                elif element is not None and element.VR == "SQ" and self._is_foreign(element.value or []):
                    return True
        return False
