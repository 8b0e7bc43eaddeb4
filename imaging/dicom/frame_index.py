"""Where the frames of a file lie, found without reading pixels (PS3.5 annex A.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Self

from imaging.dicom.part10 import ParsedFile


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Byte ranges per frame; ``kind`` is ``native`` or ``encapsulated``."""

    kind: str
    frames: tuple[tuple[tuple[int, int], ...], ...]

    @property
    def number_of_frames(self) -> int:
        """How many frames can be fetched."""
        return len(self.frames)

    def ranges(self, frame_number: int) -> list[tuple[int, int]]:
        """(offset, length) pairs of one frame, counted from 1, to be read and joined in order."""
        raise NotImplementedError

    def to_bytes(self) -> bytes:
        """Compact form for a database column."""
        raise NotImplementedError

    @classmethod
    def from_bytes(cls, packed: bytes) -> Self:
        """The inverse of ``to_bytes``."""
        raise NotImplementedError


def build(file: BinaryIO, parsed: ParsedFile) -> FrameIndex:
    """Index of ``file``'s frames. Raises ``DicomError``; objects that need a rendition have no index of their own."""
    raise NotImplementedError


def needs_rendition(parsed: ParsedFile) -> str | None:
    """``deflated``, ``big_endian``, ``palette``, ``ybr_full_422`` or ``bit_packed``, or None."""
    raise NotImplementedError


def frame_media_type(transfer_syntax_uid: str) -> str:
    """Media type of one frame (PS3.18 tables 8.7.3-2 and 8.7.3-5)."""
    raise NotImplementedError
