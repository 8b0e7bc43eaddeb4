"""De-identified files: every demo object, pixels bit for bit, nothing before, between or behind them."""

import io
import tracemalloc
from datetime import UTC, datetime

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom import corrections, frame_index, part10
from imaging.dicom.corrections import Change
from imaging.dicom.deidentification.deidentified_file import deidentify_file
from imaging.dicom.deidentification.identifiers import Identifiers, remaining
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.refusals import Refusal, Refused, Review
from imaging.dicom.errors import DicomError
from tests.imaging.dicom import samples
from tests.imaging.dicom.deidentification import making

CLEANING = {"clean_structured_content": True, "clean_graphics": True, "clean_descriptors": True}
DEMO = [path for path in samples.readable_files() if samples.DEMO in path.parents]
REFUSED = {
    "DICOMDIR": Refusal.DIRECTORY,
    "report-chest.cda.dcm": Refusal.ENCAPSULATED_DOCUMENT,
    "report-hand.pdf.dcm": Refusal.ENCAPSULATED_DOCUMENT,
}


def _frames(content: bytes) -> list[bytes]:
    file = io.BytesIO(content)
    index = frame_index.build(file, part10.read_part10(file))
    return [
        content[start : start + size]
        for frame in range(1, index.number_of_frames + 1)
        for start, size in index.ranges(frame)
    ]


MOVING = CLEANING | {"retain_safe_private": True, "retain_modified_dates": True}


@pytest.mark.parametrize(
    "path", [path for path in DEMO if path.name not in REFUSED], ids=lambda path: "/".join(path.parts[-2:])
)
@pytest.mark.parametrize("options", [CLEANING, MOVING], ids=["removing dates", "moving dates"])
def test_no_identifier_of_any_demo_object_is_left_in_its_copy(path, options):
    content = path.read_bytes()
    known = Identifiers.of(making.parsed(content), Profile(**options))
    assert known.uids

    copy = making.file_copy_of(content, **options)

    # A moved day may come to lie on another of the source's days.
    sought = known if options is CLEANING else Identifiers(known.names, known.ids, known.uids)
    assert remaining(making.parsed(copy), sought) == []
    assert [uid for uid in known.uids if len(uid) > 20 and uid.encode() in copy] == []


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_the_documents_and_the_directory_of_the_demo_are_refused(name):
    with pytest.raises(Refused) as caught:
        making.file_copy_of(samples.named(name).read_bytes(), **CLEANING)

    assert caught.value.refusal is REFUSED[name]


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
def test_every_copy_is_read_by_others_and_its_pixels_are_the_sources_bit_for_bit(path):
    content = path.read_bytes()
    try:
        copy = making.file_copy_of(content, **CLEANING)
    except DicomError:
        return  # refused or damaged, which other tests are about

    read = samples.by_pydicom(io.BytesIO(copy), force=False)
    assert read.PatientIdentityRemoved == "YES"
    assert read.file_meta.MediaStorageSOPInstanceUID == read.SOPInstanceUID
    assert "SourceApplicationEntityTitle" not in read.file_meta
    assert copy[:128] == bytes(128)
    try:
        frames = _frames(content)
    except DicomError:
        return
    if not part10.read_part10(io.BytesIO(content)).deflated:
        assert _frames(copy) == frames


@pytest.mark.parametrize("name", ["chrH31.dcm", "chrRuss.dcm", "chrArab.dcm", "chrX1.dcm", "chrKoreanMulti.dcm"])
def test_names_in_any_script_are_found_in_the_source_and_not_in_the_copy(name):
    content = samples.named(name).read_bytes()
    source = making.parsed(content)
    known = Identifiers.of(source)
    assert known.names
    assert remaining(source, known)

    with_class = io.BytesIO()
    dataset = samples.by_pydicom(samples.named(name))
    dataset.SOPClassUID, dataset.SOPInstanceUID = samples.CT_IMAGE, f"{making.STUDY}.9"
    dataset.ManufacturerModelName = "x"
    pydicom.dcmwrite(with_class, dataset, enforce_file_format=True)

    assert remaining(making.parsed(making.file_copy_of(with_class.getvalue())), known) == []


def test_what_lies_behind_the_pixels_does_not_go_out():
    source = making.object_of(Rows=4, Columns=4, BitsAllocated=8, SamplesPerPixel=1, PixelData=bytes(16))
    source.add_new(0xFFFCFFFC, "OB", b"OUELLET BERENICE")
    source["PixelData"].VR = "OB"
    written = making.as_file(source)
    assert written.endswith(b"OUELLET BERENICE")

    copy = making.file_copy_of(written)

    assert copy.endswith(bytes(16))
    assert b"OUELLET" not in copy


def test_what_follows_the_last_frame_within_the_pixels_does_not_go_out():
    content = making.as_file(_native(bytes(range(15)) + b"\0OUELLET^B1234567"))

    copy = making.file_copy_of(content)

    assert copy.endswith(bytes(range(15)) + b"\0")
    assert _frames(copy) == _frames(content)


@pytest.mark.parametrize("values", [{"Rows": 0}, {"PhotometricInterpretation": "YBR_FULL_422"}])
def test_pixels_whose_size_is_not_sure_go_out_whole(values):
    source = _native(bytes(64))
    source.SamplesPerPixel = 3 if "Rows" not in values else 1
    for keyword, value in values.items():
        setattr(source, keyword, value)

    assert samples.by_pydicom(io.BytesIO(making.file_copy_of(making.as_file(source)))).PixelData == bytes(64)


def _native(pixels: bytes) -> Dataset:
    source = making.object_of(Rows=3, Columns=5, BitsAllocated=8, SamplesPerPixel=1)
    source.add_new(0x7FE00010, "OB", pixels)
    return source


