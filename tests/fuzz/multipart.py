"""Any bytes as a body of several parts, cut in any way: the same parts however it was cut, or ``BrokenBody``."""

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["imaging.dicomweb.multipart_reader"]):
    from imaging.dicomweb.multipart_reader import BrokenBody, Limits, MediaType, MultipartReader

_LIMITS = Limits(parts=50, header_octets=2048, header_fields=8, preamble_octets=1024)
_MOST = 1_000_000


def _reading(body: bytes, piece: int) -> Callable[[int], bytes]:
    position = 0

    def read(size: int) -> bytes:
        nonlocal position
        taken = body[position : position + min(size, piece)]
        position += len(taken)
        return taken

    return read


def _parts(body: bytes, boundary: str, piece: int) -> list[tuple[dict[str, str], bytes]] | None:
    try:
        found = []
        for part in MultipartReader(_reading(body, piece), boundary, limits=_LIMITS).parts():
            content = b"".join(iter(lambda p=part: p.read(777), b""))
            found.append((dict(part.fields), content))
    except BrokenBody:
        return None
    return found


def once(data: bytes) -> None:
    """Take the first line for the content type, the rest for the body."""
    first, _line, body = data.partition(b"\n")
    try:
        boundary = MediaType.parse(first.decode("latin-1")).parameters.get("boundary", "b")
    except BrokenBody:
        boundary = "b"
    whole = _parts(body, boundary, _MOST)
    assert _parts(body, boundary, 7) == whole
    assert whole is None or sum(len(content) for _fields, content in whole) <= len(body)


if __name__ == "__main__":
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
