"""The index of a disc: it says what should be there, and is believed in nothing else."""

import io

import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage

from imaging.ingest.media.dicomdir import comparable, read_index
from imaging.ingest.media.trouble import MediaError
from tests.studies_in_archive import DEMO


def index_of(*paths: list[str], uid: str = "1.2.3") -> io.BytesIO:
    """A DICOMDIR that names these files."""
    with disable_value_validation():
        return _index_of(paths, uid)


def _index_of(paths: tuple[list[str], ...], uid: str) -> io.BytesIO:
    made = Dataset()
    records = []
    for path in paths:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.OffsetOfTheNextDirectoryRecord = 0xFFFFFFF0
        record.ReferencedFileID = path
        record.ReferencedSOPInstanceUIDInFile = uid
        records.append(record)
    made.DirectoryRecordSequence = Sequence(records)
    made.file_meta = FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    return buffer


def test_the_demo_disc_names_its_31_objects() -> None:
    with (DEMO / "dicomdir" / "DICOMDIR").open("rb") as file:
        index = read_index(file)
    assert len(index.references) == 31
    assert index.refused == ()
    there = [str(path.relative_to(DEMO / "dicomdir")) for path in (DEMO / "dicomdir").rglob("*") if path.is_file()]
    assert index.missing(there, []) == []


def test_references_that_leave_the_disc_are_refused() -> None:
    index = read_index(index_of(["..", "..", "ETC", "PASSWD"], ["IMAGES", "IM1"]))
    assert [one.path for one in index.references] == ["IMAGES/IM1"]
    assert index.refused == ("../../ETC/PASSWD",)


@pytest.mark.parametrize("part", ["a/b", "C:", "."])
def test_parts_that_are_no_names_are_refused(part: str) -> None:
    assert read_index(index_of([part, "IM1"])).references == ()


def test_a_file_is_there_by_name_or_by_what_it_is() -> None:
    index = read_index(index_of(["IMAGES", "IM1"], uid="1.2.9"))
    assert index.missing(["images/im1"], []) == []
    assert index.missing([], ["1.2.9"]) == []
    assert [one.path for one in index.missing(["images/im2"], ["1.2.8"])] == ["IMAGES/IM1"]


def test_names_are_compared_as_discs_write_them() -> None:
    assert comparable("IMAGES\\IM1.;1") == comparable("images/im1")


@pytest.mark.parametrize("content", [b"", b"DICM", bytes(128) + b"DICM", b"\x00" * 5000])
def test_what_is_no_index_is_said_to_be_unreadable(content: bytes) -> None:
    with pytest.raises(MediaError):
        read_index(io.BytesIO(content))


def test_an_index_without_records_names_nothing() -> None:
    assert read_index(index_of()).references == ()