def test_what_lies_behind_compressed_pixels_does_not_go_out():
    content = samples.named("MR_small_RLE.dcm").read_bytes() + bytes.fromhex("fcfffcff") + b"OB\0\0\x08\0\0\0OUELLET "

    copy = making.file_copy_of(content)

    assert b"OUELLET" not in copy
    assert copy.endswith(bytes.fromhex("feffdde000000000"))
    assert _frames(copy) == _frames(content)


def test_any_part_of_a_copy_can_be_read_by_itself():
    content = samples.named("MR_small_RLE.dcm").read_bytes()
    plan = deidentify_file(io.BytesIO(content), profile=Profile(), key=making.KEY, pseudonym=making.PSEUDONYM)
    whole = b"".join(plan.read(io.BytesIO(content)))

    assert b"".join(plan.read(io.BytesIO(content), 200, 3000)) == whole[200:3200]


def test_pixels_are_not_read_while_a_copy_is_planned_nor_held_in_memory_while_it_goes_out():
    source = making.object_of(
        Rows=4096, Columns=4096, BitsAllocated=16, SamplesPerPixel=1, PixelData=bytes(32 * 1024 * 1024)
    )
    source["PixelData"].VR = "OW"
    content = making.as_file(source)
    file = io.BytesIO(content)
    tracemalloc.start()
    plan = deidentify_file(file, profile=Profile(), key=making.KEY, pseudonym=making.PSEUDONYM)
    length = sum(len(piece) for piece in plan.read(io.BytesIO(content)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert length == plan.length
    assert peak < 36 * 1024 * 1024  # the second view of the test's own bytes is 32 of them


def test_the_copy_has_the_patient_that_corrections_gave_the_source():
    content = making.as_file(making.object_of(SequenceName="Corrigée"))
    change = Change(
        corrections.normalised({
            "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Corrigée^Nouvelle"}]},
            "0020000D": {"vr": "UI", "Value": ["1.2.826.0.1.3680043.8.498.88"]},
        }),
        datetime(2026, 1, 2, tzinfo=UTC), "CORRECT", "CT1",
    )  # fmt: skip
    other = making.copy_of(making.object_of(StudyInstanceUID="1.2.826.0.1.3680043.8.498.88"))

    made = deidentify_file(
        io.BytesIO(content), profile=Profile(), key=making.KEY, pseudonym=making.PSEUDONYM, changes=[change]
    )
    copy = samples.by_pydicom(io.BytesIO(b"".join(made.read(io.BytesIO(content)))))

    assert copy.StudyInstanceUID == other.StudyInstanceUID
    assert copy.SequenceName == "REMOVED"
    assert made.sop_instance_uid == copy.SOPInstanceUID


def test_a_large_table_of_numbers_stays_in_the_file_and_a_large_text_does_not_go_out():
    source = making.object_of(transfer_syntax_uid=ExplicitVRLittleEndian, VolumetricProperties="VOLUME")
    source.RedPaletteColorLookupTableData = bytes(range(256)) * 8192
    source.TextValue = "Ouellet " * 300_000

    written = making.as_file(source)
    copy = making.file_copy_of(written)

    assert samples.by_pydicom(io.BytesIO(copy)).RedPaletteColorLookupTableData == source.RedPaletteColorLookupTableData
    assert b"Ouellet" not in copy


@pytest.mark.parametrize("content", [b"", b"no DICOM", bytes(128) + b"DICM"])
def test_what_is_no_dicom_file_is_an_error_of_ours(content):
    with pytest.raises(DicomError):
        making.file_copy_of(content)


def _jpeg_with(*segments: bytes) -> bytes:
    """A file whose one frame has these segments before its tables."""
    source = samples.by_pydicom(samples.named("JPGExtended.dcm"))
    frame = next(generate_frames(source.PixelData, number_of_frames=1))
    assert frame[:2] == b"\xff\xd8"
    source.PixelData = encapsulate([frame[:2] + b"".join(segments) + frame[2:]])
    source.PatientName, source.SOPClassUID, source.Modality = "Ouellet^Berenice", samples.CT_IMAGE, "CT"
    return making.as_file(source)


def _segment(marker: int, words: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(words) + 2).to_bytes(2, "big") + words


def test_a_name_in_the_comment_of_a_compressed_frame_is_refused():
    with pytest.raises(Refused) as caught:
        making.file_copy_of(_jpeg_with(_segment(0xFE, b"scan of OUELLET Berenice")))

    assert caught.value.refusal is Refusal.IDENTIFIERS_LEFT


@pytest.mark.parametrize(
    ("segment", "held"),
    [
        (_segment(0xE1, b"Exif\0\0MM\0*GPS 45.8336"), True),
        (_segment(0xFE, b"room 4, bed 2"), True),
        (_segment(0xFE, b"LEAD Technologies Inc. V1.01"), False),
        (_segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"), False),
    ],
)
def test_words_in_compressed_frames_that_are_no_encoders_are_held_for_review(segment, held):
    content = _jpeg_with(segment)

    made = deidentify_file(io.BytesIO(content), profile=Profile(), key=making.KEY, pseudonym=making.PSEUDONYM)

    assert (Review.COMMENT_IN_FRAMES in made.outcome.review) is held


SMALL = samples.named("MR_small_RLE.dcm").read_bytes()


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(128, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 400),
)
def test_whatever_is_broken_in_a_file_is_an_error_of_ours_or_a_copy_that_can_be_read(changes, cut):
    broken = bytearray(SMALL[: len(SMALL) - cut])
    for at, value in changes:
        if at < len(broken):
            broken[at] = value
    try:
        copy = making.file_copy_of(bytes(broken))
    except DicomError:
        return

    assert making.parsed(copy)[0x00120062].value == "YES"
