"""What a file is, by its first bytes; its name only where the bytes say nothing."""

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from imaging.ingest.media.trouble import Trouble

#: Enough for every signature but that of a disc image.
HEAD: Final = 4096
#: PS3.10 section 7.1: 128 bytes of anything, then the prefix.
_PREFIX_AT: Final = 128
#: ECMA-119 section 8.1: the first volume descriptor lies in sector 16, its identifier after one byte.
_DISC_IMAGE_AT: Final = 16 * 2048 + 1
DISC_IMAGE_HEAD: Final = _DISC_IMAGE_AT + 5

_ARCHIVES: Final = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ\x00",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
    b"MSCF",
    b"\x28\xb5\x2f\xfd",
)
_PICTURES: Final = (b"%PDF-", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")
_PICTURE_NAMES: Final = frozenset(
    {".pdf", ".jpg", ".jpeg", ".png", ".gif", ".tif", ".tiff", ".bmp", ".mp4", ".mov", ".avi"}
)
#: Names by which a file says itself that it is DICOM: when it is not, that is told as a fault, not as a stray file.
_CLAIMED: Final = frozenset({".dcm", ".dicom", ".dic", ".ima"})
#: First elements of a data set without the file's head: groups 0002 and 0008, little and big endian.
_BARE: Final = (
    b"\x02\x00\x00\x00",
    b"\x02\x00\x10\x00",
    b"\x08\x00\x00\x00",
    b"\x08\x00\x05\x00",
    b"\x08\x00\x08\x00",
    b"\x08\x00\x16\x00",
)


class Kind(StrEnum):
    """As in ``ImportedFile.Kind``."""

    DICOM = "dicom"
    DICOMDIR = "dicomdir"
    ARCHIVE = "archive"
    DOCUMENT = "document"
    JUNK = "junk"


def kind_of(path: str, head: bytes) -> tuple[Kind, Trouble | None]:
    """Kind of a file, and why it cannot be used if that is known already. A program with a DICOM head is DICOM."""
    name = PurePosixPath(path)
    if head[_PREFIX_AT : _PREFIX_AT + 4] == b"DICM":
        return (Kind.DICOMDIR if name.stem.upper() == "DICOMDIR" else Kind.DICOM), None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.ARCHIVE, None
    if head.startswith(_ARCHIVES) or head[257:262] == b"ustar":
        return Kind.ARCHIVE, Trouble.OTHER_ARCHIVE
    if head[_DISC_IMAGE_AT:DISC_IMAGE_HEAD] == b"CD001" or name.suffix.lower() == ".iso":
        return Kind.ARCHIVE, Trouble.DISC_IMAGE
    if head.startswith(_PICTURES) or name.suffix.lower() in _PICTURE_NAMES:
        return Kind.DOCUMENT, Trouble.NOT_DICOM
    if name.suffix.lower() in _CLAIMED or head.startswith(_BARE):
        # Tried, so that the door says what is wrong with it.
        return Kind.DICOM, None
    return Kind.JUNK, Trouble.NOT_DICOM
