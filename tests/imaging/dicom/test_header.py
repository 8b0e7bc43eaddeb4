"""Headers are bounded, clean values, whatever the data set holds."""

import dataclasses
import json
from datetime import date, datetime
from pathlib import Path

import orjson
import pytest

from imaging.dicom import element_text, header, json_model, part10
from imaging.dicom.errors import MissingIdentifier
from imaging.dicom.header import Header
from tests.imaging.dicom import samples


def read(**changes) -> Header:
    parsed = samples.parsed(samples.stored(samples.ct_image(**changes)))
    return header.read_header(
        parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid, has_pixels=parsed.has_pixels
    )


def with_raw(tag: int, vr: str, value: bytes) -> Header:
    content = samples.stored(samples.ct_image(SpecificCharacterSet=None, PixelData=None))
    return header.read_header(samples.parsed(content + samples.element(tag, vr, value)).dataset)


def test_the_four_levels_are_read():
    found = read(
        PatientBirthDate="19620305", PatientSex="F", AccessionNumber="A-1", SeriesNumber="3", InstanceNumber="7"
    )
    assert found.patient.patient_name == "Dupont^Marie"
    assert found.patient.name_norm == "dupont marie"
    assert found.patient.birth_date == date(1962, 3, 5)
    assert found.study.study_at == datetime.fromisoformat("2026-01-10T10:15:30.250")
    assert found.series.series_number == 3
    assert found.instance.instance_number == 7
    assert (found.instance.rows, found.instance.columns, found.instance.number_of_frames) == (6, 8, 1)
    assert found.instance.has_pixels
    assert found.instance.transfer_syntax_uid == "1.2.840.10008.1.2.1"


def test_it_survives_json():
    found = read(
        PatientBirthDate="19620305", ImagePositionPatient=[1, 2, 3.5], ImageOrientationPatient=[1, 0, 0, 0, 1, 0]
    )
    assert Header.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert found.instance.image_position_along_normal == 3.5


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
@pytest.mark.parametrize("value", [b"", b"1.2.x", b"1" * 65, b"../../etc", b"1.2 3", "1.２".encode()])
def test_missing_or_impossible_identifiers_are_refused(keyword, value):
    tag = {
        "StudyInstanceUID": 0x0020000D,
        "SeriesInstanceUID": 0x0020000E,
        "SOPInstanceUID": 0x00080018,
        "SOPClassUID": 0x00080016,
    }[keyword]
    kept = [
        samples.element(number, "UI", b"1.2.3\0")
        for number in (0x00080016, 0x00080018, 0x0020000D, 0x0020000E)
        if number != tag
    ]
    parsed = samples.parsed(samples.raw_file(b"".join([*kept, samples.element(tag, "UI", value)])))
    with pytest.raises(MissingIdentifier):
        header.read_header(parsed.dataset)


@pytest.mark.parametrize("value", [b"20261341", b"today", b"00000000", b"2026", b"18000101", b"\xff\xfe"])
def test_a_date_that_is_none_is_none(value):
    assert with_raw(0x00100030, "DA", value).patient.birth_date is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2004.01.19", date(2004, 1, 19)), ("20040119", date(2004, 1, 19)), ("2004-01-19", date(2004, 1, 19))],
)
def test_old_separators_in_dates_are_read(value, expected):
    assert element_text.parse_date(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("12", 12), ("+3", 3), ("4.0", 4), ("1e400", None), ("", None), ("99999999999", None), ("x", None)],
)
def test_integers_are_read_or_none(value, expected):
    assert element_text.parse_integer(value) == expected


def test_an_overlong_text_is_cut_and_control_characters_go():
    found = with_raw(0x00181030, "LO", b"Thorax\x00\x07<b>\r\n\tx" + b"y" * 500)
    assert found.series.protocol_name.startswith("Thorax <b> x")
    assert len(found.series.protocol_name) == 64


def test_characters_that_turn_text_around_go():
    found = read(PatientName="Dupont\u202egnp.exe^A")
    assert "\u202e" not in found.patient.patient_name


def test_a_misspelt_character_set_is_understood():
    elements = [
        samples.element(0x00080005, "CS", b"ISO-IR 100"),
        samples.element(0x00080016, "UI", b"1.2.3\0"),
        samples.element(0x00080018, "UI", b"1.2.3\0"),
        samples.element(0x00100010, "PN", b"Buc^J\xe9r\xf4me "),
        samples.element(0x0020000D, "UI", b"1.2.3\0"),
        samples.element(0x0020000E, "UI", b"1.2.3\0"),
    ]
    parsed = samples.parsed(samples.raw_file(b"".join(elements)))
    assert header.read_header(parsed.dataset).patient.patient_name == "Buc^Jérôme"
    assert parsed.dataset.PatientName == "Buc^Jérôme"


def test_a_huge_number_of_frames_is_bounded_and_a_negative_one_is_one():
    assert read(NumberOfFrames="2147483647").instance.number_of_frames == 2**31 - 1
    assert read(NumberOfFrames="-5").instance.number_of_frames == 1


def test_a_position_without_orientation_is_none():
    assert read(ImagePositionPatient=[1, 2, 3]).instance.image_position_along_normal is None


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
def test_every_sample_has_a_header_or_lacks_an_identifier(path):
    parsed = part10.read_part10(path)
    try:
        found = header.read_header(parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid)
    except MissingIdentifier:
        return
    assert Header.from_json(found.to_json()) == found
    reference = samples.by_pydicom(path, stop_before_pixels=True)
    assert found.instance.sop_instance_uid == reference.SOPInstanceUID
    assert found.patient.patient_id == str(reference.get("PatientID", "") or "").strip()
    name = str(reference.get("PatientName", "") or "")
    assert found.patient.patient_name.rstrip("=") == name.strip().rstrip("=")


@pytest.mark.parametrize("path", samples.readable_files(), ids=lambda path: path.name)
def test_a_header_reads_the_same_from_the_json_that_is_kept_of_it(path: Path) -> None:
    parsed = part10.read_part10(path)
    record = orjson.loads(json_model.to_json(parsed))
    try:
        expected = header.read_header(parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid)
    except MissingIdentifier:
        with pytest.raises(MissingIdentifier):
            header.read_record(record)
        return
    found = header.read_record(record, transfer_syntax_uid=parsed.transfer_syntax_uid)
    # Kept JSON is in UTF-8, and empty groups of names are left out.
    assert (found.study, found.series) == (expected.study, expected.series)
    name = expected.patient.patient_name.rstrip("=")
    assert found.patient == dataclasses.replace(expected.patient, patient_name=name)
    assert found.instance == dataclasses.replace(expected.instance, character_set=found.instance.character_set)
