"""Segments as colours over the image that they were drawn on, or alone. Runs in the decoder pool only (DESIGN rule 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imaging.dicom import decode
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.rendering.pictures import MAX_SAMPLES

Colour = tuple[int, int, int]
Display = npt.NDArray[np.uint8]

_OPACITY = 0.45


@dataclass(frozen=True, slots=True)
class Layer:
    """One frame of a segmentation: its bytes, and the colour of each value. ``full`` as in ``segmentation.Plane``."""

    source: bytes
    description: FrameDescription
    colours: Mapping[int, Colour]
    full: int = 0


def draw(layers: Sequence[Layer], ground: Display | None) -> Display:
    """The segments over ``ground`` (uint8 (rows, columns[, 3]) of the same size), or on black; uint8 (rows, columns, 3).

    Raises ``DicomError``.
    """
    rows, columns = layers[0].description.rows, layers[0].description.columns
    if not 0 < rows * columns <= MAX_SAMPLES // 8:
        raise UnsupportedPixels(f"{columns} x {rows} pixels", code="too_large")
    is_alone = ground is None or ground.shape[:2] != (rows, columns)
    picture = np.zeros((rows, columns, 3), dtype=np.float32)
    if ground is not None and not is_alone:
        picture += ground if ground.ndim == 3 else ground[:, :, np.newaxis]
    for layer in layers:
        if (layer.description.rows, layer.description.columns) == (rows, columns):
            _lay(picture, layer, 1.0 if is_alone else _OPACITY)
    shown: Display = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return shown


def _lay(picture: npt.NDArray[np.float32], layer: Layer, opacity: float) -> None:
    values = decode.decode_frame(layer.source, layer.description)
    if values.ndim != 2 or values.dtype.kind not in "iu":
        raise UnsupportedPixels("a mask is made of whole numbers", code="unsupported_pixels")
    if layer.full:
        colour = next(iter(layer.colours.values()))
        share = np.clip(values.astype(np.float32) / layer.full, 0, 1)[:, :, np.newaxis] * opacity
        picture += (np.array(colour, np.float32) - picture) * share
        return
    for value, colour in layer.colours.items():
        mask = values == value if len(layer.colours) > 1 else values != 0
        picture[mask] += (np.array(colour, np.float32) - picture[mask]) * opacity
        picture[_edge(mask)] = colour


def _edge(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels of a mask that have a neighbour outside: the line that a reader follows."""
    inside = mask.copy()
    inside[1:] &= mask[:-1]
    inside[:-1] &= mask[1:]
    inside[:, 1:] &= mask[:, :-1]
    inside[:, :-1] &= mask[:, 1:]
    return mask & ~inside
