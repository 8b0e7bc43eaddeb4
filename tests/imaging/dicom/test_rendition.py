"""Objects that no browser reads become native little-endian frames with the same picture."""

import io
import zlib

import imagecodecs
import numpy as np
import pytest
from pydicom.pixels import apply_color_lut, pixel_array
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from imaging.dicom import decode, frame_index, part10, rendition, uids
from imaging.dicom.errors import Truncated, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from tests.imaging.dicom import samples

PIXELS = np.random.default_rng(3).integers(0, 4096, (3, 6, 8), dtype=np.uint16)


def rendered(content: bytes) -> tuple[FrameDescription, list[bytes]]:
    description, frames = rendition.native_frames(samples.parsed(content), io.BytesIO(content))
    return description, list(frames)


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_deflated_and_big_endian_frames_keep_their_values(syntax):
    stored = PIXELS.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2")
    content = samples.stored(samples.ct_image(NumberOfFrames="3", PixelData=stored.tobytes()), syntax)
    description, frames = rendered(content)
    assert description.transfer_syntax_uid == uids.EXPLICIT_VR_LITTLE_ENDIAN
    assert frames == [frame.astype("<u2").tobytes() for frame in PIXELS]
    assert np.array_equal(decode.decode_frame(frames[1], description), PIXELS[1])


def test_frames_lie_where_a_contiguous_index_says():
    content = samples.stored(
        samples.ct_image(NumberOfFrames="3", PixelData=PIXELS.tobytes()), DeflatedExplicitVRLittleEndian
    )
    description, frames = rendered(content)
    index = frame_index.contiguous(0, description.native_bytes, len(frames))
    joined = b"".join(frames)
    assert [joined[at : at + size] for number in (1, 2, 3) for at, size in index.ranges(number)] == frames


def test_a_palette_becomes_rgb_like_pydicom_makes_it():
    path = samples.named("examples_palette.dcm")
    description, frames = rendered(path.read_bytes())
    reference = samples.by_pydicom(path)
    expected = apply_color_lut(reference.pixel_array, reference) >> 8
    assert description.photometric_interpretation == "RGB"
    assert description.samples_per_pixel == 3
    assert np.array_equal(decode.decode_frame(frames[0], description), expected)


def test_subsampled_colours_become_rgb_like_pydicom_makes_them():
    path = samples.named("SC_ybr_full_422_uncompressed.dcm")
    description, frames = rendered(path.read_bytes())
    expected = pixel_array(path)
    assert np.abs(decode.decode_frame(frames[0], description).astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    "name",
    [
        "ExplVR_BigEnd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "MR_small_bigendian.dcm",
        "rtdose_expb.dcm",
        "image_dfl.dcm",
    ],
)
def test_samples_are_rendered_like_pydicom_reads_them(name):
    path = samples.named(name)
    description, frames = rendered(path.read_bytes())
    expected = samples.by_pydicom(path).pixel_array
    expected = expected if len(frames) > 1 else expected[None]
    assert np.array_equal(np.stack([decode.decode_frame(frame, description) for frame in frames]), expected)


def test_bits_that_cross_bytes_are_aligned_frame_by_frame():
    masks = np.random.default_rng(5).integers(0, 2, (4, 3, 5), dtype=np.uint8)
    packed = np.packbits(masks.reshape(-1), bitorder="little").tobytes()
    content = samples.stored(
        samples.ct_image(
            NumberOfFrames="4", Rows=3, Columns=5, BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed
        )
    )
    description, frames = rendered(content)
    assert np.array_equal(np.stack([decode.decode_frame(frame, description) for frame in frames]), masks)


def test_an_object_that_needs_none_is_refused():
    with pytest.raises(UnsupportedPixels):
        rendered(samples.stored(samples.ct_image()))


def test_frames_that_are_not_there_are_truncated():
    content = samples.stored(samples.ct_image(Rows=60), ExplicitVRBigEndian)
    with pytest.raises(Truncated):
        rendered(content)


def test_the_description_gives_the_attributes_that_change_in_the_metadata():
    parsed = part10.read_part10(samples.named("examples_palette.dcm"))
    with samples.named("examples_palette.dcm").open("rb") as file:
        attributes = rendition.native_frames(parsed, file)[0].to_attributes()
    assert attributes["00280004"]["Value"] == ["RGB"]
    assert attributes["00280002"]["Value"] == [3]
    assert attributes["00280100"]["Value"] == [8]


def jpeg_2000(images: list[np.ndarray], **changes) -> bytes:
    frames = [bytes(imagecodecs.jpeg2k_encode(image, codecformat="J2K", level=0)) for image in images]
    return samples.encapsulated(frames, uids.JPEG_2000_PART_2_LOSSLESS, **changes)


@pytest.mark.parametrize("is_signed", [False, True])
def test_jpeg_2000_part_2_becomes_the_very_samples_that_were_compressed(is_signed):
    images = list(np.random.default_rng(9).integers(0, 2000, (2, 6, 8), dtype=np.uint16))
    content = jpeg_2000(images, PixelRepresentation=int(is_signed))
    assert frame_index.needs_rendition(samples.parsed(content)) == "jpeg_2000_part_2"
    description, frames = rendered(content)
    assert description.transfer_syntax_uid == uids.EXPLICIT_VR_LITTLE_ENDIAN
    assert frames == [image.astype("<u2").tobytes() for image in images]


COLOURS = {"SamplesPerPixel": 3, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


@pytest.mark.parametrize("planar", [0, 1])
def test_colours_lie_as_the_header_says(planar):
    image = np.random.default_rng(9).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    content = jpeg_2000([image], PhotometricInterpretation="RGB", PlanarConfiguration=planar, **COLOURS)
    description, frames = rendered(content)
    assert np.array_equal(decode.decode_frame(frames[0], description), image)


def newer(frames: list[bytes], syntax: str, **changes) -> bytes:
    """A file in a transfer syntax that pydicom does not write yet: written in another, whose name is then replaced."""
    written = {uids.JPEG_XL_LOSSLESS: "1.2.840.10008.1.2.4.102", uids.DEFLATED_IMAGE_FRAME: uids.JPEG_BASELINE}[syntax]
    names = [name.encode() + b"\0" * (len(name) % 2) for name in (written, syntax)]
    assert len(names[0]) == len(names[1])
    return samples.encapsulated(frames, written, **changes).replace(*names, 1)


def test_jpeg_xl_and_deflated_frames_are_served_as_they_are_for_the_viewer_decodes_them():
    squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    frame = squeezer.compress(PIXELS[0].tobytes()) + squeezer.flush()
    assert frame_index.needs_rendition(samples.parsed(newer([frame], uids.DEFLATED_IMAGE_FRAME))) is None
    frame = bytes(imagecodecs.jpegxl_encode(PIXELS[0], lossless=True))
    assert frame_index.needs_rendition(samples.parsed(newer([frame], uids.JPEG_XL_LOSSLESS))) is None


def test_jpeg_xl_in_other_colours_becomes_rgb():
    image = np.random.default_rng(9).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    frame = bytes(imagecodecs.jpegxl_encode(image, lossless=True))
    content = newer([frame], uids.JPEG_XL_LOSSLESS, PhotometricInterpretation="XYB", PlanarConfiguration=0, **COLOURS)
    assert frame_index.needs_rendition(samples.parsed(content)) == "jpeg_xl"
    description, frames = rendered(content)
    assert description.photometric_interpretation == "RGB"
    assert np.array_equal(decode.decode_frame(frames[0], description), image)
