"""Reads the end of a zip before the library does: how many entries it claims, so that a hostile one costs no memory.

Layout: PKWARE APPNOTE 6.3, sections 4.3.12 (central directory), 4.3.14 (zip64 end), 4.3.16 (end of central directory).
"""

import os
import struct
from typing import BinaryIO, Final

from imaging.ingest.media.limits import MediaLimits
from imaging.ingest.media.trouble import MediaError, Trouble

_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_LONGEST_COMMENT: Final = 0xFFFF


def check(file: BinaryIO, limits: MediaLimits) -> int:
    """How many entries an archive lists. Raises ``MediaError`` unless the list is there and within the limits; bounded."""
    length = file.seek(0, os.SEEK_END)
    tail_at = max(0, length - _END.size - _LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    at = _end_of(tail)
    if at < 0:
        raise MediaError(Trouble.DAMAGED)
    size = _END.unpack_from(tail, at)[5]
    start = tail_at + at
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :].startswith(b"PK\x06\x07"):
        start -= _LOCATOR.size + _END64.size
        file.seek(max(start, 0))
        record = file.read(_END64.size)
        if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
            raise MediaError(Trouble.DAMAGED)
        size = _END64.unpack(record)[8]
    if size > limits.directory_bytes:
        raise MediaError(Trouble.TOO_MANY)
    if size > start:
        raise MediaError(Trouble.DAMAGED)
    file.seek(start - size)
    found = _count(file.read(size), limits.archive_entries)
    file.seek(0)
    return found


def _end_of(tail: bytes) -> int:
    """Where the last record begins, found in the order in which `zipfile` looks for it; -1 without one."""
    plain = len(tail) - _END.size
    if plain >= 0 and tail[plain : plain + 4] == b"PK\x05\x06" and tail.endswith(b"\x00\x00"):
        return plain
    at = tail.rfind(b"PK\x05\x06")
    return at if 0 <= at <= plain else -1


def _count(directory: bytes, most: int) -> int:
    at = found = 0
    while at + _ENTRY.size <= len(directory):
        fields = _ENTRY.unpack_from(directory, at)
        at += _ENTRY.size + sum(fields[10:13])
        found += 1
        if found > most:
            raise MediaError(Trouble.TOO_MANY)
    return found
