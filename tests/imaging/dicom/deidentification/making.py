"""Objects to de-identify, and short ways to do it."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom import part10
from imaging.dicom.deidentification.deidentified_file import deidentify_file
from imaging.dicom.deidentification.deidentifier import Outcome, deidentify
from imaging.dicom.deidentification.profile import Profile
from imaging.dicom.deidentification.pseudonyms import Pseudonym
from tests.imaging.dicom import samples

KEY = b"a key of thirty-two bytes, or so"
PSEUDONYM = Pseudonym("SUBJECT-0001", "Subject^0001")
STUDY = "1.2.826.0.1.3680043.8.498.77.1"


def object_of(
    sop_class_uid: str = samples.CT_IMAGE, transfer_syntax_uid: str = ExplicitVRLittleEndian, **values: Any
) -> Dataset:
    """An object of this class with a name, UIDs and these values."""
    made = Dataset()
    made.SOPClassUID = sop_class_uid
    made.SOPInstanceUID = f"{STUDY}.3"
    made.StudyInstanceUID = STUDY
    made.SeriesInstanceUID = f"{STUDY}.2"
    made.PatientName = "Ouellet^Bérénice"
    made.PatientID = "HOSP-4711-22"
    made.SpecificCharacterSet = "ISO_IR 192"
    made.Modality = "CT"
    for keyword, value in values.items():
        setattr(made, keyword, value)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = transfer_syntax_uid
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.SourceApplicationEntityTitle = "OUELLET_AE"
    return made


def item(**values: Any) -> Dataset:
    """A sequence item."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


@contextmanager
def as_strangers_write() -> Iterator[None]:
    """Values that no standard allows may be set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def outcome_of(dataset: Dataset, key: bytes = KEY, **options: bool) -> Outcome:
    """The outcome under the profile with these options."""
    return deidentify(dataset, profile=Profile(**options), key=key, pseudonym=PSEUDONYM)


def copy_of(dataset: Dataset, key: bytes = KEY, **options: bool) -> Dataset:
    """The de-identified copy."""
    return outcome_of(dataset, key, **options).dataset


def as_file(dataset: Dataset) -> bytes:
    """The object as a Part 10 file with a preamble that says something."""
    file = io.BytesIO()
    dataset.preamble = b"OUELLET".ljust(128, b".")
    with as_strangers_write():
        pydicom.dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def file_copy_of(content: bytes, **options: bool) -> bytes:
    """The de-identified file, read whole; its length is what was announced."""
    made = deidentify_file(io.BytesIO(content), profile=Profile(**options), key=KEY, pseudonym=PSEUDONYM)
    copy = b"".join(made.read(io.BytesIO(content)))
    assert len(copy) == made.length
    return copy


def parsed(content: bytes) -> Dataset:
    """The header of a file as the house's parser reads it."""
    return part10.read_part10(io.BytesIO(content)).dataset
