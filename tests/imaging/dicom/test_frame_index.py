"""Frames are found by their ranges, in every way that files lay them out."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate_extended
from pydicom.pixels import pixel_array
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from imaging.dicom import frame_index, part10, uids
from imaging.dicom.errors import DicomError, Malformed, Truncated, UnsupportedPixels
from imaging.dicom.frame_index import FrameIndex
from tests.imaging.dicom import samples

ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"
FRAMES = [b"\xff\xd8\xff\xe0" + bytes([65 + number]) * (20 + 2 * number) for number in range(4)]


def item(value: bytes) -> bytes:
    return ITEM + struct.pack("<L", len(value)) + value


def fragmented(
    fragments: list[bytes], frames: int, *, table: bytes = b"", end: bytes = END, syntax=JPEGBaseline8Bit
) -> bytes:
    """A file with exactly these fragments."""
    head = samples.stored(samples.ct_image(NumberOfFrames=str(frames), PixelData=None))
    content = samples.raw_file(head[samples.parsed(head).dataset_offset :], syntax)
    pixels = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff" + item(table) + b"".join(map(item, fragments)) + end
    return content + pixels


def frames_of(content: bytes) -> list[bytes]:
    """Every frame, fetched by ranges after the index went through its packed form."""
    built = frame_index.build(io.BytesIO(content), samples.parsed(content))
    index = FrameIndex.from_bytes(built.to_bytes())
    assert index == built
    return [
        b"".join(content[offset : offset + length] for offset, length in index.ranges(number + 1))
        for number in range(index.number_of_frames)
    ]


def test_native_frames_follow_one_another():
    pixels = np.arange(48 * 3, dtype="<u2")
    content = samples.stored(samples.ct_image(NumberOfFrames="3", PixelData=pixels.tobytes()))
    assert frames_of(content) == [pixels[48 * n : 48 * (n + 1)].tobytes() for n in range(3)]


@pytest.mark.parametrize("has_bot", [True, False])
def test_one_fragment_per_frame_with_and_without_a_basic_offset_table(has_bot):
    assert frames_of(samples.encapsulated(FRAMES, JPEGBaseline8Bit, has_bot=has_bot)) == FRAMES


def test_an_extended_offset_table_is_understood():
    pixels, table, lengths = encapsulate_extended(FRAMES)
    dataset = samples.ct_image(NumberOfFrames="4", ExtendedOffsetTable=table, ExtendedOffsetTableLengths=lengths)
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    assert frames_of(samples.stored(dataset, JPEGBaseline8Bit)) == FRAMES


def halves() -> list[bytes]:
    return [half for frame in FRAMES for half in (frame[:10], frame[10:])]


def test_several_fragments_per_frame_by_the_offset_table():
    offsets, at = [], 0
    for frame in FRAMES:
        offsets.append(at)
        at += len(frame) + 16
    assert frames_of(fragmented(halves(), 4, table=struct.pack("<4L", *offsets))) == FRAMES


@pytest.mark.parametrize("table", [b"", struct.pack("<4L", 0, 3, 9, 2**31), b"abc", struct.pack("<2L", 0, 36)])
def test_several_fragments_per_frame_by_their_first_bytes(table):
    assert frames_of(fragmented(halves(), 4, table=table)) == FRAMES


def test_jpeg_2000_code_streams_are_told_apart():
    frames = [b"\xff\x4f\xff\x51" + bytes([number]) * 30 for number in range(3)]
    pieces = [piece for frame in frames for piece in (frame[:8], frame[8:20], frame[20:])]
    assert frames_of(fragmented(pieces, 3, syntax=JPEG2000Lossless)) == frames


def test_all_fragments_of_a_single_frame_belong_to_it():
    assert frames_of(fragmented([b"\xff\xd8\xffab", b"cd", b"ef"], 1)) == [b"\xff\xd8\xffabcdef"]


def test_a_missing_sequence_delimiter_is_forgiven():
    assert frames_of(fragmented(FRAMES, 4, end=b"")) == FRAMES


def test_another_element_instead_of_the_delimiter_is_forgiven():
    padding = samples.element(0xFFFCFFFC, "OB", b"\0\0")
    assert frames_of(fragmented(FRAMES, 4, end=padding)) == FRAMES


def test_rle_frames_are_single_fragments_whatever_follows():
    fragments = [bytes([n]) * 70 for n in range(5)]
    assert frames_of(fragmented(fragments, 3, syntax=RLELossless)) == fragments[:3]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (fragmented(FRAMES[:2], 4), Truncated),
        (fragmented(FRAMES, 4)[:-40], Truncated),
        (fragmented(FRAMES, 4, end=b"\xfe\xff"), Truncated),
        (fragmented([b"xx"] * 6, 4), Malformed),
        (fragmented(FRAMES, 4, end=b"\xfe\xff\x0d\xe0\0\0\0\0"), Malformed),
        (fragmented([], 1), Truncated),
        (samples.stored(samples.ct_image(Rows=600)), Truncated),
        (samples.stored(samples.ct_image(PixelData=None)), UnsupportedPixels),
        (samples.stored(samples.ct_image(), DeflatedExplicitVRLittleEndian), UnsupportedPixels),
        (samples.stored(samples.ct_image(), ExplicitVRBigEndian), UnsupportedPixels),
    ],
)
def test_what_cannot_be_indexed_says_why(content, error):
    with pytest.raises(error):
        frames_of(content)


def test_a_video_is_one_stream():
    content = fragmented([b"\0\0\1\xb3abc ", b"defghi"], 90, syntax="1.2.840.10008.1.2.4.102")
    assert frames_of(content) == [b"\0\0\1\xb3abc defghi"]


@pytest.mark.parametrize("number", [0, -1, 5])
def test_a_frame_that_does_not_exist_is_an_index_error(number):
    content = samples.encapsulated(FRAMES, JPEGBaseline8Bit)
    index = frame_index.build(io.BytesIO(content), samples.parsed(content))
    with pytest.raises(IndexError):
        index.ranges(number)


@pytest.mark.parametrize("packed", [b"", b"XX", b"N1", b"N1\x80", b"E1\x05\x01", b"E1" + b"\xff" * 20])
def test_a_damaged_packed_index_is_malformed(packed):
    with pytest.raises(Malformed):
        FrameIndex.from_bytes(packed)


def test_the_packed_index_is_compact():
    content = samples.encapsulated([b"\xff\xd8\xff" + b"x" * 50_001] * 300, JPEGBaseline8Bit)
    assert len(frame_index.build(io.BytesIO(content), samples.parsed(content)).to_bytes()) < 300 * 7


def test_fragments_are_sought_over_not_read(tmp_path):
    path = tmp_path / "cine.dcm"
    path.write_bytes(samples.encapsulated([b"\xff\xd8\xff" + b"x" * 500_001] * 20, JPEGBaseline8Bit))

    class Counting(io.FileIO):
        taken = 0

        def read(self, size=-1):
            found = super().read(size)
            Counting.taken += len(found)
            return found

    parsed = part10.read_part10(path)
    with Counting(path) as file:
        assert frame_index.build(file, parsed).number_of_frames == 20
    assert Counting.taken < 1000


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("image_dfl.dcm", "deflated"),
        ("ExplVR_BigEnd.dcm", "big_endian"),
        ("examples_palette.dcm", "palette"),
        ("SC_ybr_full_422_uncompressed.dcm", "ybr_full_422"),
        ("examples_ybr_color.dcm", None),
        ("CT_small.dcm", None),
        ("reportsi.dcm", None),
        ("liver.dcm", None),
    ],
)
def test_objects_that_need_a_rendition_are_named(name, reason):
    assert frame_index.needs_rendition(part10.read_part10(samples.named(name))) == reason


def test_bits_that_cross_bytes_need_a_rendition():
    bits = {"Rows": 3, "Columns": 3, "BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    content = samples.stored(samples.ct_image(NumberOfFrames="3", PixelData=b"\xff" * 4, **bits))
    assert frame_index.needs_rendition(samples.parsed(content)) == "bit_packed"
    one = samples.stored(samples.ct_image(PixelData=b"\xff\x01", **bits))
    assert frame_index.needs_rendition(samples.parsed(one)) is None
    assert frames_of(one) == [b"\xff\x01"]


@pytest.mark.parametrize(
    ("syntax", "media_type"),
    [
        ("1.2.840.10008.1.2.1", "application/octet-stream"),
        (uids.JPEG_BASELINE, "image/jpeg"),
        (uids.JPEG_LOSSLESS_SV1, "image/jpeg"),
        (uids.JPEG_LS_LOSSLESS, "image/jls"),
        (uids.JPEG_2000_LOSSLESS, "image/jp2"),
        (uids.JPEG_2000_PART_2, "image/jpx"),
        (uids.HTJ2K, "image/jphc"),
        (uids.RLE_LOSSLESS, "image/dicom-rle"),
        (uids.JPEG_XL, "image/jxl"),
        ("1.2.840.10008.1.2.4.102", "video/mp4"),
        ("1.2.3", "application/octet-stream"),
    ],
)
def test_media_types_of_frames(syntax, media_type):
    assert frame_index.frame_media_type(syntax) == media_type


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
def test_every_sample_with_pixels_is_indexed_or_needs_a_rendition(path):
    parsed = part10.read_part10(path)
    if not parsed.has_pixels:
        return
    if frame_index.needs_rendition(parsed) in {"deflated", "big_endian"}:
        return
    try:
        with path.open("rb") as file:
            index = frame_index.build(file, parsed)
    except DicomError:
        if path.name in samples.UNDECODABLE:
            return
        raise
    assert FrameIndex.from_bytes(index.to_bytes()) == index
    assert sum(length for number in range(index.count) for _, length in index.ranges(number + 1)) < parsed.length


def test_frames_by_range_are_what_the_encoder_made():
    images = [np.random.default_rng(seed).integers(0, 4096, (6, 8), dtype=np.uint16) for seed in range(3)]
    frames = [imagecodecs.jpegls_encode(image) for image in images]
    content = samples.encapsulated(frames, JPEGLSLossless)
    found = [frame.rstrip(b"\0") for frame in frames_of(content)]
    assert found == [frame.rstrip(b"\0") for frame in frames]
    assert np.array_equal(pixel_array(io.BytesIO(content)), np.stack(images))
