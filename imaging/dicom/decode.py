"""Bytes of one frame to an array. To be called in the decoder pool only: the codecs are C code fed with strangers' bytes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from imaging.dicom import codecs, colour, uids
from imaging.dicom.errors import DecodeFailed, DicomError, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription

__all__ = ["FrameDescription", "decode_frame"]

Samples = npt.NDArray[Any]

_FLOATS = {"float": "f4", "double": "f8"}
#: A padding byte, and one more that tells an excess.
_DEFLATE_SLACK = 2


def decode_frame(source: bytes, description: FrameDescription) -> Samples:
    """Stored values of one frame: (rows, columns), or RGB as (rows, columns, 3).

    Grey values and palette indices are integers of the stored signedness (float32 or float64 for float pixel data), colours
    are unsigned and interleaved whatever the stored colour space. Sizes are compared with the header before a codec runs.
    Raises ``UnsupportedPixels`` or ``DecodeFailed``.
    """
    description.validate()
    try:
        return _decode(source, description)
    except DicomError:
        raise
    except (ValueError, TypeError, RuntimeError, OverflowError, MemoryError, IndexError, zlib.error) as error:
        raise DecodeFailed(type(error).__name__, code="codec_error") from error


def _decode(source: bytes, description: FrameDescription) -> Samples:
    syntax = description.transfer_syntax_uid
    if not uids.is_encapsulated(syntax):
        return _native(source, description)
    if syntax == uids.DEFLATED_IMAGE_FRAME:
        return _native(inflated(source, description), description)
    if syntax == uids.ENCAPSULATED_UNCOMPRESSED:
        return _native(source, description)
    decoder = _decoder(syntax)
    if decoder is None:
        raise UnsupportedPixels(uids.transfer_syntax_name(syntax)[:80], code="unsupported_transfer_syntax")
    decoded = decoder(source, description)
    samples = _shaped(decoded.samples, description)
    if description.is_colour:
        photometric = "RGB" if decoded.is_rgb else description.photometric_interpretation
        return colour.to_rgb(samples, photometric, description.bits_allocated)
    return _signed(samples, description, decoded.precision, low_aligned=decoded.low_aligned)


def inflated(source: bytes, description: FrameDescription) -> bytes:
    """The native bytes of a deflated frame (PS3.5 annex A.4.13), never more than the header promises. Raises ``DecodeFailed``."""
    try:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(source, description.native_bytes + _DEFLATE_SLACK)
    except zlib.error as error:
        raise DecodeFailed("a deflated frame cannot be inflated", code="codec_error") from error
    if len(data) < description.native_bytes:
        raise DecodeFailed(f"{len(data)} bytes for a frame of {description.native_bytes}", code="frame_too_short")
    return data[: description.native_bytes]


def _decoder(syntax: str) -> Callable[[bytes, FrameDescription], codecs.Decoded] | None:
    if syntax in uids.JPEG_DCT | uids.JPEG_PREDICTIVE:
        return codecs.jpeg
    if syntax in uids.JPEG_LS:
        return codecs.jpeg_ls
    if syntax in uids.JPEG_2000_FAMILY:
        return codecs.jpeg_2000
    if syntax in uids.HTJ2K_FAMILY:
        return codecs.htj2k
    if syntax in uids.JPEG_XL_FAMILY:
        return codecs.jpeg_xl
    return codecs.rle if syntax == uids.RLE_LOSSLESS else None


def _native(source: bytes, description: FrameDescription) -> Samples:
    if len(source) < description.native_bytes:
        raise DecodeFailed(f"{len(source)} bytes for a frame of {description.native_bytes}", code="frame_too_short")
    rows, columns = description.rows, description.columns
    if description.bits_allocated == 1:
        return _bits(source, description)
    samples = np.frombuffer(_swapped(source, description), dtype=_stored_type(description))
    if description.subsampled:
        ycc = colour.upsample_422(samples, rows, columns) if columns % 2 == 0 else _odd_422(samples, rows, columns)
        return colour.to_rgb(ycc, description.photometric_interpretation, description.bits_allocated)
    count = rows * columns * description.samples_per_pixel
    samples = _in_native_order(samples[:count])
    if not description.is_colour:
        return _signed(samples.reshape(rows, columns), description, description.bits_allocated, low_aligned=False)
    if description.planar_configuration:
        samples = np.ascontiguousarray(samples.reshape(3, rows, columns).transpose(1, 2, 0))
    return colour.to_rgb(
        samples.reshape(rows, columns, 3), description.photometric_interpretation, description.bits_allocated
    )


def _stored_type(description: FrameDescription) -> str:
    order = ">" if description.transfer_syntax_uid == uids.EXPLICIT_VR_BIG_ENDIAN else "<"
    if description.sample_type in _FLOATS:
        return order + _FLOATS[description.sample_type]
    return f"{order}u{description.bits_allocated // 8}"


def _in_native_order(samples: Samples) -> Samples:
    return samples.astype(samples.dtype.newbyteorder("="), copy=False)


def _swapped(source: bytes, description: FrameDescription) -> bytes:
    """Eight-bit samples in big-endian words lie in swapped pairs (PS3.5 section 8.1.1 and annex D)."""
    words = description.pixel_vr == "OW" and description.bits_allocated == 8
    if not words or description.transfer_syntax_uid != uids.EXPLICIT_VR_BIG_ENDIAN or len(source) % 2:
        return source
    return np.frombuffer(source, dtype=">u2").astype("<u2").tobytes()


def _bits(source: bytes, description: FrameDescription) -> Samples:
    """One bit per pixel, least significant first (PS3.5 section 8.1.1)."""
    count = description.rows * description.columns * description.samples_per_pixel
    unpacked = np.unpackbits(np.frombuffer(source, dtype=np.uint8), count=count, bitorder="little")
    if description.is_colour:
        raise UnsupportedPixels("colours of one bit", code="unsupported_bits")
    return unpacked.reshape(description.rows, description.columns)


def _odd_422(samples: Samples, rows: int, columns: int) -> Samples:
    """Rows of an odd number of pixels cannot be in pairs; their writers pair across rows."""
    if rows * columns % 2:
        raise UnsupportedPixels("an odd number of subsampled pixels", code="unsupported_subsampling")
    return colour.upsample_422(samples, rows, columns)


def _shaped(samples: Samples, description: FrameDescription) -> Samples:
    wanted: tuple[int, ...] = (description.rows, description.columns)
    if description.is_colour:
        wanted = (*wanted, 3)
    if samples.shape != wanted:
        raise DecodeFailed(f"decoded to {samples.shape}, promised was {wanted}", code="size_mismatch")
    return samples


def _signed(samples: Samples, description: FrameDescription, precision: int, *, low_aligned: bool) -> Samples:
    """Stored values without what lies above or below them, with the sign that the header says.

    ``precision`` is the number of significant bits that the codec delivers; ``low_aligned`` says that they are the stored
    bits themselves rather than a cell of Bits Allocated with a High Bit.
    """
    if samples.dtype.kind == "f" or description.sample_type != "integer":
        return samples
    cell = samples.dtype.itemsize * 8
    stored = min(description.bits_stored, cell)
    signed = description.pixel_representation == 1
    if samples.dtype.kind == "i":
        # JPEG 2000 carries its own sign.
        return samples if signed else samples.view(f"u{samples.dtype.itemsize}")
    if low_aligned:
        shift_up, shift_down = (cell - precision, cell - precision) if precision < cell else (0, 0)
        if signed and precision > stored:
            shift_up = shift_down = cell - stored
    else:
        high = description.high_bit if stored - 1 <= description.high_bit < cell else stored - 1
        shift_up, shift_down = cell - 1 - high, cell - stored
    if not signed:
        return samples if low_aligned or not shift_down else (samples << shift_up) >> shift_down
    as_signed = (samples << shift_up if shift_up else samples).view(f"i{samples.dtype.itemsize}")
    return as_signed >> shift_down if shift_down else as_signed
