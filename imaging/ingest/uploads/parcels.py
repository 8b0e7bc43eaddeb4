"""A parcel: several small files in the body of one request, for one request each costs more than a small file does. Pure.

Length of the list (4 bytes, big-endian), the list (JSON in UTF-8: ``[[name, length in bytes, fingerprint], …]``), then
the bytes of the files in that order, with nothing between. A browser makes one of `Blob`s and reads no file for it.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from imaging.ingest.uploads import protocol

CONTENT_TYPE: Final = "application/x-negatoscope-parcel"
#: Files and bytes of one parcel. The page sends fewer: each file is open while its parcel arrives.
MOST_FILES: Final = 64
LONGEST: Final = 32 * 1024 * 1024
_LONGEST_LIST: Final = 512 * 1024
_PREFIX: Final = 4

#: Name, length in bytes, fingerprint.
Entry = tuple[str, int, str]


def contents(read: Callable[[int], bytes], length: int) -> list[Entry]:
    """What a body of so many bytes says that it holds; the files' bytes are left in the stream.

    Raises ``protocol.Malformed`` for what is no such list, or one that does not account for every byte of the body.
    """
    if length > LONGEST:
        raise protocol.Malformed("Content-Length")
    size = int.from_bytes(_exactly(read, _PREFIX))
    if size > min(_LONGEST_LIST, length - _PREFIX):
        raise protocol.Malformed("list")
    try:
        listed = json.loads(_exactly(read, size).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise protocol.Malformed("list") from error
    if not isinstance(listed, list) or not 0 < len(listed) <= MOST_FILES:
        raise protocol.Malformed("list")
    entries = [_entry(item) for item in listed]
    if _PREFIX + size + sum(length for _name, length, _print in entries) != length:
        raise protocol.Malformed("Content-Length")
    return entries


def _entry(item: Any) -> Entry:
    match item:
        case [str(name), int(length), str(fingerprint)] if length >= 0 and not isinstance(length, bool):
            return name, length, protocol.fingerprint(fingerprint)
    raise protocol.Malformed("list")


def _exactly(read: Callable[[int], bytes], size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        chunk = read(size - len(found))
        if not chunk:
            raise protocol.Malformed("list")
        found += chunk
    return bytes(found)
