"""Colour spaces of decoded samples (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]

#: Rows: R, G, B out of (Y, Cb - half, Cr - half), full range, ITU-R BT.601.
_FULL = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]], dtype=np.float32)
#: The same out of studio range (Y 16 to 235, chroma 16 to 240).
_PARTIAL = np.array(
    [[1.164384, 0.0, 1.596027], [1.164384, -0.391762, -0.812968], [1.164384, 2.017232, 0.0]], dtype=np.float32
)

NEEDS_CONVERSION = frozenset({"YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420"})


def to_rgb(samples: Samples, photometric_interpretation: str, bits: int = 8) -> Samples:
    """RGB of the same unsigned type, shape (rows, columns, 3); RGB and what codecs already converted pass unchanged."""
    if photometric_interpretation not in NEEDS_CONVERSION:
        return samples
    partial = photometric_interpretation.startswith("YBR_PARTIAL")
    scale = 1 << (bits - 8)
    matrix = _PARTIAL if partial else _FULL
    black = 16.0 * scale if partial else 0.0
    centred = samples.astype(np.float32)
    centred[..., 0] -= black
    centred[..., 1:] -= 128.0 * scale
    rgb = centred @ matrix.T
    rgb += 0.5
    np.clip(rgb, 0, (1 << bits) - 1, out=rgb)
    return rgb.astype(samples.dtype)


def upsample_422(data: Samples, rows: int, columns: int) -> Samples:
    """Native subsampled chroma, Y Y Cb Cr for each pair of pixels, to (rows, columns, 3) YCbCr."""
    quads = data[: rows * columns * 2].reshape(-1, 4)
    full = np.empty((len(quads), 2, 3), dtype=data.dtype)
    full[:, :, 0] = quads[:, :2]
    full[:, :, 1] = quads[:, 2:3]
    full[:, :, 2] = quads[:, 3:4]
    return full.reshape(rows, columns, 3)
