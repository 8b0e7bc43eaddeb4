"""One function per family of codecs: the fastest library first, another as fallback, sizes compared before either runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import jpeg_ls as pyjpegls
import numpy as np
import numpy.typing as npt
import openjpeg.utils
from rle import rle as pylibjpeg_rle

from imaging.dicom import codestream
from imaging.dicom.codestream import Codestream
from imaging.dicom.errors import DecodeFailed
from imaging.dicom.frame_description import FrameDescription

Samples = npt.NDArray[Any]
Attempt = Callable[[bytes], Samples]

_ADOBE_RGB = 0
_LOSSLESS_MARKERS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_RLE_HEADER = 64
_RLE_MAX_SEGMENTS = 15
#: A PackBits run of 2 bytes makes at most 128.
_RLE_GAIN = 64


@dataclass(frozen=True, slots=True)
class Decoded:
    """Samples as a codec delivers them.

    ``is_rgb`` when the codec has undone the colour transform; ``low_aligned`` when values lie at bit 0 whatever High Bit says.
    """

    samples: Samples
    precision: int
    is_rgb: bool = False
    low_aligned: bool = True


def jpeg(source: bytes, description: FrameDescription) -> Decoded:
    """JPEG baseline, extended, and lossless (ISO/IEC 10918-1); the marker counts, not the transfer syntax's name."""
    stream = codestream.read_jpeg(source)
    _compare(stream, description)
    if stream.components == 1:
        return Decoded(_first(source, imagecodecs.jpeg8_decode, imagecodecs.ljpeg_decode), stream.precision)
    if stream.frame_marker in _LOSSLESS_MARKERS:
        # Lossless JPEG has no colour transform of its own: samples are what the header calls them.
        samples = _first(source, _untransformed_jpeg, imagecodecs.jpegsof3_decode)
        return Decoded(np.ascontiguousarray(samples), stream.precision)
    attempt = _untransformed_jpeg if _is_stored_as_rgb(stream, description) else _ycbcr_jpeg
    return Decoded(_first(source, attempt), stream.precision, is_rgb=True)


def _untransformed_jpeg(source: bytes) -> Samples:
    samples: Samples = imagecodecs.jpeg8_decode(source, colorspace="RGB", outcolorspace="RGB")
    return samples


def _ycbcr_jpeg(source: bytes) -> Samples:
    samples: Samples = imagecodecs.jpeg8_decode(source, colorspace="YCBCR", outcolorspace="RGB")
    return samples


def _is_stored_as_rgb(stream: Codestream, description: FrameDescription) -> bool:
    """Whether three components are R, G, B.

    What the stream says wins over the header, for it is what the encoder did: an Adobe marker first, then component ids
    ``RGB``, then a JFIF marker (always YCbCr). Only a silent stream is read as Photometric Interpretation says.
    """
    if stream.adobe_transform is not None:
        return stream.adobe_transform == _ADOBE_RGB
    if stream.component_ids == b"RGB":
        return True
    if stream.jfif:
        return False
    return description.photometric_interpretation == "RGB"


def jpeg_ls(source: bytes, description: FrameDescription) -> Decoded:
    """JPEG-LS, lossless and near-lossless (ISO/IEC 14495-1)."""
    stream = codestream.read_jpeg(source)
    _compare(stream, description)
    return Decoded(_first(source, imagecodecs.jpegls_decode, _pyjpegls), stream.precision)


def _pyjpegls(source: bytes) -> Samples:
    samples: Samples = pyjpegls.decode(np.frombuffer(source, dtype=np.uint8))
    return samples


def jpeg_2000(source: bytes, description: FrameDescription) -> Decoded:
    """JPEG 2000; the code stream's own component transform (RCT, ICT) is undone by the codec."""
    return _jpeg_2000(source, description, imagecodecs.jpeg2k_decode, _pylibjpeg_openjpeg)


def htj2k(source: bytes, description: FrameDescription) -> Decoded:
    """High-throughput JPEG 2000."""
    return _jpeg_2000(source, description, imagecodecs.htj2k_decode, imagecodecs.jpeg2k_decode, _pylibjpeg_openjpeg)


def _jpeg_2000(source: bytes, description: FrameDescription, *attempts: Attempt) -> Decoded:
    stream = codestream.read_jpeg_2000(source)
    _compare(stream, description)
    samples = _first(source, *attempts)
    is_rgb = description.photometric_interpretation not in {"YBR_FULL", "YBR_FULL_422"}
    return Decoded(samples, stream.precision, is_rgb=is_rgb)


def _pylibjpeg_openjpeg(source: bytes) -> Samples:
    samples: Samples = openjpeg.utils.decode(source)
    return samples


def jpeg_xl(source: bytes, description: FrameDescription) -> Decoded:
    """JPEG XL (ISO/IEC 18181); colours come out as RGB."""
    samples = _first(source, imagecodecs.jpegxl_decode)
    return Decoded(samples, description.bits_stored, is_rgb=True)


def rle(source: bytes, description: FrameDescription) -> Decoded:
    """RLE Lossless: one segment per byte of each sample, most significant first (PS3.5 annex G)."""
    bytes_per_sample = max(description.bits_allocated // 8, 1)
    segments = int.from_bytes(source[:4], "little")
    if segments != bytes_per_sample * description.samples_per_pixel or segments > _RLE_MAX_SEGMENTS:
        raise DecodeFailed(f"{segments} RLE segments", code="size_mismatch")
    if description.native_bytes > max(len(source) - _RLE_HEADER, 0) * _RLE_GAIN:
        raise DecodeFailed("an RLE frame is too short", code="frame_too_short")
    pixels = description.rows * description.columns
    planes = pylibjpeg_rle.decode_frame(source, pixels, description.bits_allocated, "<")
    samples = np.frombuffer(planes, dtype=f"<u{bytes_per_sample}")
    shape = description.rows, description.columns
    if description.is_colour:
        return Decoded(
            np.ascontiguousarray(samples.reshape(3, *shape).transpose(1, 2, 0)),
            description.bits_allocated,
            low_aligned=False,
        )
    return Decoded(samples.reshape(shape), description.bits_allocated, low_aligned=False)


def _compare(stream: Codestream, description: FrameDescription) -> None:
    found = stream.rows, stream.columns, stream.components
    promised = description.rows, description.columns, description.samples_per_pixel
    if found != promised:
        raise DecodeFailed(f"the code stream is {found}, promised was {promised}", code="size_mismatch")
    if stream.precision > max(description.bits_allocated, 8):
        raise DecodeFailed(f"{stream.precision} bits of precision", code="size_mismatch")


def _first(source: bytes, *attempts: Attempt) -> Samples:
    """Result of the first attempt that works. Raises ``DecodeFailed`` with the first one's reason."""
    reason: Exception | None = None
    for attempt in attempts:
        try:
            samples = attempt(source)
        except Exception as error:  # noqa: BLE001 - each codec library has its own exceptions, and some raise bare ones
            reason = reason or error
        else:
            if samples.size:
                return samples
    raise DecodeFailed(str(reason)[:200], code="codec_error") from reason
