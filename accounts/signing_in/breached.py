"""Passwords that have leaked elsewhere, looked up without a network in the list that the hospital has downloaded.

The list is a text file, one digest a line in ascending order with its count behind a colon: the "ordered by hash" form in
which Pwned Passwords is published, of SHA-1 (40 hexadecimal digits) or NTLM (32). It has billions of lines and is never
loaded: some forty short reads find a line.
"""

import hashlib
import struct
from pathlib import Path
from typing import BinaryIO, Final

_LINE: Final = 256
_SHA1: Final = 40
_NTLM: Final = 32


class NotAList(ValueError):
    """The file is not one of digests in order."""


def contains(path: Path, password: str) -> bool:
    """Whether the list holds this password. Raises :class:`OSError`, :class:`NotAList`."""
    with path.open("rb") as file:
        wanted = _digest(password, _width(file))
        return _found(file, wanted.encode())


def check(path: Path) -> None:
    """Look at the list's beginning and end. Raises :class:`OSError`, :class:`NotAList`."""
    with path.open("rb") as file:
        width = _width(file)
        first = file.readline(_LINE)[:width]
        end = file.seek(0, 2)
        file.seek(max(0, end - _LINE))
        last = file.read().splitlines()[-1][:width]
    if not _is_digest(last, width) or last.upper() < first.upper():
        raise NotAList(str(path))


def _width(file: BinaryIO) -> int:
    """Return how many digits a digest of this file has."""
    first = file.readline(_LINE).split(b":")[0].strip()
    file.seek(0)
    if len(first) not in {_SHA1, _NTLM} or not _is_digest(first, len(first)):
        raise NotAList
    return len(first)


def _found(file: BinaryIO, wanted: bytes) -> bool:
    """Halve the file until the first line that begins at or after `low` is the first that is not less than `wanted`."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        digest = _digest_after(file, middle)
        if digest and digest < wanted:
            low = middle + 1
        else:
            high = middle
    return _digest_after(file, low) == wanted


def _digest_after(file: BinaryIO, place: int) -> bytes:
    """Return the digest of the first line that begins at or after a place; nothing past the last."""
    file.seek(max(0, place - 1))
    if place:
        file.readline(_LINE)
    return file.readline(_LINE).split(b":")[0].strip().upper()


def _is_digest(text: bytes, width: int) -> bool:
    return len(text) == width and all(letter in b"0123456789abcdefABCDEF" for letter in text)


def _digest(password: str, width: int) -> str:
    if width == _SHA1:
        return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    return md4(password.encode("utf-16-le", "surrogatepass")).hex().upper()


def md4(message: bytes) -> bytes:
    """Return the MD4 digest (RFC 1320), which OpenSSL 3 has put away: NTLM lists are made of it."""
    padded = message + b"\x80" + b"\x00" * ((55 - len(message)) % 64) + struct.pack("<Q", 8 * len(message))
    state = [0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476]
    for start in range(0, len(padded), 64):
        words = struct.unpack("<16I", padded[start : start + 64])
        state = [(old + new) & 0xFFFFFFFF for old, new in zip(state, _block(state, words), strict=True)]
    return struct.pack("<4I", *state)


_ORDERS: Final = (
    (tuple(range(16)), (3, 7, 11, 19), 0),
    ((0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13), 0x5A827999),
    ((0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15), 0x6ED9EBA1),
)


def _block(state: list[int], words: tuple[int, ...]) -> list[int]:
    a, b, c, d = state
    for number, (order, shifts, constant) in enumerate(_ORDERS):
        for place, word in enumerate(order):
            mixed = ((b & c) | (~b & d), (b & c) | (b & d) | (c & d), b ^ c ^ d)[number]
            total = (a + mixed + words[word] + constant) & 0xFFFFFFFF
            shift = shifts[place % 4]
            a, b, c, d = d, ((total << shift) | (total >> (32 - shift))) & 0xFFFFFFFF, b, c
    return [a, b, c, d]
