"""What the headers of compressed frames promise, read before a decoder is trusted with them."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from imaging.dicom.errors import DecodeFailed

_SOI, _SOS, _APP0, _APP14 = 0xD8, 0xDA, 0xE0, 0xEE
#: Start-of-frame markers of JPEG (ISO/IEC 10918-1 table B.1) and JPEG-LS.
_FRAME_MARKERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC} | {0xF7})
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_J2K_START = b"\xff\x4f\xff\x51"
_J2K_SEARCH = 4096


@dataclass(frozen=True, slots=True)
class Codestream:
    """Size of one compressed frame; for JPEG also what its markers say about colour."""

    rows: int
    columns: int
    components: int
    precision: int
    signed: bool = False
    component_ids: bytes = b""
    adobe_transform: int | None = None
    jfif: bool = False
    frame_marker: int = 0


def read_jpeg(data: bytes) -> Codestream:
    """Headers of a JPEG or JPEG-LS frame up to its first scan. Raises ``DecodeFailed``."""
    if data[:2] != b"\xff\xd8":
        raise DecodeFailed("a JPEG frame does not begin with SOI", code="broken_codestream")
    at, adobe, jfif = 2, None, False
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker in _FRAME_MARKERS:
            return _frame(marker, body, adobe, jfif)
        if marker == _SOS or length < 2:
            break
        if marker == _APP14 and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        elif marker == _APP0 and body[:4] == b"JFIF":
            jfif = True
        at += 2 + length
    raise DecodeFailed("a JPEG frame has no frame header", code="broken_codestream")


def _frame(marker: int, body: bytes, adobe: int | None, jfif: bool) -> Codestream:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise DecodeFailed("a JPEG frame header is cut off", code="broken_codestream")
    precision, rows, columns, components = struct.unpack(">BHHB", body[:6])
    return Codestream(
        rows=rows,
        columns=columns,
        components=components,
        precision=precision,
        component_ids=body[6 : 6 + 3 * components : 3],
        adobe_transform=adobe,
        jfif=jfif,
        frame_marker=marker,
    )


def read_jpeg_2000(data: bytes) -> Codestream:
    """The SIZ marker of a JPEG 2000 or HTJ2K code stream, in a JP2 box or bare. Raises ``DecodeFailed``."""
    start = data.find(_J2K_START, 0, _J2K_SEARCH)
    fixed = data[start + 6 : start + 42]
    if start < 0 or len(fixed) < 36:
        raise DecodeFailed("a JPEG 2000 frame has no size marker", code="broken_codestream")
    _, right, bottom, left, top, _, _, _, _, components = struct.unpack(">H8LH", fixed)
    depth = data[start + 42] if len(data) > start + 42 else 0
    return Codestream(
        rows=bottom - top,
        columns=right - left,
        components=components,
        precision=(depth & 0x7F) + 1,
        signed=bool(depth & 0x80),
    )
