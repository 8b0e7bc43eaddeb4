"""Stored values to what a screen shows: modality, VOI and presentation transformations (PS3.3 C.11, PS3.4 N.2)."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import numpy.typing as npt

from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription

__all__ = ["default_window", "to_display"]

Samples = npt.NDArray[Any]
Display = npt.NDArray[np.uint8]
Window = tuple[float, float]

_WHITE = 255
_SAMPLE_PIXELS = 250_000
_PERCENTILES = (0.5, 99.5)
#: Beyond this, exp() overflows float64 without changing a grey level.
_MAX_EXPONENT = 60.0


def to_display(array: Samples, description: FrameDescription, window: Window | None = None) -> Display:
    """Grey levels as uint8 (rows, columns), or colours as uint8 (rows, columns, 3).

    ``array`` is what ``decode.decode_frame`` gives. ``window`` is (centre, width) in modality units and wins over the
    object's own VOI LUT and window; without any of them the window is taken from the pixels. Values are white-is-high for
    both monochrome interpretations; padding is black. Raises ``UnsupportedPixels``.
    """
    if array.ndim == 3:
        return _eight_bits(array, description)
    if description.photometric_interpretation == "PALETTE COLOR":
        return palette_to_rgb(array, description)
    if description.bits_allocated == 1:
        return array.astype(np.uint8) * np.uint8(_WHITE)
    if array.dtype.kind in "iu" and array.dtype.itemsize <= 2:
        return _through_table(array, description, window)
    return _directly(array, description, window)


def default_window(array: Samples, description: FrameDescription) -> Window:
    """(centre, width) in modality units that shows almost all pixels, padding left out; for objects without their own."""
    if _shows_itself(description):
        span = 1 << description.bits_stored
        low, high = (-(span // 2), span // 2 - 1) if description.pixel_representation else (0, span - 1)
        return (low + high + 1) / 2, float(high - low + 1)
    values = array.reshape(-1)
    values = values[:: max(len(values) // _SAMPLE_PIXELS, 1)]
    if description.padding and values.dtype.kind in "iu":
        inside = (values < description.padding[0]) | (values > description.padding[1])
        values = values[inside] if inside.any() else values
    modality = _modality(values, description)
    modality = modality[np.isfinite(modality)]
    if not modality.size:
        return 0.5, 1.0
    darkest, brightest = (float(edge) for edge in np.percentile(modality, _PERCENTILES))
    if brightest <= darkest:
        darkest, brightest = float(modality.min()), float(modality.max())
    return (darkest + brightest) / 2, max(brightest - darkest, 1e-9) if brightest > darkest else 1.0


def palette_to_rgb(array: Samples, description: FrameDescription) -> Display:
    """Palette indices to uint8 RGB (PS3.3 C.7.6.3.1.5)."""
    if description.palette is None:
        raise UnsupportedPixels("a palette image without palette", code="broken_lookup_table")
    # Tables declared 16 bits wide hold 8-bit entries in some old ultrasound machines: then nothing is shifted.
    shift = 8 if max(int(table.entries.max(initial=0)) for table in description.palette) > _WHITE else 0
    channels = [(table.apply(array) >> shift).astype(np.uint8) for table in description.palette]
    return cast(Display, np.stack(channels, axis=-1))


def _eight_bits(array: Samples, description: FrameDescription) -> Display:
    if array.dtype == np.uint8:
        return array
    shift = max(min(description.bits_stored, array.dtype.itemsize * 8) - 8, 0)
    return cast(Display, np.minimum(array >> shift, _WHITE).astype(np.uint8))


def _through_table(array: Samples, description: FrameDescription, window: Window | None) -> Display:
    """Every stored value that can occur is transformed once; the image is then one look-up."""
    unsigned = np.dtype(f"u{array.dtype.itemsize}")
    every = np.arange(1 << unsigned.itemsize * 8, dtype=unsigned).view(array.dtype)
    if window is None and description.voi_lut is None and description.window is None:
        window = default_window(array, description)
    table = _transform(every, description, window)
    return cast(Display, np.take(table, np.ascontiguousarray(array).view(unsigned)))


def _directly(array: Samples, description: FrameDescription, window: Window | None) -> Display:
    if window is None and description.voi_lut is None and description.window is None:
        window = default_window(array, description)
    return _transform(array, description, window)


def _transform(values: Samples, description: FrameDescription, window: Window | None) -> Display:
    modality = _modality(values, description)
    if window is None and description.voi_lut is not None:
        shown = _voi_table(modality, description)
    else:
        shown = _windowed(modality, window or description.window or (0.5, 1.0), description.voi_function)
    if description.photometric_interpretation == "MONOCHROME1" or description.presentation_lut_shape == "INVERSE":
        shown = _WHITE - shown
    if description.padding and values.dtype.kind in "iu":
        low, high = description.padding
        shown[(values >= low) & (values <= high)] = 0
    return shown


def _modality(values: Samples, description: FrameDescription) -> Samples:
    """Values in modality units (HU, counts, optical density...), floating point unless a table made them."""
    if description.modality_lut is not None and values.dtype.kind in "iu":
        return description.modality_lut.apply(values)
    if description.rescale_slope == 1.0 and description.rescale_intercept == 0.0 and values.dtype.kind == "f":
        return values
    return values.astype(np.float64) * description.rescale_slope + description.rescale_intercept


def _voi_table(modality: Samples, description: FrameDescription) -> Display:
    assert description.voi_lut is not None
    finite = np.nan_to_num(modality, nan=0.0, posinf=2**31, neginf=-(2**31)) if modality.dtype.kind == "f" else modality
    entries = description.voi_lut.apply(np.rint(finite).astype(np.int64))
    return (entries.astype(np.float64) * (_WHITE / description.voi_lut.full_scale) + 0.5).astype(np.uint8)


def _windowed(modality: Samples, window: Window, function: str) -> Display:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, to 0..255."""
    centre, width = window
    values = np.nan_to_num(modality.astype(np.float64), nan=-np.inf, posinf=np.inf, neginf=-np.inf)
    if function == "SIGMOID":
        exponent = np.clip(-4.0 * (values - centre) / width, -_MAX_EXPONENT, _MAX_EXPONENT)
        fraction = 1.0 / (1.0 + np.exp(exponent))
    elif function == "LINEAR_EXACT" or width < 1.0:
        fraction = (values - centre) / width + 0.5
    elif width == 1.0:
        fraction = (values > centre - 0.5).astype(np.float64)
    else:
        fraction = (values - (centre - 0.5)) / (width - 1.0) + 0.5
    return (np.clip(fraction, 0.0, 1.0) * _WHITE + 0.5).astype(np.uint8)


def _shows_itself(description: FrameDescription) -> bool:
    """Whether stored values are grey levels already: eight bits and no rescale, as in captures and ultrasound."""
    return (
        description.bits_stored <= 8
        and description.sample_type == "integer"
        and description.modality_lut is None
        and description.rescale_slope == 1.0
        and description.rescale_intercept == 0.0
    )
