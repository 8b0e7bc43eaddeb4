"""An object that is not what it says is named as such."""

import pytest
from pydicom.uid import JPEGBaseline8Bit

from imaging.dicom import conformance, part10
from tests.imaging.dicom import samples


def codes(content: bytes, *, fatal: bool = True) -> set[str]:
    return {problem.code for problem in conformance.check(samples.parsed(content)) if problem.fatal is fatal}


def test_a_sound_image_has_no_problems():
    assert conformance.check(samples.parsed(samples.stored(samples.ct_image()))) == []


def test_missing_identifiers_are_fatal():
    assert codes(samples.stored(samples.ct_image(StudyInstanceUID=None))) == {"missing_identifier"}


def test_an_empty_data_set_is_fatal():
    assert "empty" in codes(samples.raw_file(b""))


def test_fewer_pixels_than_promised_are_fatal():
    assert codes(samples.stored(samples.ct_image(Rows=7))) == {"truncated_pixels"}
    content = samples.stored(samples.ct_image())
    assert codes(content[:-10]) == {"truncated_pixels"}


@pytest.mark.parametrize("frames", ["2147483647", "65536"])
def test_an_overflow_of_rows_columns_and_frames_is_fatal(frames):
    content = samples.stored(samples.ct_image(Rows=65535, Columns=65535, NumberOfFrames=frames))
    assert codes(content) == {"pixel_overflow", "truncated_pixels"}


def test_padding_of_one_byte_is_no_excess_but_more_is_reported():
    odd = samples.ct_image(Rows=1, Columns=3, BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=b"abc\0")
    odd["PixelData"].VR = "OB"
    assert conformance.check(samples.parsed(samples.stored(odd))) == []
    assert codes(samples.stored(samples.ct_image(Rows=5)), fatal=False) == {"excess_pixels"}


def test_an_unknown_transfer_syntax_is_fatal():
    content = samples.stored(samples.ct_image())
    offset = samples.parsed(content).dataset_offset
    assert "unknown_transfer_syntax" in codes(samples.raw_file(content[offset:], "1.2.3.4"))
    assert "unknown_transfer_syntax" in codes(samples.raw_file(content[offset:], "1.2.840.10008.5.1.4.1.1.2"))


def test_native_pixels_in_a_compressed_transfer_syntax_are_fatal():
    content = samples.stored(samples.ct_image())
    offset = samples.parsed(content).dataset_offset
    assert "encapsulation_mismatch" in codes(samples.raw_file(content[offset:], JPEGBaseline8Bit))


def test_another_transfer_syntax_than_negotiated_is_fatal():
    parsed = samples.parsed(samples.stored(samples.ct_image()))
    assert conformance.check_transfer_syntax(parsed, "1.2.840.10008.1.2.1") is None
    problem = conformance.check_transfer_syntax(parsed, "1.2.840.10008.1.2")
    assert problem is not None
    assert problem.fatal


def test_another_instance_than_announced_is_fatal():
    parsed = samples.parsed(samples.stored(samples.ct_image()))
    assert conformance.check_sop_instance(parsed, samples.CT_IMAGE, samples.INSTANCE) is None
    assert conformance.check_sop_instance(parsed, samples.CT_IMAGE, "1.2.3").code == "sop_instance_mismatch"
    assert conformance.check_sop_instance(parsed, "1.2.3", samples.INSTANCE).code == "sop_class_mismatch"


def test_implicit_elements_in_an_explicit_file_are_read_and_reported():
    content = samples.stored(samples.ct_image(), "1.2.840.10008.1.2")
    mislabelled = samples.raw_file(content[samples.parsed(content).dataset_offset :])
    assert codes(mislabelled) == set()
    assert codes(mislabelled, fatal=False) == {"vr_encoding_mismatch"}


def test_a_catalogue_is_no_instance():
    path = samples.named("DICOMDIR")
    assert all(problem.fatal for problem in conformance.check(part10.read_part10(path))[:1])


@pytest.mark.parametrize(
    "path", [path for path in samples.readable_files() if samples.DEMO in path.parents], ids=lambda path: path.name
)
def test_the_demo_studies_have_nothing_fatal_but_missing_identifiers(path):
    fatal = {problem.code for problem in conformance.check(part10.read_part10(path)) if problem.fatal}
    assert fatal <= {"missing_identifier"}
