"""Frames of objects whose stored form no browser reads, as native little-endian frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from imaging.dicom import decode, frame_index, uids, windowing
from imaging.dicom.byte_source import ByteSource, FileSource, InflatingSource
from imaging.dicom.errors import Truncated, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.limits import DEFAULT_LIMITS, Limits
from imaging.dicom.part10 import ParsedFile


def native_frames(
    parsed: ParsedFile, file: BinaryIO, *, limits: Limits = DEFAULT_LIMITS
) -> tuple[FrameDescription, Iterator[bytes]]:
    """The description of the rendition and its frames in order, each made when it is asked for.

    Inflated and little-endian frames keep their samples, and so do those of JPEG 2000 part 2. Palette and YBR_FULL_422 become 8-bit
    RGB; compressed palette frames are decoded for it. The transfer syntax is Explicit VR Little Endian; frames are not
    padded, so that frame *n* begins at ``(n - 1) * description.native_bytes``. To be called in the decoder pool.

    Raises ``UnsupportedPixels`` where no rendition is needed or possible, ``DecodeFailed``, ``Truncated`` or ``Malformed``
    while the frames are drawn.
    """
    if frame_index.needs_rendition(parsed) is None or parsed.pixel_data_offset is None:
        raise UnsupportedPixels("the stored frames need no rendition", code="no_rendition")
    stored = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid, pixel_vr=parsed.pixel_vr)
    source = stored_frames(parsed, file, stored, limits)
    if stored.photometric_interpretation == "PALETTE COLOR":
        return stored.as_rendition(), _from_palette(source, stored)
    if stored.subsampled or stored.photometric_interpretation == "XYB":
        return stored.as_rendition(), _decoded(source, stored)
    if uids.is_encapsulated(stored.transfer_syntax_uid):
        return stored.as_rendition(), _samples(source, stored)
    return stored.as_rendition(), source if parsed.little_endian else _reordered(source, stored)


def stored_frames(parsed: ParsedFile, file: BinaryIO, stored: FrameDescription, limits: Limits) -> Iterator[bytes]:
    """Bytes of each frame as stored, one frame in memory at a time. Raises as ``native_frames``."""
    if parsed.pixel_data_length is None:
        index = frame_index.build(file, parsed)
        for number in range(1, index.number_of_frames + 1):
            yield _read(file, index.ranges(number))
        return
    source: ByteSource
    if parsed.deflated:
        source = InflatingSource(file, parsed.dataset_offset, parsed.length, limits.inflated_bytes)
        source.skip(parsed.pixel_data_offset or 0)
    else:
        source = FileSource(file, parsed.pixel_data_offset or 0, parsed.length)
    if stored.native_bits % 8:
        yield from _unpacked_frames(source, stored)
        return
    # The last of an odd number of bytes in big-endian words lies behind the padding byte.
    padding = stored.native_bytes % 2 if _in_swapped_words(stored) and stored.number_of_frames == 1 else 0
    for _ in range(stored.number_of_frames):
        yield source.take(stored.native_bytes + padding)


def _in_swapped_words(stored: FrameDescription) -> bool:
    big_endian = stored.transfer_syntax_uid == uids.EXPLICIT_VR_BIG_ENDIAN
    return big_endian and stored.pixel_vr == "OW" and stored.bits_allocated <= 8


def _read(file: BinaryIO, ranges: list[tuple[int, int]]) -> bytes:
    pieces = []
    for offset, length in ranges:
        file.seek(offset)
        piece = file.read(length)
        if len(piece) < length:
            raise Truncated("the file ends within a frame", code="pixels_too_short")
        pieces.append(piece)
    return b"".join(pieces)


def _unpacked_frames(source: ByteSource, stored: FrameDescription) -> Iterator[bytes]:
    """Frames of bits that begin anywhere in a byte, each repacked from its own first byte."""
    size, waiting = stored.native_bits, np.empty(0, dtype=np.uint8)
    for _ in range(stored.number_of_frames):
        missing = (size - len(waiting) + 7) // 8
        fresh = np.unpackbits(np.frombuffer(source.take(missing), dtype=np.uint8), bitorder="little")
        waiting = np.concatenate([waiting, fresh])
        yield np.packbits(waiting[:size], bitorder="little").tobytes()
        waiting = waiting[size:]


def _from_palette(source: Iterator[bytes], stored: FrameDescription) -> Iterator[bytes]:
    for frame in source:
        yield windowing.palette_to_rgb(decode.decode_frame(frame, stored), stored).tobytes()


def _decoded(source: Iterator[bytes], stored: FrameDescription) -> Iterator[bytes]:
    for frame in source:
        shown = windowing.to_display(decode.decode_frame(frame, stored), stored)
        yield np.ascontiguousarray(shown).tobytes()


def _samples(source: Iterator[bytes], stored: FrameDescription) -> Iterator[bytes]:
    """Decoded frames in the cells and the order that the header describes."""
    cell = f"<{'i' if stored.pixel_representation else 'u'}{stored.bits_allocated // 8}"
    for frame in source:
        samples = decode.decode_frame(frame, stored).astype(cell, copy=False)
        if stored.is_colour and stored.planar_configuration:
            samples = samples.transpose(2, 0, 1)
        yield samples.tobytes()


def _reordered(source: Iterator[bytes], stored: FrameDescription) -> Iterator[bytes]:
    """Big-endian samples to little-endian; eight-bit samples in words are un-swapped across frame borders."""
    size = stored.bits_allocated // 8
    if size > 1:
        for frame in source:
            yield np.frombuffer(frame, dtype=f">u{size}").astype(f"<u{size}").tobytes()
    elif _in_swapped_words(stored):
        yield from _swapped_words(source, stored)
    else:
        yield from source


def _swapped_words(source: Iterator[bytes], stored: FrameDescription) -> Iterator[bytes]:
    if stored.native_bytes % 2 and stored.number_of_frames > 1:
        raise UnsupportedPixels("odd frames in big-endian words", code="unsupported_byte_order")
    for frame in source:
        yield np.frombuffer(frame, dtype=">u2").astype("<u2").tobytes()[: stored.native_bytes]
