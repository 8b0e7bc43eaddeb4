"""Objects to test with: the demo studies, the files inside pydicom's wheel, and ones built here."""

import io
import struct
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian

from imaging.dicom import frame_index, part10
from imaging.dicom import vr as value_representations
from imaging.dicom.errors import DicomError
from imaging.dicom.frame_description import FrameDescription
from imaging.dicom.part10 import ParsedFile

DEMO = Path(__file__).resolve().parents[3] / "portal" / "demo" / "data"
WHEEL = Path(pydicom.__file__).parent / "data"

#: Damaged on purpose: no decoder makes anything of their pixels.
UNDECODABLE = frozenset({"JPEG2000-embedded-sequence-delimiter.dcm", "MR_truncated.dcm", "nested_priv_SQ.dcm"})

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
STUDY, SERIES, INSTANCE = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.2", "1.2.826.0.1.3680043.8.498.3"


@cache
def every_part10_file() -> tuple[Path, ...]:
    """All files of the demo and of pydicom that begin with a preamble and a prefix."""
    folders = (DEMO, WHEEL / "test_files", WHEEL / "charset_files")
    paths = (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(path for path in paths if path.read_bytes()[128:132] == b"DICM")


@cache
def readable_files() -> tuple[Path, ...]:
    """Those of them that are not damaged on purpose."""
    found = []
    for path in every_part10_file():
        try:
            part10.read_part10(path)
        except DicomError:
            continue
        found.append(path)
    return tuple(found)


def named(name: str) -> Path:
    """One of them by its file name."""
    return next(path for path in every_part10_file() if path.name == name)


def by_pydicom(path: Path, **options: Any) -> Dataset:
    """What pydicom reads, its warnings about odd files left aside."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, **options)


def ct_image(**changes: Any) -> Dataset:
    """A small sound CT image of 8 x 6 pixels, with ``changes`` by keyword."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = CT_IMAGE, INSTANCE
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES
    dataset.StudyDate, dataset.StudyTime = "20260110", "101530.25"
    dataset.Modality, dataset.PatientID, dataset.PatientName = "CT", "4711", "Dupont^Marie"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 6, 8, 1
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = np.arange(48, dtype="<u2").tobytes()
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def stored(dataset: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    """A Part 10 file of ``dataset``."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax_uid
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", CT_IMAGE)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", INSTANCE)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def raw_file(elements: bytes, transfer_syntax_uid: str = ExplicitVRLittleEndian) -> bytes:
    """A Part 10 file with any bytes as its data set."""
    meta = part10.write_file_meta(
        sop_class_uid=CT_IMAGE, sop_instance_uid=INSTANCE, transfer_syntax_uid=transfer_syntax_uid
    )
    return meta + elements


def element(tag: int, vr: str, value: bytes) -> bytes:
    """One Explicit VR Little Endian element."""
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    if vr.encode() not in value_representations.SHORT_LENGTH:
        return head + struct.pack("<HL", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def encapsulated(frames: list[bytes], transfer_syntax_uid: str, *, has_bot: bool = True, **changes: Any) -> bytes:
    """A file whose frames are the given code streams."""
    dataset = ct_image(NumberOfFrames=str(len(frames)), **changes)
    dataset.PixelData = encapsulate(frames, has_bot=has_bot)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return stored(dataset, transfer_syntax_uid)


def parsed(content: bytes) -> ParsedFile:
    """The file parsed from memory."""
    return part10.read_part10(io.BytesIO(content))


def frame_bytes(path: Path, number: int = 1) -> tuple[bytes, FrameDescription]:
    """One stored frame, fetched by its ranges alone, and what describes it."""
    parsed_file = part10.read_part10(path)
    description = FrameDescription.from_dataset(
        parsed_file.dataset, parsed_file.transfer_syntax_uid, number, pixel_vr=parsed_file.pixel_vr
    )
    with path.open("rb") as file:
        pieces = []
        for offset, length in frame_index.build(file, parsed_file).ranges(number):
            file.seek(offset)
            pieces.append(file.read(length))
    return b"".join(pieces), description
