"""What kind of material a file is, told by its first bytes: never by its name or by what a browser says. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What can be wrapped."""

    PICTURE = "picture"
    PDF = "pdf"
    CDA = "cda"
    VIDEO = "video"


#: Bytes from the start that are enough to tell.
HEAD: Final = 4096

_PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF87a", b"GIF89a", b"BM")
_HEIC: Final = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF: Final = frozenset({b"avif", b"avis"})
_DEMUXERS: Final = {
    b"\x1a\x45\xdf\xa3": "matroska",
    b"\x00\x00\x01\xba": "mpeg",
    b"\x30\x26\xb2\x75": "asf",
}


def kind_of(head: bytes) -> Kind | None:
    """The kind of a file that begins so, or None."""
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or _brand(head) in _AVIF:
        return Kind.PICTURE
    if head.startswith(b"%PDF-"):
        return Kind.PDF
    if demuxer_of(head):
        return Kind.VIDEO
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith((b"<?xml", b"<ClinicalDocument")) or b"ClinicalDocument" in text[:HEAD]:
        return Kind.CDA if text.startswith(b"<") else None
    return None


def is_heic(head: bytes) -> bool:
    """Whether it is Apple's picture format, for which there is no decoder here."""
    return _brand(head) in _HEIC


def demuxer_of(head: bytes) -> str:
    """The one reader that may open a video that begins so: those for playlists, which name other files, never do."""
    if _brand(head) and not is_heic(head) and _brand(head) not in _AVIF:
        return "mov"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    return _DEMUXERS.get(head[:4], "")


def _brand(head: bytes) -> bytes:
    """The major brand of an ISO base media file; older QuickTime files begin with their data."""
    if head[4:8] == b"ftyp":
        return head[8:12]
    return b"qt  " if head[4:8] in {b"moov", b"mdat", b"wide", b"skip", b"free"} else b""
