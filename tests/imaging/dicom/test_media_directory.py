"""The index of a disc, out of facts that may be hostile."""

import io
from typing import Any

import pytest
from pydicom import dcmread

from imaging.dicom import media_records
from imaging.dicom.media_directory import DirectoryWriter, Referenced

CT = "1.2.840.10008.5.1.4.1.1.2"


def read(writer: DirectoryWriter) -> Any:
    return dcmread(io.BytesIO(writer.content()))


def test_records_point_to_what_follows_and_what_is_below() -> None:
    writer = DirectoryWriter(instance_uid="2.25.1", file_set_id="SET")
    for level, kind in [
        (1, "PATIENT"),
        (2, "STUDY"),
        (3, "SERIES"),
        (4, "IMAGE"),
        (4, "IMAGE"),
        (2, "STUDY"),
        (1, "PATIENT"),
    ]:
        writer.add(level, kind, [])
    index = read(writer)
    records = list(index.DirectoryRecordSequence)
    places = [record.seq_item_tell for record in records]
    assert index.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity == places[0]
    assert index.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity == places[6]
    following = [record.OffsetOfTheNextDirectoryRecord for record in records]
    lower = [record.OffsetOfReferencedLowerLevelDirectoryEntity for record in records]
    assert following == [places[6], places[5], 0, places[4], 0, 0, 0]
    assert lower == [places[1], places[2], places[3], 0, 0, 0, 0]


def test_an_empty_set_is_one() -> None:
    index = read(DirectoryWriter(instance_uid="2.25.1", file_set_id="SET"))
    assert len(index.DirectoryRecordSequence) == 0


def test_hostile_text_ends_no_value() -> None:
    writer = DirectoryWriter(instance_uid="2.25.1", file_set_id="SET")
    writer.add(
        1,
        "PATIENT",
        [
            (0x00100010, "PN", "A\\B\x00\x1b$B\ud800" + "é" * 400),
            (0x00100020, "LO", "x" * 500),
            (0x00100040, "CS", "m<é"),
        ],
    )
    record = read(writer).DirectoryRecordSequence[0]
    assert record.SpecificCharacterSet == "ISO_IR 192"
    assert str(record.PatientName).startswith("A B")
    assert len(str(record.PatientName)) == 64
    assert record.PatientID == "x" * 64
    assert record.PatientSex == "M__"


@pytest.mark.parametrize("file_id", [(), ("lower",), ("..",), ("A/B",), ("TOOLONGNAME",), ("A",) * 9])
def test_a_file_id_that_no_disc_may_have_is_refused(file_id: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="file ID"):
        Referenced(file_id, CT, "1.2", "1.2.840.10008.1.2")


@pytest.mark.parametrize(
    ("sop_class", "kind"),
    [
        (CT, "IMAGE"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "IMAGE"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR DOCUMENT"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KEY OBJECT DOC"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "ENCAP DOC"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PRESENTATION"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "WAVEFORM"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "RT PLAN"),
        ("1.2.840.10008.5.1.4.1.1.66", "RAW DATA"),
        ("1.2.3.4", "PRIVATE"),
    ],
)
def test_each_class_has_its_type(sop_class: str, kind: str) -> None:
    assert media_records.record_type(sop_class) == kind


def test_what_an_object_lacks_is_filled_in() -> None:
    record = {"0040A043": {"vr": "SQ", "Value": ["no item"]}, "00080023": {"vr": "DA", "Value": [7]}}
    writer = DirectoryWriter(instance_uid="2.25.1", file_set_id="SET")
    for kind in (
        "SR DOCUMENT",
        "KEY OBJECT DOC",
        "ENCAP DOC",
        "PRESENTATION",
        "SPECTROSCOPY",
        "RT PLAN",
        "RT DOSE",
        "TRACT",
    ):
        writer.add(4, kind, media_records.keys(kind, record, None, "20260304"))
    first = read(writer).DirectoryRecordSequence[0]
    assert (first.CompletionFlag, first.VerificationFlag, first.InstanceNumber) == ("PARTIAL", "UNVERIFIED", 0)
    assert first.ConceptNameCodeSequence[0].CodeMeaning == "DICOM Object Catalog"
