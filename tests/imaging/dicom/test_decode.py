"""Frames of every transfer syntax decode to what was stored, and nothing oversized reaches a codec."""

import io
import json
import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.pixels import pixel_array
from pydicom.pixels.encoders import RLELosslessEncoder

from imaging.dicom import codestream, decode, frame_index, json_model, part10, uids
from imaging.dicom.errors import DecodeFailed, DicomError, UnsupportedPixels
from imaging.dicom.frame_description import FrameDescription
from tests.imaging.dicom import samples

RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 4096, (24, 40), dtype=np.uint16)
COLOUR = RNG.integers(0, 256, (24, 40, 3), dtype=np.uint8)


def grey(syntax: str, **changes) -> FrameDescription:
    values = {"rows": 24, "columns": 40, "bits_stored": 12, "high_bit": 11, "transfer_syntax_uid": syntax}
    return FrameDescription(**{**values, **changes})


def colour(syntax: str, photometric: str = "RGB", **changes) -> FrameDescription:
    values = {"samples_per_pixel": 3, "bits_allocated": 8, "bits_stored": 8, "high_bit": 7}
    return grey(syntax, photometric_interpretation=photometric, **{**values, **changes})


def rle(image: np.ndarray) -> bytes:
    samples_per_pixel = 3 if image.ndim == 3 else 1
    bits = image.dtype.itemsize * 8
    return RLELosslessEncoder.encode(
        image,
        rows=image.shape[0],
        columns=image.shape[1],
        samples_per_pixel=samples_per_pixel,
        bits_allocated=bits,
        bits_stored=bits,
        pixel_representation=0,
        photometric_interpretation="RGB" if samples_per_pixel == 3 else "MONOCHROME2",
        number_of_frames=1,
        planar_configuration=0,
        encoding_plugin="pylibjpeg",
    )


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (uids.JPEG_LOSSLESS_SV1, lambda image: imagecodecs.ljpeg_encode(image, bitspersample=12)),
        (uids.JPEG_LS_LOSSLESS, imagecodecs.jpegls_encode),
        (uids.JPEG_2000_LOSSLESS, lambda image: imagecodecs.jpeg2k_encode(image, codecformat="J2K", level=0)),
        (uids.HTJ2K_LOSSLESS, imagecodecs.htj2k_encode),
        (uids.JPEG_XL_LOSSLESS, lambda image: imagecodecs.jpegxl_encode(image, lossless=True)),
        (uids.RLE_LOSSLESS, rle),
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, lambda image: image.astype("<u2").tobytes()),
        (uids.EXPLICIT_VR_BIG_ENDIAN, lambda image: image.astype(">u2").tobytes()),
        (uids.ENCAPSULATED_UNCOMPRESSED, lambda image: image.astype("<u2").tobytes()),
    ],
)
def test_lossless_grey_frames_come_back(syntax, encode):
    decoded = decode.decode_frame(bytes(encode(GREY)), grey(syntax))
    assert decoded.dtype == np.uint16
    assert np.array_equal(decoded, GREY)


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (uids.JPEG_LS_LOSSLESS, imagecodecs.jpegls_encode),
        (uids.JPEG_2000_LOSSLESS, lambda image: imagecodecs.jpeg2k_encode(image, codecformat="J2K", level=0)),
        (uids.HTJ2K_LOSSLESS, imagecodecs.htj2k_encode),
        (uids.RLE_LOSSLESS, rle),
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, lambda image: image.tobytes()),
    ],
)
def test_lossless_colour_frames_come_back(syntax, encode):
    decoded = decode.decode_frame(bytes(encode(COLOUR)), colour(syntax))
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, COLOUR)


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (uids.JPEG_LS_LOSSLESS, imagecodecs.jpegls_encode),
        (uids.RLE_LOSSLESS, rle),
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, lambda image: image.tobytes()),
    ],
)
def test_signed_values_keep_their_sign(syntax, encode):
    signed = GREY.astype(np.int16) - 2048
    cell = signed.view(np.uint16)
    description = grey(syntax, bits_stored=16, high_bit=15, pixel_representation=1)
    decoded = decode.decode_frame(bytes(encode(cell)), description)
    assert decoded.dtype == np.int16
    assert np.array_equal(decoded, signed)


def test_twelve_signed_bits_are_extended_and_overlay_bits_dropped():
    signed = GREY.astype(np.int16) - 2048
    stored = (signed.astype(np.uint16) & 0x0FFF) | 0x7000
    description = grey(uids.EXPLICIT_VR_LITTLE_ENDIAN, pixel_representation=1)
    assert np.array_equal(decode.decode_frame(stored.tobytes(), description), signed)
    unsigned = grey(uids.EXPLICIT_VR_LITTLE_ENDIAN)
    assert np.array_equal(decode.decode_frame((GREY | 0xF000).tobytes(), unsigned), GREY)


