"""Where the frames of a file lie, found without reading pixels (PS3.5 annex A.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Self

from imaging.dicom import fragments, pixel_module, uids, varint
from imaging.dicom.errors import Malformed, Truncated, UnsupportedPixels
from imaging.dicom.part10 import ParsedFile

NATIVE = "native"
ENCAPSULATED = "encapsulated"

_NATIVE_MARK, _ENCAPSULATED_MARK = b"N1", b"E1"

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """Byte ranges per frame; ``kind`` is ``native`` or ``encapsulated``.

    Native frames lie one after the other: ``first`` is the offset of frame 1 and ``size`` the bytes of each of ``count``
    frames. Encapsulated frames have their own ranges in ``frames``, several where a frame has several fragments. Offsets
    count from the file's first byte.
    """

    kind: str
    count: int
    first: int = 0
    size: int = 0
    frames: tuple[tuple[Range, ...], ...] = ()

    @property
    def number_of_frames(self) -> int:
        """How many frames can be fetched."""
        return self.count

    def ranges(self, frame_number: int) -> list[Range]:
        """(offset, length) pairs of one frame, counted from 1, to be read and joined in order.

        Raises ``IndexError`` for a frame that does not exist.
        """
        if not 1 <= frame_number <= self.count:
            raise IndexError(f"frame {frame_number} of {self.count}")
        if self.kind == NATIVE:
            return [(self.first + (frame_number - 1) * self.size, self.size)]
        return list(self.frames[frame_number - 1])

    def to_bytes(self) -> bytes:
        """Compact form for a database column: about 4 bytes per frame, 10 in all for native ones."""
        if self.kind == NATIVE:
            return _NATIVE_MARK + varint.pack((self.count, self.first, self.size))
        return _ENCAPSULATED_MARK + varint.pack(self._numbers())

    def _numbers(self) -> Iterable[int]:
        yield self.count
        end = 0
        for ranges in self.frames:
            yield len(ranges)
            for offset, length in ranges:
                yield varint.zigzag(offset - end)
                yield length
                end = offset + length

    @classmethod
    def from_bytes(cls, packed: bytes | memoryview) -> Self:
        """The inverse of ``to_bytes``. Raises ``Malformed``."""
        mark, body = bytes(packed[:2]), bytes(packed[2:])
        try:
            numbers = iter(varint.unpack(body))
            if mark == _NATIVE_MARK:
                return cls(NATIVE, next(numbers), next(numbers), next(numbers))
            if mark == _ENCAPSULATED_MARK:
                frames = cls._frames(numbers, next(numbers))
                return cls(ENCAPSULATED, len(frames), frames=frames)
        except (StopIteration, IndexError) as error:
            raise Malformed("a damaged frame index", code="damaged_index") from error
        raise Malformed("an unknown frame index", code="damaged_index")

    @staticmethod
    def _frames(numbers: Iterable[int], count: int) -> tuple[tuple[Range, ...], ...]:
        source = iter(numbers)
        frames, end = [], 0
        for _ in range(count):
            ranges = []
            for _ in range(next(source)):
                offset = end + varint.unzigzag(next(source))
                length = next(source)
                ranges.append((offset, length))
                end = offset + length
            frames.append(tuple(ranges))
        return tuple(frames)


def build(file: BinaryIO, parsed: ParsedFile) -> FrameIndex:
    """Index of the frames of ``file``, by seeking over fragment headers; at most a few bytes of a fragment are read.

    Raises ``UnsupportedPixels`` (code ``no_pixels``, ``needs_rendition``) or another ``DicomError``. An object for which
    ``needs_rendition`` answers because of its colours (``palette``, ``ybr_full_422``) still has an index of its stored
    frames; a deflated or big-endian one, and frames that do not begin on a byte, have none.
    """
    if parsed.pixel_data_offset is None:
        raise UnsupportedPixels("there is no pixel data", code="no_pixels")
    if parsed.deflated or not parsed.little_endian:
        raise UnsupportedPixels("the stored frames cannot be served by range", code="needs_rendition")
    layout = pixel_module.Layout.of(parsed)
    if parsed.pixel_data_length is None:
        return _encapsulated(file, parsed, layout)
    return _native(parsed, layout, parsed.pixel_data_offset, parsed.pixel_data_length)


def contiguous(first: int, size: int, count: int) -> FrameIndex:
    """Index of native frames of ``size`` bytes that follow one another from ``first``: what a rendition's file gets."""
    return FrameIndex(NATIVE, count, first, size)


