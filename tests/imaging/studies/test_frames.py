"""Frames by range for every transfer syntax, with everything that could parse DICOM made to raise."""

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_frames
from pydicom.pixels import get_decoder
from pydicom.pixels.utils import get_nr_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian

from accounts.actor import SYSTEM
from imaging.dicom import frame_index, part10, rendition
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames
from imaging.studies.rows.incoming import State
from tests.factories.arrivals import incoming

pytestmark = pytest.mark.django_db

# Bundled with pydicom: every transfer syntax, one frame and many, one bit to 32, odd lengths.
FILES = [
    "693_J2KI.dcm",
    "CT_small.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "JPEG-lossy.dcm",
    "JPEG2000-embedded-sequence-delimiter.dcm",
    "JPEG2000.dcm",
    "JPGExtended.dcm",
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_jpeg_gdcm.dcm",
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_rle_32bit_2frame.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "examples_jpeg2k.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
    "liver_1frame.dcm",
    "rtdose.dcm",
    "rtdose_rle.dcm",
]
#: Of the demo hospital: an enhanced MR, a segmentation, a near-lossless image, a baseline JPEG.
DEMO = [
    "mr-enhanced/emri_small.dcm",
    "seg-liver/liver.dcm",
    "radiographs/hip/RG2_JLSL.dcm",
    "transfer-syntaxes/TestPattern_JPEG-Baseline_YBR422.dcm",
    "us-colour-doppler/IM00001.dcm",
]
DEMO_DATA = Path(__file__).parents[3] / "portal" / "demo" / "data"
#: What no browser can read by range: big-endian, deflated, palette, uncompressed YBR_FULL_422.
CONVERTED = [
    "ExplVR_BigEnd.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "examples_palette.dcm",
    "image_dfl.dcm",
    "liver_expb_1frame.dcm",
    "rtdose_expb.dcm",
]


def bundled(name: str) -> Path:
    path = str(DEMO_DATA / name) if "/" in name else get_testdata_file(name, download=False)
    if path is None:
        pytest.fail(f"pydicom does not bundle {name}")
    return Path(path)


@pytest.fixture(params=["filesystem", "reversing"])
def spool(request, data_dir, settings):
    """A spool whose objects go to a file system, or to a tier where bytes lie reversed."""
    if request.param == "reversing":
        settings.STORAGES = {
            **settings.STORAGES,
            "tier-online": {
                "BACKEND": "tests.imaging.storage.reversing_tier.ReversingTier",
                "OPTIONS": {"location": data_dir / "tiers" / "online"},
            },
        }
    return data_dir / "spool"


def registered(path: Path, spool: Path, department) -> InstanceVersion:
    (answer,) = studies.register([incoming(path.read_bytes(), spool, department)], actor=SYSTEM)
    assert answer.state is State.NEW
    return fetched(answer.version_id)


def fetched(pk: int) -> InstanceVersion:
    return InstanceVersion.objects.select_related(
        "stored_object", "frames_object", "instance__series__study__patient"
    ).get(pk=pk)


@pytest.fixture
def without_parsing(monkeypatch):
    """From here on nobody reads DICOM or decodes a pixel."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("a frame was fetched by parsing")

    def begin():
        monkeypatch.setattr(pydicom, "dcmread", refuse)
        monkeypatch.setattr("pydicom.filereader.dcmread", refuse)
        monkeypatch.setattr("pydicom.filereader.read_dataset", refuse)
        monkeypatch.setattr("imaging.dicom.part10.read_part10", refuse)
        monkeypatch.setattr("imaging.dicom.part10.parse_dataset", refuse)
        monkeypatch.setattr("imaging.dicom.frame_index.build", refuse)
        monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.as_array", refuse)
        monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.iter_array", refuse)
        monkeypatch.setattr("pydicom.pixels.decoders.base.Decoder.as_buffer", refuse)

    return begin


def expected_frames(path: Path) -> list[bytes]:
    """The frames as pydicom finds them, from the whole pixel data."""
    made = pydicom.dcmread(path)
    number = get_nr_frames(made, warn=False)
    if made.file_meta.TransferSyntaxUID.is_encapsulated:
        return list(generate_frames(made.PixelData, number_of_frames=number))
    decoder = get_decoder(made.file_meta.TransferSyntaxUID)
    assert decoder is not None
    bits = made.Rows * made.Columns * made.SamplesPerPixel * made.BitsAllocated
    size = bits // 8 if bits % 8 == 0 else (bits + 7) // 8
    return [made.PixelData[start * size : (start + 1) * size] for start in range(number)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES + DEMO)
def test_every_frame_is_fetched_by_range_without_parsing(name, spool, emergency, without_parsing):
    path = bundled(name)
    expected = expected_frames(path)
    version = registered(path, spool, emergency)
    without_parsing()
    found = [frames.frame(version, number) for number in range(1, len(expected) + 1)]
    assert [frame.data for frame in found] == expected
    assert {frame.transfer_syntax_uid for frame in found} == {version.stored_object.transfer_syntax_uid}


def convert(version: InstanceVersion) -> None:
    """What the worker does: convert the frames once and say where they lie."""
    with storage.open(version.stored_object) as file:
        parsed = part10.read_part10(file)
        description, pieces = rendition.native_frames(parsed, file)
        data = b"".join(pieces)
    kept = storage.put(data, kind=StoredObject.Kind.FRAMES, transfer_syntax_uid=description.transfer_syntax_uid)
    index = frame_index.contiguous(0, description.native_bytes, description.number_of_frames)
    studies.attach_frames(version, frames=kept, frame_index=index.to_bytes())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CONVERTED)
def test_frames_that_nobody_can_read_by_range_are_served_converted(name, spool, emergency, without_parsing):
    version = registered(bundled(name), spool, emergency)
    assert version.needs_rendition
    with pytest.raises(frames.FramesNotReady):
        frames.frame(version, 1)
    convert(version)
    version = fetched(version.pk)
    without_parsing()
    found = frames.frame(version, 1)
    assert found.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert found.media_type == "application/octet-stream"
    assert len(found.data) == frames.described(version).native_bytes


def test_a_frame_that_does_not_exist_is_said_so(spool, emergency):
    version = registered(bundled("CT_small.dcm"), spool, emergency)
    for number in (0, 2, -1, 10**9):
        with pytest.raises(frames.NoSuchFrame):
            frames.frame(version, number)


@pytest.mark.filterwarnings("ignore")
def test_an_object_without_pixels_has_no_frames(spool, emergency):
    version = registered(bundled("rtplan.dcm"), spool, emergency)
    with pytest.raises(frames.NoSuchFrame):
        frames.frame(version, 1)


def test_both_converted_syntaxes_are_among_the_files():
    syntaxes = {pydicom.dcmread(bundled(name)).file_meta.TransferSyntaxUID for name in CONVERTED}
    assert {DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian} <= syntaxes
