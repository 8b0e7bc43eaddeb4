"""A Part 10 file with areas of its frames blanked (PS3.15 annex E.3.1). To be called in the decoder pool.

Native frames stay in their transfer syntax; compressed and deflated ones go out in Explicit VR Little Endian, without any
further loss. What Lossy Image Compression says of their past is kept. What followed the pixels does not go out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from imaging.dicom import blanking, decode, part10, rendition, uids
from imaging.dicom.blanking import Area
from imaging.dicom.byte_source import ByteSource, FileSource, InflatingSource
from imaging.dicom.element_text import ElementText
from imaging.dicom.element_writer import ElementWriter
from imaging.dicom.errors import Truncated, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.limits import DEFAULT_LIMITS, Limits
from imaging.dicom.part10 import ParsedFile

_CHUNK: Final = 1024 * 1024
_PIXEL_GROUP: Final = 0x7FE0
_LONGEST: Final = 0xFFFFFFFE


def write(
    file: BinaryIO, out: BinaryIO, areas: Sequence[Area], *, most: int, limits: Limits = DEFAULT_LIMITS
) -> FrameDescription:
    """Write the file again with its areas black, one frame in memory at a time; how its frames are described now.

    Raises ``UnsupportedPixels`` (code ``too_large`` beyond ``most`` bytes), ``DecodeFailed``, ``Truncated``, ``Malformed``.
    """
    parsed = part10.read_part10(file, limits=limits)
    if parsed.pixel_data_offset is None or parsed.pixel_tag is None:
        raise UnsupportedPixels("the object has no pixels", code="no_pixels")
    stored = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid, pixel_vr=parsed.pixel_vr)
    if stored.photometric_interpretation == "XYB":
        raise UnsupportedPixels("colours that have no lossless native form", code="unsupported_colours")
    written = _as_written(parsed, stored)
    length = written.native_bytes * stored.number_of_frames
    if length > min(most, _LONGEST):
        raise UnsupportedPixels("the blanked frames are larger than one object may be", code="too_large")
    writer = ElementWriter(implicit=parsed.implicit_vr, little_endian=parsed.little_endian, encode=str.encode)
    _write_meta(file, out, parsed, written)
    _write_header(file, out, parsed, _changes(stored, written, writer), limits)
    name = parsed.pixel_vr if not _is_changed(stored) else "OW" if written.bits_allocated > 8 else "OB"
    out.write(writer.head(parsed.pixel_tag, name, length + length % 2))
    _write_frames(out, _frames(parsed, file, stored, written, areas, limits), written)
    out.write(bytes(length % 2))
    return written


def _is_changed(stored: FrameDescription) -> bool:
    return uids.is_encapsulated(stored.transfer_syntax_uid)


def _as_written(parsed: ParsedFile, stored: FrameDescription) -> FrameDescription:
    if parsed.deflated or _is_changed(stored):
        syntax = uids.IMPLICIT_VR_LITTLE_ENDIAN if parsed.implicit_vr else uids.EXPLICIT_VR_LITTLE_ENDIAN
        written = stored.replaced(transfer_syntax_uid=syntax)
        if not _is_changed(stored):
            return written
        colour = {"photometric_interpretation": "RGB", "planar_configuration": 0} if stored.is_colour else {}
        return written.replaced(high_bit=stored.bits_stored - 1, **colour)
    return stored


def _write_meta(file: BinaryIO, out: BinaryIO, parsed: ParsedFile, written: FrameDescription) -> None:
    read = ElementText(parsed.dataset)
    syntax = written.transfer_syntax_uid
    out.write(
        part10.write_file_meta(
            sop_class_uid=read.text(0x00080016, 64),
            sop_instance_uid=read.text(0x00080018, 64),
            transfer_syntax_uid=syntax,
        )
    )


def _changes(stored: FrameDescription, written: FrameDescription, writer: ElementWriter) -> dict[int, bytes]:
    """Elements of the header that describe the frames otherwise than before, by tag."""
    changed: dict[int, bytes] = {}
    for tag, name in ((0x00280006, "planar_configuration"), (0x00280102, "high_bit")):
        if getattr(stored, name) != getattr(written, name):
            changed[tag] = writer.value(tag, "US", struct.pack("<H", getattr(written, name)))
    if stored.photometric_interpretation != written.photometric_interpretation:
        changed[0x00280004] = writer.value(0x00280004, "CS", written.photometric_interpretation.encode())
    return changed


def _write_header(file: BinaryIO, out: BinaryIO, parsed: ParsedFile, changes: dict[int, bytes], limits: Limits) -> None:
    """All elements before the pixels as they came, but for ``changes`` and offsets of compressed frames."""
    source: ByteSource
    if parsed.deflated:
        source = InflatingSource(file, parsed.dataset_offset, parsed.length, limits.inflated_bytes)
        at = 0
    else:
        at = parsed.starts[0][1]
        source = FileSource(file, at, parsed.length)
    ends = [start for _tag, start in parsed.starts[1:]] + [parsed.header_end]
    for (tag, start), end in zip(parsed.starts, ends, strict=True):
        if start >= parsed.header_end:
            break
        source.skip(start - at)
        at = start
        if tag in changes or tag >> 16 == _PIXEL_GROUP:
            out.write(changes.get(tag, b""))
            continue
        while at < end:
            piece = source.take(min(_CHUNK, end - at))
            out.write(piece)
            at += len(piece)


def _frames(
    parsed: ParsedFile,
    file: BinaryIO,
    stored: FrameDescription,
    written: FrameDescription,
    areas: Sequence[Area],
    limits: Limits,
) -> Iterator[bytes]:
    cell = f"<{'i' if written.pixel_representation else 'u'}{written.bits_allocated // 8}"
    count = 0
    for count, frame in enumerate(rendition.stored_frames(parsed, file, stored, limits), start=1):
        here = [area for area in areas if area.holds_in(count)]
        if not _is_changed(stored):
            yield blanking.blanked_native(frame, stored, here)
        else:
            samples = blanking.blanked_decoded(decode.decode_frame(frame, stored), stored, here)
            yield samples.astype(cell, copy=False).tobytes()
    if count != stored.number_of_frames:
        raise Truncated(f"{count} frames of {stored.number_of_frames}", code="pixels_too_short")


def _write_frames(out: BinaryIO, frames: Iterator[bytes], written: FrameDescription) -> None:
    for frame in frames:
        if len(frame) != written.native_bytes:
            raise UnsupportedPixels("a frame is not of its length", code="size_mismatch")
        out.write(frame)