def test_planes_are_interleaved():
    planes = COLOUR.transpose(2, 0, 1).tobytes()
    description = colour(uids.EXPLICIT_VR_LITTLE_ENDIAN, planar_configuration=1)
    assert np.array_equal(decode.decode_frame(planes, description), COLOUR)


def test_native_ybr_becomes_rgb():
    flat = np.broadcast_to(np.array([76, 85, 255], dtype=np.uint8), (24, 40, 3))
    decoded = decode.decode_frame(flat.tobytes(), colour(uids.EXPLICIT_VR_LITTLE_ENDIAN, "YBR_FULL"))
    assert np.abs(decoded.astype(int) - [254, 0, 0]).max() <= 1


def test_one_bit_frames_unpack_from_the_lowest():
    mask = RNG.integers(0, 2, (24, 40), dtype=np.uint8)
    description = grey(uids.EXPLICIT_VR_LITTLE_ENDIAN, bits_allocated=1, bits_stored=1, high_bit=0)
    assert np.array_equal(decode.decode_frame(np.packbits(mask, bitorder="little").tobytes(), description), mask)


@pytest.mark.parametrize(("sample_type", "dtype", "bits"), [("float", "<f4", 32), ("double", "<f8", 64)])
def test_float_pixels_are_floats(sample_type, dtype, bits):
    values = RNG.normal(size=(24, 40)).astype(dtype)
    description = grey(
        uids.EXPLICIT_VR_LITTLE_ENDIAN,
        bits_allocated=bits,
        bits_stored=bits,
        high_bit=bits - 1,
        sample_type=sample_type,
    )
    assert np.array_equal(decode.decode_frame(values.tobytes(), description), values)


def strip_markers(jpeg: bytes, marker: int) -> bytes:
    """Without one application marker."""
    at = jpeg.index(bytes([0xFF, marker]))
    return jpeg[:at] + jpeg[at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big") :]


SMOOTH = np.stack(np.broadcast_arrays(np.arange(40) * 5, 200 - np.arange(24)[:, None] * 4, 90), axis=-1).astype(
    np.uint8
)


def jpeg_with(colorspace: str) -> bytes:
    return imagecodecs.jpeg8_encode(SMOOTH, level=98, colorspace="RGB", outcolorspace=colorspace, subsampling="444")


def worst(decoded: np.ndarray) -> int:
    return int(np.abs(decoded.astype(int) - SMOOTH.astype(int)).max())


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_FULL", "RGB"])
def test_a_jfif_marker_means_ycbcr_whatever_the_header_says(photometric):
    decoded = decode.decode_frame(jpeg_with("YCBCR"), colour(uids.JPEG_BASELINE, photometric))
    assert worst(decoded) <= 4


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "RGB"])
def test_an_adobe_marker_for_rgb_means_rgb_whatever_the_header_says(photometric):
    stored = jpeg_with("RGB")
    assert codestream.read_jpeg(stored).adobe_transform == 0
    assert worst(decode.decode_frame(stored, colour(uids.JPEG_BASELINE, photometric))) <= 4


def renumbered(jpeg: bytes) -> bytes:
    """Component ids 1, 2, 3 in the frame and in the scan, so that the stream says nothing about colour."""
    return jpeg.replace(b"R\x11\x00G\x11\x00B\x11\x00", b"\x01\x11\x00\x02\x11\x00\x03\x11\x00").replace(
        b"\x03R\x00G\x00B\x00", b"\x03\x01\x00\x02\x00\x03\x00"
    )


def test_a_silent_stream_is_read_as_the_header_says():
    silent = renumbered(strip_markers(jpeg_with("RGB"), 0xEE))
    found = codestream.read_jpeg(silent)
    assert (found.adobe_transform, found.jfif, found.component_ids) == (None, False, b"\x01\x02\x03")
    assert worst(decode.decode_frame(silent, colour(uids.JPEG_BASELINE, "RGB"))) <= 4
    silent = strip_markers(jpeg_with("YCBCR"), 0xE0)
    assert worst(decode.decode_frame(silent, colour(uids.JPEG_BASELINE, "YBR_FULL_422"))) <= 4


def test_twelve_bit_extended_jpeg_decodes():
    source, description = samples.frame_bytes(samples.named("JPGExtended.dcm"))
    decoded = decode.decode_frame(source, description)
    assert decoded.shape == (1024, 256)
    assert decoded.max() == 264


def test_a_baseline_stream_labelled_lossless_decodes():
    source, description = samples.frame_bytes(samples.named("sample-op.dcm"))
    assert decode.decode_frame(source, description).shape == (1536, 1536)


def test_signed_jpeg_2000_with_an_unsigned_stream_follows_the_header():
    source, description = samples.frame_bytes(samples.named("J2K_pixelrep_mismatch.dcm"))
    assert decode.decode_frame(source, description).min() < -1000


