"""A zip written as it is sent (APPNOTE 6.3.10): nothing is compressed, and its length is known before the first byte.

Images do not shrink, so that the bytes of an object lie in the zip as they are stored. The same members give the same bytes,
so that a download that broke off can go on. A short member is read before its header, which then holds its checksum; a long one
is followed by it. What needs more than 32 bits has it (zip64); a name that is not ASCII is UTF-8, and says so.
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: Bytes up to which a member is held in memory at once, so that its checksum comes first.
AT_ONCE: Final = 4 * 1024 * 1024
#: Bytes of the directory that are written at once.
_PIECE: Final = 256 * 1024
_LIMIT: Final = 0xFFFFFFFF
_MOST_MEMBERS: Final = 0xFFFF
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_DESCRIPTOR = struct.Struct("<4s3L")
_DESCRIPTOR_64 = struct.Struct("<4sL2Q")
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_FOLLOWED: Final = 1 << 3
_UTF_8: Final = 1 << 11
_PLAIN, _BIG = 20, 45
#: Made on Unix; an ordinary file, readable by its owner's group, never to be executed.
_UNIX: Final = 3 << 8
_MODE: Final = 0o100640 << 16


class LengthDiffers(Exception):
    """A member gave other bytes than were announced: the zip cannot be ended as it began."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file: a name with ``/`` between its parts, its length in bytes, and how it is read when its turn comes."""

    name: str
    length: int
    read: Callable[[], Iterable[bytes]]

    @property
    def is_followed(self) -> bool:
        """Whether its checksum stands behind it."""
        return self.length > AT_ONCE

    @property
    def is_big(self) -> bool:
        """Whether its length needs more than 32 bits."""
        return self.length >= _LIMIT


def length(members: Iterable[Member]) -> int:
    """The bytes that ``write`` will yield; no member is read."""
    at = directory = count = 0
    for member in members:
        directory += len(_central(member, at, 0, (0, 0)))
        at += len(_local(member, 0, (0, 0))) + member.length
        at += len(_descriptor(member, 0)) if member.is_followed else 0
        count += 1
    return at + directory + len(_end(count, directory, at))


def write(members: Iterable[Member], moment: datetime) -> Iterator[bytes]:
    """The zip in pieces. ``moment`` is the time of every member, in whatever zone its reader is to see it in.

    Of a member that was written only its line in the directory is kept. Raises ``LengthDiffers`` and whatever reading a member
    raises: what was sent before is no zip then.
    """
    stamp = _stamp(moment)
    at = count = 0
    directory = bytearray()
    for member in members:
        checksum = 0
        place = at
        for piece, checksum in _written(member, stamp):  # noqa: B007 -- the last one is kept
            at += len(piece)
            yield piece
        directory += _central(member, place, checksum, stamp)
        count += 1
    end = _end(count, len(directory), at)
    for start in range(0, len(directory), _PIECE):
        yield bytes(directory[start : start + _PIECE])
    yield end


def _written(member: Member, stamp: tuple[int, int]) -> Iterator[tuple[bytes, int]]:
    """The pieces of a member, each with the checksum up to its end."""
    if not member.is_followed:
        content = b"".join(member.read())
        checksum = zlib.crc32(content)
        _expect(member, len(content))
        yield _local(member, checksum, stamp), checksum
        yield content, checksum
        return
    checksum = size = 0
    yield _local(member, 0, stamp), 0
    for piece in member.read():
        checksum = zlib.crc32(piece, checksum)
        size += len(piece)
        yield piece, checksum
    _expect(member, size)
    yield _descriptor(member, checksum), checksum


def _expect(member: Member, size: int) -> None:
    if size != member.length:
        raise LengthDiffers(f"{size} bytes instead of {member.length}")


def _local(member: Member, checksum: int, stamp: tuple[int, int]) -> bytes:
    """The header before a member; of one whose checksum follows, without its lengths (section 4.4.4)."""
    size = _LIMIT if member.is_big else 0 if member.is_followed else member.length
    extra = struct.pack("<2H2Q", 1, 16, 0, 0) if member.is_big else b""
    name = member.name.encode()
    version = _BIG if member.is_big else _PLAIN
    head = _LOCAL.pack(b"PK\3\4", version, _flags(member), 0, *stamp, checksum, size, size, len(name), len(extra))
    return head + name + extra


def _flags(member: Member) -> int:
    return (_FOLLOWED if member.is_followed else 0) | (0 if member.name.isascii() else _UTF_8)


def _descriptor(member: Member, checksum: int) -> bytes:
    form = _DESCRIPTOR_64 if member.is_big else _DESCRIPTOR
    return form.pack(b"PK\7\10", checksum, member.length, member.length)


def _central(member: Member, place: int, checksum: int, stamp: tuple[int, int]) -> bytes:
    """What the directory at the end says of a member that lies at ``place``."""
    long = [member.length, member.length] if member.is_big else []
    long += [place] if place >= _LIMIT else []
    extra = struct.pack(f"<2H{len(long)}Q", 1, 8 * len(long), *long) if long else b""
    name = member.name.encode()
    version = _BIG if long else _PLAIN
    size = min(member.length, _LIMIT)
    head = _CENTRAL.pack(
        b"PK\1\2",
        version | _UNIX,
        version,
        _flags(member),
        0,
        *stamp,
        checksum,
        size,
        size,
        len(name),
        len(extra),
        0,
        0,
        0,
        _MODE,
        min(place, _LIMIT),
    )
    return head + name + extra


def _end(count: int, size: int, start: int) -> bytes:
    """The end of the zip: ``size`` bytes of directory from ``start``."""
    end = _END.pack(
        b"PK\5\6", 0, 0, min(count, _MOST_MEMBERS), min(count, _MOST_MEMBERS), min(size, _LIMIT), min(start, _LIMIT), 0
    )
    if count < _MOST_MEMBERS and size < _LIMIT and start < _LIMIT:
        return end
    long = _END_64.pack(b"PK\6\6", _END_64.size - 12, _BIG | _UNIX, _BIG, 0, 0, count, count, size, start)
    return long + _LOCATOR_64.pack(b"PK\6\7", 0, start + size, 1) + end


def _stamp(moment: datetime) -> tuple[int, int]:
    """Time and date as MS-DOS has them, in steps of two seconds, from 1980 to 2107."""
    year = min(max(moment.year, 1980), 2107)
    day = (year - 1980) << 9 | moment.month << 5 | moment.day
    return moment.hour << 11 | moment.minute << 5 | moment.second // 2, day
