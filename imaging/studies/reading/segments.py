"""The form of a metadata segment: a zstd-compressed JSON array with one instance per line.

One object per line keeps a segment a plain JSON array for anybody's tools, while we cut and join instances without
parsing them. The lines are in the order of the versions' primary keys, which never changes.
"""

from collections.abc import Sequence

import orjson
import zstandard

_LEVEL = 3
_OPEN, _BETWEEN, _CLOSE = b"[\n", b",\n", b"\n]"
#: Nothing larger is ever packed (a study of a hundred thousand instances stays below); a damaged one must not fill memory.
_LARGEST = 2 * 1024**3


def line(metadata_json: bytes) -> bytes:
    """One instance as one line. Raises ``ValueError`` for what is no JSON."""
    if b"\n" in metadata_json or b"\r" in metadata_json:
        return orjson.dumps(orjson.loads(metadata_json))
    return metadata_json


def pack(lines: Sequence[bytes]) -> bytes:
    """The segment of these lines."""
    return zstandard.ZstdCompressor(level=_LEVEL).compress(join(lines))


def unpack(segment: bytes) -> list[bytes]:
    """The lines of a segment. Raises ``ValueError`` when it is damaged."""
    try:
        array = zstandard.ZstdDecompressor().decompress(segment, max_output_size=_LARGEST)
    except zstandard.ZstdError as error:
        raise ValueError("the segment cannot be decompressed") from error
    if not array.startswith(_OPEN) or not array.endswith(_CLOSE):
        raise ValueError("the segment is no array of lines")
    body = array[len(_OPEN) : -len(_CLOSE)]
    return body.split(_BETWEEN) if body else []


def join(lines: Sequence[bytes]) -> bytes:
    """A JSON array of these lines."""
    return _OPEN + _BETWEEN.join(lines) + _CLOSE
