"""Words that encoders and cameras leave inside compressed frames: comments, Exif and the like, found without decoding anything.

JPEG and JPEG-LS: ISO/IEC 10918-1 section B.2.4; JPEG 2000: ISO/IEC 15444-1 section A.9.2. Only the head of a frame is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from imaging.dicom.fragments import Range

_HEAD: Final = 64 * 1024
#: One encoder wrote all frames of an object; a few of them say what it writes.
_FRAMES: Final = 8
_COMMENT, _START_OF_SCAN, _APP0, _ADOBE, _LAST_APP = 0xFE, 0xDA, 0xE0, 0xEE, 0xEF
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_J2K_START: Final = b"\xff\x4f\xff\x51"
_J2K_COMMENT, _J2K_TILE = 0xFF64, 0xFF90
#: Segments of applications that only say how colours are meant.
_OF_COLOUR: Final = (b"JFIF\0", b"JFXX\0", b"Adobe", b"ICC_PROFILE\0", b"SPIFF\0", b"HPCR")
#: What encoders call themselves.
_ENCODERS: Final = re.compile(
    rb"openjpeg|kakadu|jasper|aware|pegasus|accusoft|lead|dcm4che|dcmtk|gdcm|imagemagick|libjpeg|jj2000|luratech|merge|nvjpeg|"
    rb"grok|kdu|matlab|itk|pvrg|created by|encoder|quality",
    re.IGNORECASE,
)
_TELLING: Final = re.compile(rb"[\w.:@/+-]+")


def of_frames(file: BinaryIO, fragments: tuple[Range, ...]) -> Iterator[bytes]:
    """The words in the heads of the first frames, each with what marks it (``Exif``) as far as there is such a mark."""
    for start, size in fragments[:_FRAMES]:
        file.seek(start)
        head = file.read(min(size, _HEAD))
        if head.startswith(b"\xff\xd8"):
            yield from _of_jpeg(head)
        elif (at := head.find(_J2K_START, 0, 4096)) >= 0:
            yield from _of_jpeg_2000(head, at)


def is_of_an_encoder(words: bytes) -> bool:
    """Whether a comment is an encoder's own name and settings, as nearly every one is."""
    return (len(words) <= 4096 and _ENCODERS.search(words) is not None) or not _TELLING.search(words.strip(b"\0 "))


def _of_jpeg(head: bytes) -> Iterator[bytes]:
    at = 2
    while at + 4 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF or marker in _STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(head[at + 2 : at + 4], "big")
        if marker == _START_OF_SCAN or length < 2:
            return
        words = head[at + 4 : at + 2 + length]
        if marker == _COMMENT or (_APP0 <= marker <= _LAST_APP and not words.startswith(_OF_COLOUR)):
            yield words
        at += 2 + length


def _of_jpeg_2000(head: bytes, start: int) -> Iterator[bytes]:
    at = start + 2
    while at + 4 <= len(head):
        marker, length = int.from_bytes(head[at : at + 2], "big"), int.from_bytes(head[at + 2 : at + 4], "big")
        if marker == _J2K_TILE or marker < 0xFF00 or length < 2:
            return
        if marker == _J2K_COMMENT:
            yield head[at + 6 : at + 2 + length]
        at += 2 + length
