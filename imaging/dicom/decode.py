"""Bytes of one frame to an array."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from imaging.dicom.frame_description import FrameDescription

__all__ = ["FrameDescription", "decode_frame"]


def decode_frame(source: bytes, description: FrameDescription) -> npt.NDArray[Any]:
    """Array of shape (rows, columns) or (rows, columns, 3). Raises ``DicomError``."""
    raise NotImplementedError
