"""Modality, VOI and palette lookup tables (PS3.3 C.11.1, C.11.2, C.7.6.3.1.5 and C.7.9.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imaging.dicom.errors import UnsupportedPixels

_MAX_ENTRIES = 65536
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class LookupTable:
    """Maps ``first_value`` and following to entries of ``bits`` bits; ``data`` is little-endian uint16."""

    first_value: int
    bits: int
    data: bytes

    @property
    def entries(self) -> npt.NDArray[np.uint16]:
        """The entries, as unsigned 16-bit integers."""
        return np.frombuffer(self.data, dtype="<u2")

    @property
    def full_scale(self) -> int:
        """The largest entry that the table's width allows; wider where a writer exceeded it."""
        top = int(self.entries.max(initial=0))
        return max((1 << self.bits) - 1, top)

    def apply(self, values: npt.NDArray[np.integer]) -> npt.NDArray[np.uint16]:
        """Entries for ``values``; those below the first or beyond the last input get the first or last entry."""
        entries = self.entries
        index = np.clip(values.astype(np.int64) - self.first_value, 0, len(entries) - 1)
        return entries[index]


def build(descriptor: list[int], data: bytes, *, little_endian: bool = True, signed: bool = False) -> LookupTable:
    """A table from its descriptor (entries, first value, bits) and its data as stored.

    Raises ``UnsupportedPixels`` for a table that contradicts itself.
    """
    count, first, bits = _descriptor(descriptor, signed)
    if len(data) >= 2 * count:
        entries = np.frombuffer(data, dtype="<u2" if little_endian else ">u2", count=count)
    elif len(data) >= count and bits <= 8:
        packed = np.frombuffer(data, dtype=np.uint8)
        if not little_endian and len(packed) % 2 == 0:
            packed = packed.reshape(-1, 2)[:, ::-1].reshape(-1)
        entries = packed[:count].astype(np.uint16)
    else:
        raise UnsupportedPixels(f"a table of {count} entries has {len(data)} bytes", code="broken_lookup_table")
    return LookupTable(first, bits, entries.astype("<u2").tobytes())


def build_segmented(descriptor: list[int], data: bytes, *, little_endian: bool = True) -> LookupTable:
    """A palette from segments (PS3.3 C.7.9.2)."""
    count, first, bits = _descriptor(descriptor, signed=False)
    dtype = ("<u2" if little_endian else ">u2") if bits > 8 else "u1"
    words = np.frombuffer(data[: len(data) // 2 * 2], dtype=dtype).tolist()
    entries = _expand(words, depth=0)
    if len(entries) < count:
        raise UnsupportedPixels("a segmented table is too short", code="broken_lookup_table")
    return LookupTable(first, bits, np.asarray(entries[:count], dtype="<u2").tobytes())


def _descriptor(descriptor: list[int], signed: bool) -> tuple[int, int, int]:
    if len(descriptor) != 3:
        raise UnsupportedPixels("a table without descriptor", code="broken_lookup_table")
    count, first, bits = descriptor
    count = count & 0xFFFF or _MAX_ENTRIES
    if signed and first >= 1 << 15:
        first -= 1 << 16
    return count, first, min(max(bits, 8), 16)


def _expand(words: list[int], depth: int) -> list[int]:
    """Discrete, linear and indirect segments to entries."""
    entries: list[int] = []
    at = 0
    while at + 1 < len(words) and len(entries) <= _MAX_ENTRIES:
        opcode, length = words[at], words[at + 1]
        at += 2
        if opcode == _DISCRETE:
            entries += words[at : at + length]
            at += length
        elif opcode == _LINEAR and entries and at < len(words):
            entries += _ramp(entries[-1], words[at], length)
            at += 1
        elif opcode == _INDIRECT and not depth:
            size = 4 if at + 1 < len(words) else 0
            offset = words[at] | words[at + 1] << 16 if size else 0
            at += 2
            entries += _expand(_segments(words, offset, length), depth + 1)
        else:
            raise UnsupportedPixels(f"segment type {opcode} in a table", code="broken_lookup_table")
    return entries


def _ramp(start: int, end: int, length: int) -> list[int]:
    if length <= 0:
        return []
    ramp: list[int] = np.linspace(start, end, length + 1)[1:].round().astype(int).tolist()
    return ramp


def _segments(words: list[int], offset: int, count: int) -> list[int]:
    """The words of ``count`` segments from a byte offset."""
    at = start = offset // 2
    for _ in range(count):
        if at + 1 >= len(words):
            break
        at += 2 + (words[at + 1] if words[at] == _DISCRETE else 1 if words[at] == _LINEAR else 2)
    return words[start:at]