def _native(parsed: ParsedFile, layout: pixel_module.Layout, offset: int, length: int) -> FrameIndex:
    if layout.frame_bits % 8 and layout.frames > 1:
        raise UnsupportedPixels("frames do not begin on a byte", code="needs_rendition")
    if not layout.frame_bits:
        raise UnsupportedPixels("rows, columns or bits allocated are missing", code="no_pixel_description")
    size = layout.frame_bytes
    if layout.total_bytes > length:
        raise Truncated(f"{layout.total_bytes} bytes of pixels promised, {length} there", code="pixels_too_short")
    if offset + length > parsed.length:
        raise Truncated("the file ends within its pixels", code="pixels_too_short")
    return FrameIndex(NATIVE, layout.frames, offset, size)


def _encapsulated(file: BinaryIO, parsed: ParsedFile, layout: pixel_module.Layout) -> FrameIndex:
    found = fragments.scan(file, parsed, layout.extended_offsets)
    if uids.is_video(parsed.transfer_syntax_uid):
        # One stream for all frames (PS3.5 annex A.4.5): fetched as a whole, as frame 1.
        frames = fragments.as_one_frame(found)
    else:
        frames = fragments.group(file, found, layout.frames, parsed.transfer_syntax_uid)
    return FrameIndex(ENCAPSULATED, len(frames), frames=frames)


def needs_rendition(parsed: ParsedFile) -> str | None:
    """Why the stored frames cannot be served as they are, or None.

    ``deflated``, ``big_endian``, ``palette``, ``ybr_full_422`` (uncompressed), ``bit_packed`` (frames that do not begin on
    a byte), ``jpeg_2000_part_2`` or ``jpeg_xl`` (in colours that are not RGB): what the viewer's decoders do not have, or may
    get wrong. Objects without pixels need none.
    """
    if parsed.pixel_data_offset is None:
        return None
    if parsed.deflated:
        return "deflated"
    if not parsed.little_endian:
        return "big_endian"
    layout = pixel_module.Layout.of(parsed)
    if layout.photometric_interpretation == "PALETTE COLOR":
        return "palette"
    if parsed.pixel_data_length is None:
        return _rare_encoding(parsed.transfer_syntax_uid, layout)
    if layout.photometric_interpretation in pixel_module.SUBSAMPLED:
        return "ybr_full_422"
    if layout.frame_bits % 8 and layout.frames > 1:
        return "bit_packed"
    return None


def _rare_encoding(transfer_syntax_uid: str, layout: pixel_module.Layout) -> str | None:
    if transfer_syntax_uid in {uids.JPEG_2000_PART_2_LOSSLESS, uids.JPEG_2000_PART_2}:
        return "jpeg_2000_part_2"
    in_other_colours = layout.photometric_interpretation in pixel_module.SUBSAMPLED | {"XYB"}
    return "jpeg_xl" if transfer_syntax_uid in uids.JPEG_XL_FAMILY and in_other_colours else None


_MEDIA_TYPES = (
    (uids.JPEG_DCT | uids.JPEG_PREDICTIVE, "image/jpeg"),
    (frozenset({uids.RLE_LOSSLESS}), "image/dicom-rle"),
    (uids.JPEG_LS, "image/jls"),
    (frozenset({uids.JPEG_2000_LOSSLESS, uids.JPEG_2000}), "image/jp2"),
    (frozenset({uids.JPEG_2000_PART_2_LOSSLESS, uids.JPEG_2000_PART_2}), "image/jpx"),
    (uids.HTJ2K_FAMILY, "image/jphc"),
    (uids.JPEG_XL_FAMILY, "image/jxl"),
    (uids.MPEG2, "video/mpeg2"),
    (uids.MPEG4 | uids.HEVC, "video/mp4"),
)


def frame_media_type(transfer_syntax_uid: str) -> str:
    """Media type of one frame (PS3.18 tables 8.7.3-2 and 8.7.3-5); ``application/octet-stream`` for native and unknown."""
    for syntaxes, media_type in _MEDIA_TYPES:
        if transfer_syntax_uid in syntaxes:
            return media_type
    return "application/octet-stream"
