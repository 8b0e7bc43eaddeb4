"""Whole numbers of any size in as few bytes as they need (base 128, least significant first)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_MAX_SHIFT = 63


def pack(numbers: Iterable[int]) -> bytes:
    """Non-negative numbers, one after the other."""
    packed = bytearray()
    for number in numbers:
        while number > 0x7F:
            packed.append(number & 0x7F | 0x80)
            number >>= 7
        packed.append(number)
    return bytes(packed)


def unpack(packed: bytes) -> Iterator[int]:
    """The numbers of ``pack``. Raises ``IndexError`` when the last one is cut off or absurdly long."""
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > _MAX_SHIFT:
                raise IndexError("a number of more than 64 bits")
        else:
            yield number
            number = shift = 0
    if shift:
        raise IndexError("the last number is cut off")


def zigzag(number: int) -> int:
    """Signed to non-negative, small magnitudes to small numbers."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """The inverse of ``zigzag``."""
    return number >> 1 if not number & 1 else -((number + 1) >> 1)
