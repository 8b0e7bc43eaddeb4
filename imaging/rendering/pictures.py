"""A frame's bytes to a small picture for a screen. Runs in the decoder pool only (DESIGN rule 5)."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL.Image import Image, Resampling
from PIL.PngImagePlugin import PngInfo

from imaging.dicom import decode, display_planes, windowing
from imaging.dicom.errors import UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription

__all__ = ["Image", "display", "draw", "encode", "fit", "load_codecs"]

#: Samples of one frame: beyond this a picture is refused before a decoder sees it (a 16-bit frame of 512 MiB).
MAX_SAMPLES: Final = 256 * 1024 * 1024
#: A pixel longer or wider than this is a wrong header, not a geometry.
_MAX_ASPECT: Final = 20.0
#: imagecodecs loads a codec when it is first asked for it.
_CODECS: Final = ("jpeg8", "ljpeg", "jpegsof3", "jpegls", "jpeg2k", "htj2k", "jpegxl", "packbits", "none")

PIL.Image.MAX_IMAGE_PIXELS = MAX_SAMPLES


def draw(
    source: bytes,
    description: FrameDescription,
    *,
    box: tuple[int, int],
    aspect: float = 1.0,
    planes: Mapping[str, Any] = MappingProxyType({}),
    frame_number: int = 1,
) -> Image:
    """One frame as a screen shows it, inside ``box`` (width, height in pixels; 0 = no bound), never enlarged.

    ``aspect`` is the height of a pixel over its width (PS3.3 C.7.6.3.1.7); ``planes`` are the overlays and shutters of
    ``display_planes.attributes``. Raises ``DicomError``.
    """
    return fit(display(source, description, planes=planes, frame_number=frame_number), box, aspect)


def display(
    source: bytes,
    description: FrameDescription,
    *,
    planes: Mapping[str, Any] = MappingProxyType({}),
    frame_number: int = 1,
) -> npt.NDArray[np.uint8]:
    """One frame in its own size as uint8 (rows, columns[, 3]). Raises ``DicomError``."""
    samples = description.rows * description.columns * description.samples_per_pixel
    if not 0 < samples <= MAX_SAMPLES:
        raise UnsupportedPixels(f"{description.columns} x {description.rows} pixels", code="too_large")
    shown = windowing.to_display(decode.decode_frame(source, description), description)
    return display_planes.draw(shown, planes, frame_number=frame_number, source=source, description=description)


def fit(shown: npt.NDArray[np.uint8], box: tuple[int, int], aspect: float) -> Image:
    """Scale (rows, columns[, 3]) uint8 into ``box`` with square pixels."""
    image = PIL.Image.fromarray(np.ascontiguousarray(shown))
    width, height = _square(image.width, image.height, aspect)
    scale = min(1.0, (box[0] or width) / width, (box[1] or height) / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == image.size:
        return image
    return image.resize(size, Resampling.LANCZOS, reducing_gap=2.0)


def _square(width: int, height: int, aspect: float) -> tuple[float, float]:
    if not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT:
        return width, height
    # The short side of a pixel is stretched, so that nothing is lost.
    return (width, height * aspect) if aspect >= 1 else (width / aspect, height)


def encode(image: Image, media_type: str, *, quality: int = 0, xmp: bytes = b"") -> bytes:
    """As WebP, JPEG or PNG; ``quality`` is 1 to 100, 0 ours. Small pictures take the denser WebP, for large ones speed counts.

    ``xmp`` is a packet of metadata that goes with it (ISO 16684-1).
    """
    out = io.BytesIO()
    if media_type == "image/webp":
        small = image.width * image.height <= 300 * 300
        image.save(out, "WEBP", quality=quality or 82, method=2 if small else 0, xmp=xmp)
    elif media_type == "image/jpeg":
        image.save(out, "JPEG", quality=quality or 90, xmp=xmp)
    elif media_type == "image/png":
        told = PngInfo()
        if xmp:
            told.add_itxt("XML:com.adobe.xmp", xmp.decode())
        image.save(out, "PNG", compress_level=3, pnginfo=told)
    else:
        raise UnsupportedPixels(media_type, code="unknown_media_type")
    return out.getvalue()


def load_codecs() -> None:
    """Import the decoders now: each child would otherwise load them at its first picture of a kind."""
    for name in (
        "imagecodecs",
        "openjpeg",
        "rle",
        "jpeg_ls",
        "PIL.WebPImagePlugin",
        "PIL.JpegImagePlugin",
        "PIL.PngImagePlugin",
    ):
        importlib.import_module(name)
    for codec in _CODECS:
        getattr(sys.modules["imagecodecs"], f"{codec}_decode", None)
