"""One iterative, bounded pass over a data set: no recursion, no length believed, no pixel read (PS3.5 section 7)."""

from __future__ import annotations

import struct
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Literal

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imaging.dicom import charset, vr
from imaging.dicom.byte_source import ByteSource, FileSource
from imaging.dicom.errors import Malformed, Truncated
from imaging.dicom.limits import Limits

UNDEFINED = 0xFFFFFFFF
ITEM = 0xFFFEE000
ITEM_DELIMITER = 0xFFFEE00D
SEQUENCE_DELIMITER = 0xFFFEE0DD

#: Float, double float and integer pixel data; the pass ends at the first of them on the top level.
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
LUT_DESCRIPTOR = 0x00283002

Elements = MutableMapping[BaseTag, "DataElement | RawDataElement"]


@dataclass(frozen=True, slots=True)
class BulkValue:
    """A value too big to keep in memory: where it lies. Offsets count from the file's start, or the inflated data set's."""

    vr: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class PixelElement:
    """The pixel data element: ``offset`` of its value, ``length`` None if undefined (encapsulated)."""

    tag: int
    vr: str
    offset: int
    length: int | None


class _Order:
    """Readers of element headers in one byte order."""

    __slots__ = ("explicit", "implicit", "little", "long", "name")

    def __init__(self, little: bool) -> None:
        mark = "<" if little else ">"
        self.little = little
        self.name: Literal["little", "big"] = "little" if little else "big"
        self.implicit = struct.Struct(f"{mark}HHL")
        self.explicit = struct.Struct(f"{mark}HH2sH")
        self.long = struct.Struct(f"{mark}L")


_LITTLE, _BIG = _Order(True), _Order(False)


class _Level:
    """An open data set (the top level or an item): its elements, and what decides how the next are read."""

    __slots__ = (
        "creators",
        "elements",
        "encodings",
        "end",
        "implicit",
        "order",
        "path",
        "representation",
        "single_entry",
    )

    def __init__(self, end: int | None, implicit: bool, order: _Order, path: str, parent: _Level | None) -> None:
        self.elements: Elements = {}
        self.end = end
        self.implicit = implicit
        self.order = order
        self.path = path
        self.creators: dict[int, str] = {}
        self.encodings: charset.Encodings = parent.encodings if parent else charset.UNDECLARED
        self.representation: int = parent.representation if parent else 0
        self.single_entry = False


class _Open:
    """An open sequence: its items so far, and where it ends if that is known."""

    __slots__ = ("end", "implicit", "items", "order", "path", "tag")

    def __init__(self, tag: int, end: int | None, implicit: bool, order: _Order, path: str) -> None:
        self.tag = tag
        self.end = end
        self.implicit = implicit
        self.order = order
        self.path = path
        self.items: list[Dataset] = []


