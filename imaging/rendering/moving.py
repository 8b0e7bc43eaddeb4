"""Moving pictures: a few frames of a cine loop as one animated WebP. Runs in the decoder pool only."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Final

import numpy as np

from imaging.dicom import decode, windowing
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.rendering import pictures
from imaging.rendering.pictures import Image

#: Bytes beyond which a loop is made smaller or left out: it lies on a page beside others.
MAX_BYTES: Final = 600 * 1024
_QUALITIES: Final = (60, 35)
_SHORTEST, _LONGEST = 40, 400


def strip(frames: Sequence[tuple[bytes, FrameDescription]], *, box: tuple[int, int], aspect: float) -> list[Image]:
    """The frames as pictures of one size; those without a window share that of the middle one, so that nothing flickers."""
    middle_bytes, middle = frames[len(frames) // 2]
    window = None
    if middle.window is None and middle.voi_lut is None and not middle.is_colour and middle.palette is None:
        window = windowing.default_window(decode.decode_frame(middle_bytes, middle), middle)
    shown = []
    for source, description in frames:
        picture = windowing.to_display(decode.decode_frame(source, description), description, window)
        shown.append(pictures.fit(picture, box, aspect))
    return shown


def encode(images: Sequence[Image], *, milliseconds: float) -> bytes:
    """As an animated WebP that repeats. Raises ``UnsupportedPixels`` when it stays too large."""
    duration = round(float(np.clip(milliseconds, _SHORTEST, _LONGEST)))
    first, *others = [image.convert("RGB") for image in images]
    for quality in _QUALITIES:
        out = io.BytesIO()
        first.save(
            out, "WEBP", save_all=True, append_images=others, duration=duration, loop=0, quality=quality, method=2
        )
        if out.tell() <= MAX_BYTES:
            return out.getvalue()
    raise UnsupportedPixels("the moving picture is too large", code="too_large")
