"""Stored values to what a screen shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from imaging.dicom.frame_description import FrameDescription


def to_display(
    array: npt.NDArray[Any], description: FrameDescription, window: tuple[float, float] | None = None
) -> npt.NDArray[np.uint8]:
    """uint8, (rows, columns) or (rows, columns, 3); ``window`` is (centre, width) in modality units."""
    raise NotImplementedError