class ElementParser:
    """Parses one data set from a source; afterwards ``pixel`` and ``bulk`` tell what was left unread."""

    def __init__(self, source: ByteSource, *, implicit: bool, little_endian: bool, limits: Limits) -> None:
        """Prepare; nothing is read yet."""
        self._source = source
        self._limits = limits
        self._budget = limits.header_bytes
        self._elements_left = limits.elements
        self._items_left = limits.items
        self._levels: list[_Level] = [_Level(None, implicit, _LITTLE if little_endian else _BIG, "", None)]
        self._sequences: list[_Open] = []
        self.pixel: PixelElement | None = None
        self.bulk: dict[str, BulkValue] = {}
        #: Tag and first byte of each element on the top level, in the order of the file; the pixels' is the last.
        self.starts: list[tuple[int, int]] = []

    def parse(self) -> Dataset:
        """The data set up to the pixels. Raises ``Truncated`` or ``Malformed``."""
        while True:
            # An item is open when there is one level more than there are open sequences.
            if len(self._levels) > len(self._sequences):
                if not self._element(self._levels[-1]):
                    if not self._sequences:
                        return self._close_level()
                    self._sequences[-1].items.append(self._close_level())
            else:
                self._item(self._sequences[-1])

    # Items

    def _item(self, sequence: _Open) -> None:
        source = self._source
        if sequence.end is not None and source.tell() >= sequence.end:
            self._overrun(source.tell(), sequence.end)
            self._close_sequence()
            return
        group, element, length = sequence.order.implicit.unpack(source.take(8))
        tag = group << 16 | element
        if tag == SEQUENCE_DELIMITER:
            if sequence.end is None:
                self._close_sequence()
            return
        if tag != ITEM:
            raise Malformed(f"tag {tag:08X} where an item of {sequence.tag:08X} begins", code="broken_sequence")
        self._items_left -= 1
        if self._items_left < 0:
            raise Malformed("too many sequence items", code="too_many_items")
        end = None if length == UNDEFINED else source.tell() + length
        if end is not None:
            self._within(length, sequence.end)
        path = f"{sequence.path}/{len(sequence.items)}/"
        implicit = sequence.implicit and not self._looks_explicit()
        self._levels.append(_Level(end, implicit, sequence.order, path, self._levels[-1]))

    def _looks_explicit(self) -> bool:
        """Whether an item that ought to be implicit, for its sequence was UN, is explicit like the rest of the file."""
        return not self._levels[0].implicit and self._source.peek(8)[4:6] in vr.KNOWN

    def _close_level(self) -> Dataset:
        level = self._levels.pop()
        dataset = Dataset(level.elements)
        names = [name or "iso8859" for name in level.encodings]
        dataset.set_original_encoding(level.implicit, level.order.little, names if len(names) > 1 else names[0])
        return dataset

    def _close_sequence(self) -> None:
        sequence = self._sequences.pop()
        element = DataElement(BaseTag(sequence.tag), "SQ", Sequence(sequence.items), already_converted=True)
        element.is_undefined_length = sequence.end is None
        self._levels[-1].elements[element.tag] = element

    # Elements

    def _element(self, level: _Level) -> bool:
        """Read one element; False when the data set ends here."""
        source = self._source
        if level.end is not None and source.tell() >= level.end:
            self._overrun(source.tell(), level.end)
            return False
        head = source.peek(8)
        if len(head) < 8:
            return self._at_end(head)
        group, number, code, length = level.order.explicit.unpack(head)
        tag = group << 16 | number
        if group == 0xFFFE:
            return self._delimiter(level, tag)
        if len(self._levels) == 1:
            self.starts.append((tag, source.tell()))
        source.skip(8)
        self._elements_left -= 1
        if self._elements_left < 0:
            raise Malformed("too many data elements", code="too_many_elements")
        if level.implicit or not (code in vr.KNOWN or b"AA" <= code <= b"ZZ"):
            # Some writers switch to Implicit VR within an explicit data set.
            name, length = "", level.order.implicit.unpack(head)[2]
        elif code in vr.SHORT_LENGTH:
            name = vr.NAMES[code]
        else:
            name, length = vr.NAMES.get(code, "UN"), level.order.long.unpack(source.take(4))[0]
        return self._value(level, tag, name, length)

    def _at_end(self, head: bytes) -> bool:
        if len(self._levels) > 1:
            raise Truncated(f"the data set ends within a sequence at offset {self._source.tell()}")
        if head.strip(b"\0"):
            raise Truncated(f"the data set ends within a tag at offset {self._source.tell()}")
        return False

    def _delimiter(self, level: _Level, tag: int) -> bool:
        if tag != ITEM_DELIMITER or len(self._levels) == 1:
            raise Malformed(f"a stray delimiter {tag:08X} at offset {self._source.tell()}", code="stray_delimiter")
        self._source.skip(8)
        # A delimiter inside an item of defined length is noise that some writers leave.
        return level.end is not None

    def _value(self, level: _Level, tag: int, name: str, length: int) -> bool:
        implicit, order = level.implicit or not name, level.order
        creator = level.creators.get(tag >> 8, "") if tag & 0x10000 else ""
        if not name:
            name = vr.lookup(tag, creator)
        elif name == "UN":
            name = vr.resolve_unknown(tag, length, creator)
            # What was UN is encoded as Implicit VR Little Endian (PS3.5 section 6.2.2).
            implicit, order = True, _LITTLE
        if tag in PIXEL_TAGS and len(self._levels) == 1:
            return self._stop_at_pixels(tag, name, length)
        if length == UNDEFINED:
            self._undefined(level, tag, name, implicit, order)
            return True
        self._within(length, level.end)
        if name == "SQ":
            self._open_sequence(level, tag, self._source.tell() + length, implicit, order)
            return True
        name = vr.disambiguate(name, level.representation, level.single_entry)
        self._keep(level, tag, name, length, implicit, order)
        return True

    def _stop_at_pixels(self, tag: int, name: str, length: int) -> bool:
        name = "OW" if " or " in name else name
        self.pixel = PixelElement(tag, name, self._source.tell(), None if length == UNDEFINED else length)
        return False

    def _keep(self, level: _Level, tag: int, name: str, length: int, implicit: bool, order: _Order) -> None:
        offset = self._source.tell()
        if length > self._limits.element_bytes:
            self._source.skip(length)
            self.bulk[f"{level.path}{tag:08X}"] = BulkValue(name, offset, length)
            length, value = 0, b""
        else:
            self._spend(length)
            value = self._source.take(length)
        if length and tag in _SCOPED_TAGS:
            self._note(level, tag, value)
        elif tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF:
            block = tag >> 16 << 8 | tag & 0xFF
            level.creators[block] = value.decode("ascii", "replace").rstrip("\0 ").strip()
        base = BaseTag(tag)
        level.elements[base] = RawDataElement(base, name, length, value, offset, implicit, order.little)

    def _note(self, level: _Level, tag: int, value: bytes) -> None:
        """Remember what decides how following elements are read."""
        if tag == CHARACTER_SET:
            level.encodings = charset.encodings_of(value)
        elif tag == PIXEL_REPRESENTATION:
            level.representation = int.from_bytes(value[:2], level.order.name)
        elif tag == LUT_DESCRIPTOR:
            level.single_entry = int.from_bytes(value[:2], level.order.name) == 1

    def _undefined(self, level: _Level, tag: int, name: str, implicit: bool, order: _Order) -> None:
        if name in {"SQ", "UN"}:
            self._open_sequence(level, tag, None, implicit, order)
        elif name.startswith("O"):
            self._fragments(level, tag, vr.disambiguate(name, 0, False), implicit, order)
        else:
            raise Malformed(f"{tag:08X} {name} has no length", code="undefined_length")

    def _open_sequence(self, level: _Level, tag: int, end: int | None, implicit: bool, order: _Order) -> None:
        if len(self._sequences) >= self._limits.depth:
            raise Malformed(f"sequences nested deeper than {self._limits.depth}", code="too_deep")
        self._sequences.append(_Open(tag, end, implicit, order, f"{level.path}{tag:08X}"))

    def _fragments(self, level: _Level, tag: int, name: str, implicit: bool, order: _Order) -> None:
        """An encapsulated value away from the top level (an icon): kept with its item headers, as pydicom does."""
        offset, pieces = self._source.tell(), []
        while True:
            head = self._source.take(8)
            group, number, length = order.implicit.unpack(head)
            if group << 16 | number == SEQUENCE_DELIMITER:
                break
            if group << 16 | number != ITEM or length == UNDEFINED:
                raise Malformed(f"broken fragments in {tag:08X}", code="broken_fragments")
            self._elements_left -= 1
            if self._elements_left < 0:
                raise Malformed("too many fragments", code="too_many_elements")
            self._within(length, level.end)
            self._spend(length + 8)
            pieces += [head, self._source.take(length)]
        value, base = b"".join(pieces), BaseTag(tag)
        level.elements[base] = RawDataElement(base, name, UNDEFINED, value, offset, implicit, order.little)

    # Bounds

    def _spend(self, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise Malformed(f"a header of more than {self._limits.header_bytes} bytes", code="header_too_large")

    def _within(self, length: int, end: int | None) -> None:
        position = self._source.tell() + length
        if end is not None and position > end:
            raise Malformed(f"a value at offset {self._source.tell()} runs over its item", code="overrun")
        if isinstance(self._source, FileSource):
            self._source.require(length)

    @staticmethod
    def _overrun(position: int, end: int) -> None:
        if position > end:
            raise Malformed(f"an item ends at {end}, its content at {position}", code="overrun")


_SCOPED_TAGS = frozenset({CHARACTER_SET, PIXEL_REPRESENTATION, LUT_DESCRIPTOR})