@pytest.mark.parametrize(
    ("syntax", "source"),
    [
        (uids.JPEG_BASELINE, b""),
        (uids.JPEG_BASELINE, b"\xff\xd8\xff\xd9"),
        (uids.JPEG_BASELINE, b"\xff\xd8\xff\xc0\x00\x11\x08"),
        (uids.JPEG_LS_LOSSLESS, b"nonsense"),
        (uids.JPEG_2000_LOSSLESS, b"\xff\x4f\xff\x51"),
        (uids.HTJ2K_LOSSLESS, b"\0" * 100),
        (uids.JPEG_XL, b"\xff\x0a"),
        (uids.RLE_LOSSLESS, b"\0" * 70),
        (uids.RLE_LOSSLESS, struct.pack("<16L", 2, 64, 2**31, *[0] * 13) + b"\x81\0" * 40),
        (uids.EXPLICIT_VR_LITTLE_ENDIAN, b"short"),
        (uids.DEFLATED_IMAGE_FRAME, b"\xff\xff"),
    ],
)
def test_broken_frames_fail_with_a_reason(syntax, source):
    with pytest.raises(DecodeFailed):
        decode.decode_frame(source, grey(syntax))


def test_a_stream_of_another_size_is_refused_before_decoding():
    bomb = bytearray(imagecodecs.jpegls_encode(GREY))
    at = bomb.index(b"\xff\xf7")
    bomb[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(DecodeFailed) as caught:
        decode.decode_frame(bytes(bomb), grey(uids.JPEG_LS_LOSSLESS))
    assert caught.value.code == "size_mismatch"


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": 0},
        {"columns": -1},
        {"samples_per_pixel": 4},
        {"bits_allocated": 12},
        {"bits_stored": 17},
        {"rows": 65535, "columns": 65535, "bits_allocated": 64, "bits_stored": 64},
    ],
)
def test_impossible_descriptions_are_unsupported(changes):
    with pytest.raises(UnsupportedPixels):
        decode.decode_frame(b"", grey(uids.EXPLICIT_VR_LITTLE_ENDIAN, **changes))


def test_video_is_unsupported():
    with pytest.raises(UnsupportedPixels):
        decode.decode_frame(b"", colour("1.2.840.10008.1.2.4.102"))


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
@pytest.mark.filterwarnings("ignore")
def test_every_sample_decodes_like_pydicom_decodes_it(path):
    parsed = part10.read_part10(path)
    if not parsed.has_pixels or not parsed.little_endian or parsed.deflated:
        return
    try:
        source, description = samples.frame_bytes(path)
        decoded = decode.decode_frame(source, description)
    except DicomError:
        if path.name in samples.UNDECODABLE:
            return
        raise
    try:
        reference = pixel_array(path, index=0)
    except (RuntimeError, NotImplementedError, AttributeError, ValueError):
        return  # pydicom has no decoder for lossless and extended JPEG without GPL parts
    assert decoded.shape == reference.shape
    assert decoded.dtype == reference.dtype
    assert np.abs(decoded.astype(np.int64) - reference.astype(np.int64)).max() <= 1


def test_a_frame_described_by_its_json_decodes_the_same():
    path = samples.named("CT_small.dcm")
    source, description = samples.frame_bytes(path)
    from_json = FrameDescription.from_json(
        samples.by_pydicom(path, stop_before_pixels=True).to_json_dict(), description.transfer_syntax_uid
    )
    assert from_json == description.replaced(pixel_vr="")
    content = io.BytesIO(path.read_bytes())
    assert frame_index.build(content, part10.read_part10(content)).number_of_frames == 1
    assert np.array_equal(decode.decode_frame(source, from_json), decode.decode_frame(source, description))


@pytest.mark.parametrize(
    ("keyword", "dtype", "bits"), [("FloatPixelData", "<f4", 32), ("DoubleFloatPixelData", "<f8", 64)]
)
def test_float_maps_are_told_by_their_header_alone(keyword, dtype, bits):
    values = RNG.normal(size=(6, 8)).astype(dtype)
    dataset = samples.ct_image(
        PixelData=None, PixelRepresentation=None, BitsStored=None, HighBit=None, BitsAllocated=bits
    )
    setattr(dataset, keyword, values.tobytes())
    content = samples.stored(dataset)
    parsed = samples.parsed(content)
    description = FrameDescription.from_dataset(parsed.dataset, parsed.transfer_syntax_uid)
    (offset, length), *_ = frame_index.build(io.BytesIO(content), parsed).ranges(1)
    assert np.array_equal(decode.decode_frame(content[offset : offset + length], description), values)
    instance = json.loads(json_model.to_json(parsed))
    assert FrameDescription.from_json(instance, parsed.transfer_syntax_uid) == description
