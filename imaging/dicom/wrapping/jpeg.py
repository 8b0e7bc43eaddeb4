"""A JPEG file's segments: what decoding needs is kept byte for byte, what tells of people and places is left out.

Pure: nothing is decoded. A phone writes position, device, owner and a second picture into a photograph (Exif, XMP, MPF);
none of it is the picture, and in an archive it would go wherever the picture goes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from imaging.dicom.errors import DicomError

_SOI: Final = b"\xff\xd8"
_EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_APPLICATION: Final = range(0xE0, 0xF0)
_RESTARTS: Final = range(0xD0, 0xD8)
_ICC: Final = b"ICC_PROFILE\0"
_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112
_LARGEST_ICC: Final = 1024 * 1024


class NotJpeg(DicomError):
    """The bytes are no whole JPEG file."""

    default_code = "not_jpeg"


@dataclass(slots=True)
class JpegFile:
    """What the segments say. ``orientation`` as in Exif (1 is upright); ``density`` in dots per inch (rows, columns)."""

    stream: bytes = b""
    orientation: int = 1
    density: tuple[float, float] | None = None
    icc_profile: bytes = b""
    dropped: bool = False
    kept: list[bytes] = field(default_factory=list)
    profile_parts: dict[int, bytes] = field(default_factory=dict)


def read(data: bytes) -> JpegFile:
    """The file without what does not belong to the picture, up to its end marker. Raises ``NotJpeg``."""
    if data[:2] != _SOI:
        raise NotJpeg("no start marker")
    found = JpegFile()
    at = 2
    while True:
        marker, body, after = _segment(data, at)
        if marker == _SOS:
            break
        _keep(found, marker, body, data[at:after])
        at = after
    end = _end(data, at)
    found.stream = b"".join((_SOI, *found.kept, data[at:end]))
    found.dropped = found.dropped or end < len(data)
    found.icc_profile = b"".join(part for _number, part in sorted(found.profile_parts.items()))[:_LARGEST_ICC]
    return found


def _segment(data: bytes, at: int) -> tuple[int, bytes, int]:
    """(marker, body, offset of what follows) of the segment at ``at``."""
    while data[at : at + 2] == b"\xff\xff":
        at += 1
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] in {0, _EOI}:
        raise NotJpeg("the segments end before the picture")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    after = at + 2 + length
    if length < 2 or after > len(data):
        raise NotJpeg("a segment is cut off")
    return data[at + 1], data[at + 4 : after], after


def _keep(found: JpegFile, marker: int, body: bytes, whole: bytes) -> None:
    if marker == _APP0 and body[:5] == b"JFIF\0" and len(body) >= 14:
        found.density = found.density or _density(body)
        # Without its thumbnail: two zero bytes stand for none.
        found.kept.append(b"\xff\xe0\x00\x10" + body[:12] + b"\0\0")
    elif marker == _APP14 and body[:5] == b"Adobe":
        found.kept.append(whole)
    elif marker == _APP2 and body.startswith(_ICC) and len(body) > len(_ICC) + 2:
        found.profile_parts.setdefault(body[len(_ICC)], body[len(_ICC) + 2 :])
        found.kept.append(whole)
    elif marker in _APPLICATION or marker == _COM:
        found.dropped = True
        if marker == _APP1 and body.startswith(_EXIF):
            found.orientation = _orientation(body[len(_EXIF) :])
    else:
        found.kept.append(whole)


def _density(body: bytes) -> tuple[float, float] | None:
    unit, across, down = struct.unpack(">BHH", body[7:12])
    scale = {1: 1.0, 2: 2.54}.get(unit, 0.0)
    return (down * scale, across * scale) if scale and across and down else None


def _orientation(tiff: bytes) -> int:
    """The Orientation of the first directory of Exif; 1 for anything odd."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return 1
    (start,) = struct.unpack(order + "L", tiff[4:8])
    count = struct.unpack(order + "H", tiff[start : start + 2])[0] if len(tiff) >= start + 2 else 0
    for number in range(min(count, 512)):
        entry = tiff[start + 2 + 12 * number : start + 14 + 12 * number]
        if len(entry) < 12:
            break
        tag, kind, _values, value = struct.unpack(order + "HHLH", entry[:10])
        if tag == _ORIENTATION and kind == 3 and 1 <= value <= 8:
            return int(value)
    return 1


def _end(data: bytes, at: int) -> int:
    """The offset after the end marker; scans and the tables between them are passed over."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise NotJpeg("the picture has no end: the file is cut short", code="cut_short")
        marker = data[at + 1]
        if marker == _EOI:
            return at + 2
        if marker == 0xFF:
            at += 1
        elif marker == 0 or marker in _RESTARTS or marker == 1:
            at += 2
        else:
            _marker, _body, at = _segment(data, at)
