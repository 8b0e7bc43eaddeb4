"""Encapsulated pixel data: where its fragments lie and which of them make a frame (PS3.5 annex A.4)."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import BinaryIO

from imaging.dicom import uids
from imaging.dicom.element_parser import ITEM, SEQUENCE_DELIMITER, UNDEFINED
from imaging.dicom.errors import Malformed, Truncated
from imaging.dicom.part10 import BulkValue, ParsedFile

_HEAD = struct.Struct("<HHL")
_MAX_FRAGMENTS = 2_000_000
_MAX_TABLE_BYTES = 64 * 1024 * 1024

#: First bytes of a code stream: JPEG and JPEG-LS, JPEG 2000 and HTJ2K, JP2 and JPEG XL boxes, bare JPEG XL.
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ", b"\0\0\0\x0cJXL ", b"\xff\x0a")
_START_LENGTH = max(len(start) for start in _STARTS)

Range = tuple[int, int]
Frames = tuple[tuple[Range, ...], ...]


@dataclass(frozen=True, slots=True)
class Fragments:
    """Ranges of the fragments' values in the file; ``table`` holds offsets relative to ``origin``, if any are given."""

    origin: int
    table: tuple[int, ...]
    ranges: tuple[Range, ...]


def scan(file: BinaryIO, parsed: ParsedFile, extended_table: BulkValue | bytes | None) -> Fragments:
    """Walk over the item headers. Raises ``Truncated`` or ``Malformed``.

    A missing sequence delimiter is forgiven where the file ends, or another element begins, between two fragments.
    """
    offset, end = parsed.pixel_data_offset or 0, parsed.length
    first = _item(file, offset, end)
    if first is None:
        raise Malformed("encapsulated pixel data without an item", code="broken_fragments")
    origin = offset + 8 + first
    basic = _basic_table(file, offset + 8, first)
    ranges: list[Range] = []
    offset = origin
    while (length := _item(file, offset, end)) is not None:
        ranges.append((offset + 8, length))
        offset += 8 + length
        if len(ranges) > _MAX_FRAGMENTS:
            raise Malformed("too many fragments", code="too_many_elements")
    table = _extended_table(file, extended_table) or basic
    return Fragments(origin, table, tuple(ranges))


def _item(file: BinaryIO, offset: int, end: int) -> int | None:
    """Length of the item at ``offset``; None where the fragments end."""
    if offset == end:
        return None
    file.seek(offset)
    head = file.read(8)
    if len(head) < 8:
        raise Truncated("the file ends within a fragment's header")
    group, element, length = _HEAD.unpack(head)
    tag = group << 16 | element
    if tag == SEQUENCE_DELIMITER or group > ITEM >> 16 or (0x7FE0 <= group < ITEM >> 16):
        return None
    if tag != ITEM or length == UNDEFINED:
        raise Malformed(f"tag {tag:08X} where a fragment begins", code="broken_fragments")
    if offset + 8 + length > end:
        raise Truncated("the file ends within a fragment", code="pixels_too_short")
    return int(length)


def _basic_table(file: BinaryIO, offset: int, length: int) -> tuple[int, ...]:
    if not length or length > _MAX_TABLE_BYTES or length % 4:
        return ()
    file.seek(offset)
    return struct.unpack(f"<{length // 4}L", _exactly(file, length))


def _extended_table(file: BinaryIO, table: BulkValue | bytes | None) -> tuple[int, ...]:
    if isinstance(table, BulkValue):
        if table.length > _MAX_TABLE_BYTES:
            return ()
        file.seek(table.offset)
        table = _exactly(file, table.length)
    if not table or len(table) % 8:
        return ()
    return struct.unpack(f"<{len(table) // 8}Q", table)


def _exactly(file: BinaryIO, length: int) -> bytes:
    read = file.read(length)
    if len(read) < length:
        raise Truncated("the file ends within an offset table")
    return read


def as_one_frame(found: Fragments) -> Frames:
    """All fragments as one frame: a video stream."""
    if not found.ranges:
        raise Truncated("there are no fragments", code="pixels_too_short")
    return (found.ranges,)


def group(file: BinaryIO, found: Fragments, frames: int, transfer_syntax_uid: str) -> Frames:
    """Fragments of each of ``frames`` frames.

    One fragment for each frame where the numbers agree; otherwise by the offset table where it makes sense, or by the first
    bytes of the fragments. Raises ``Truncated`` when there are fewer frames than promised, ``Malformed`` when they cannot
    be told apart.
    """
    ranges = found.ranges
    if len(ranges) < frames:
        raise Truncated(f"{len(ranges)} fragments for {frames} frames", code="pixels_too_short")
    if len(ranges) == frames:
        return tuple((one,) for one in ranges)
    if frames == 1:
        return (ranges,)
    by_table = _by_table(found, frames)
    if by_table is not None:
        return by_table
    if transfer_syntax_uid in {uids.RLE_LOSSLESS, uids.DEFLATED_IMAGE_FRAME}:
        # One fragment is one frame (PS3.5 annex G.2); what follows the last is not announced.
        return tuple((one,) for one in ranges[:frames])
    return _by_first_bytes(file, ranges, frames)


def _by_table(found: Fragments, frames: int) -> Frames | None:
    table = found.table
    if len(table) != frames or table[0] != 0:
        return None
    position = {offset - 8 - found.origin: index for index, (offset, _) in enumerate(found.ranges)}
    starts = [position.get(offset, -1) for offset in table]
    if starts[0] != 0 or any(later <= earlier for earlier, later in itertools.pairwise(starts)):
        return None
    ends = [*starts[1:], len(found.ranges)]
    return tuple(found.ranges[start:end] for start, end in zip(starts, ends, strict=True))


def _by_first_bytes(file: BinaryIO, ranges: tuple[Range, ...], frames: int) -> Frames:
    grouped: list[list[Range]] = []
    for offset, length in ranges:
        file.seek(offset)
        if file.read(min(_START_LENGTH, length)).startswith(_STARTS):
            grouped.append([])
        elif not grouped:
            raise Malformed("the first fragment begins no code stream", code="broken_fragments")
        grouped[-1].append((offset, length))
    if len(grouped) < frames:
        raise Truncated(f"{len(grouped)} code streams for {frames} frames", code="pixels_too_short")
    return tuple(tuple(one) for one in grouped[:frames])
