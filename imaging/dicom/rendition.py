"""Frames of objects whose stored form no browser reads, as native little-endian frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.part10 import ParsedFile


def native_frames(parsed: ParsedFile, file: BinaryIO) -> tuple[FrameDescription, Iterator[bytes]]:
    """The new description and the frames in order."""
    raise NotImplementedError
