"""One big value of a stored file, found by its path and read in pieces: what a BulkDataURI leads to (PS3.18 annex F)."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from imaging.dicom import part10
from imaging.dicom.limits import DEFAULT_LIMITS

_CHUNK: Final = 256 * 1024
#: Bytes up to which a value is kept while its file is parsed; no BulkDataURI leads to one so short.
_SHORT: Final = 256
#: Bytes of one number, by VR: what big-endian files have the other way round.
_SIZES: Final = {
    "OW": 2,
    "US": 2,
    "SS": 2,
    "OF": 4,
    "FL": 4,
    "OL": 4,
    "UL": 4,
    "SL": 4,
    "OD": 8,
    "FD": 8,
    "OV": 8,
    "UV": 8,
    "SV": 8,
}
_CODES: Final = {2: "H", 4: "I", 8: "Q"}


@dataclass(frozen=True, slots=True)
class Located:
    """Where a value lies. ``deflated_from`` is the file offset of a deflated data set, in which ``offset`` then counts."""

    offset: int
    length: int
    deflated_from: int | None = None
    swapped: int = 1


def locate(file: BinaryIO, path: str) -> Located | None:
    """Find the value at ``path`` (``00420011``, ``54000100/0/54001010``, items from 0); None when there is none.

    Fragmented pixel data are frames, not one value. Raises ``DicomError``.
    """
    # With only short values kept in memory, every long one is told by its place.
    parsed = part10.read_part10(file, limits=replace(DEFAULT_LIMITS, element_bytes=_SHORT))
    wanted = path.upper()
    if parsed.pixel_tag is not None and wanted == f"{parsed.pixel_tag:08X}":
        if parsed.pixel_data_offset is None or parsed.pixel_data_length is None:
            return None
        name, offset, length = parsed.pixel_vr, parsed.pixel_data_offset, parsed.pixel_data_length
    else:
        value = parsed.bulk.get(wanted)
        if value is None:
            return None
        name, offset, length = value.vr, value.offset, value.length
    return Located(
        offset,
        length,
        parsed.dataset_offset if parsed.deflated else None,
        1 if parsed.little_endian else _SIZES.get(name, 1),
    )


def read(file: BinaryIO, value: Located, start: int, length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes of the value from ``start``, numbers in little-endian order as DICOMweb wants them."""
    # Swapping needs whole numbers: begin at one and give away what lies before.
    early = start % value.swapped
    first, left = value.offset + start - early, length + early
    end = -(-left // value.swapped) * value.swapped
    pieces = (
        _plain(file, first, end) if value.deflated_from is None else _inflated(file, value.deflated_from, first, end)
    )
    for number, piece in enumerate(_in_order(pieces, value.swapped)):
        given = piece[early if number == 0 else 0 : left]
        left -= len(piece)
        yield given


def _plain(file: BinaryIO, start: int, length: int) -> Iterator[bytes]:
    file.seek(start)
    while length > 0 and (piece := file.read(min(_CHUNK, length))):
        length -= len(piece)
        yield piece


def _inflated(file: BinaryIO, begin: int, start: int, length: int) -> Iterator[bytes]:
    file.seek(begin)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    while length > 0:
        source = inflater.unconsumed_tail or file.read(_CHUNK)
        if not source:
            return
        piece = inflater.decompress(source, _CHUNK)
        kept = piece[start : start + length] if start < len(piece) else b""
        start = max(0, start - len(piece))
        length -= len(kept)
        if kept:
            yield kept


def _in_order(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    if size == 1:
        yield from pieces
        return
    rest = b""
    for piece in pieces:
        whole = rest + piece
        cut = len(whole) // size * size
        rest = whole[cut:]
        numbers = array(_CODES[size], whole[:cut])
        numbers.byteswap()
        yield numbers.tobytes()
