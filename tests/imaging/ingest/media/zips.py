"""Zips as nobody should make them."""

import io
import struct
import zipfile
from collections.abc import Mapping


def packed(entries: Mapping[str, bytes], *, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An honest zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as made:
        for name, content in entries.items():
            made.writestr(zipfile.ZipInfo(name), content, packing)
    return buffer.getvalue()


def link(name: str, target: str) -> bytes:
    """A zip with a symbolic link in it."""
    buffer = io.BytesIO()
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o120777 << 16
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr(entry, target)
    return buffer.getvalue()


def encrypted(name: str, content: bytes) -> bytes:
    """A zip whose entry says that it is encrypted."""
    octets = bytearray(packed({name: content}))
    for signature, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = octets.index(signature) + at
        octets[start] |= 1
    return bytes(octets)


def claiming_length(name: str, length: int) -> bytes:
    """A zip whose list promises another length for its entry than it has."""
    octets = bytearray(packed({name: bytes(1000)}))
    start = octets.index(b"PK\x01\x02") + 24
    octets[start : start + 4] = struct.pack("<L", length)
    return bytes(octets)


def claiming_directory(length: int) -> bytes:
    """An end of a zip whose list of entries would be so long."""
    return b"PK\x03\x04" + bytes(100) + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, length, 0, 0)


def claiming_directory64(length: int) -> bytes:
    """The same in the larger format."""
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, length, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 104, 1)
    return b"PK\x03\x04" + bytes(100) + end64 + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0)


def of_many(number: int) -> bytes:
    """A zip that lists one empty entry so many times."""
    name = b"x"
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    directory = entry * number
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 4, 0)
    return b"PK\x03\x04" + directory + end
