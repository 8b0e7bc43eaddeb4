"""Makers of received instances: real files in a spool, read by our own parser, ready to be registered."""

import hashlib
import io
import warnings
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from accounts.models import Department
from imaging.dicom import frame_index, header, json_model, part10
from imaging.ingest import services
from imaging.ingest.source import Source
from imaging.storage.spooled import SpooledFile
from imaging.studies.reading import metadata
from imaging.studies.rows import study_time
from imaging.studies.rows.incoming import IncomingInstance, PlannedPlacement

ROOT = "1.2.826.0.1.3680043.10.1"
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
_numbers = count(1)


def uid() -> str:
    """A UID that no other test has used."""
    return f"{ROOT}.{next(_numbers)}"


def dataset(**changes: Any) -> Dataset:
    """A small CT slice of a study of its own; ``changes`` by keyword, None to leave an attribute out."""
    values: dict[str, Any] = {
        "SpecificCharacterSet": "ISO_IR 192",
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": uid(),
        "StudyDate": "20260304",
        "StudyTime": "101500",
        "AccessionNumber": "A100",
        "Modality": "CT",
        "StudyDescription": "CT thorax",
        "SeriesDescription": "Axial",
        "PatientName": "Durand^Hélène",
        "PatientID": "P1",
        "PatientBirthDate": "19700102",
        "PatientSex": "F",
        "StudyInstanceUID": uid(),
        "SeriesInstanceUID": uid(),
        "StudyID": "S1",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 8,
        "Columns": 8,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelData": np.arange(64, dtype="<u2").tobytes(),
    }
    made = Dataset()
    for name, value in {**values, **changes}.items():
        if value is not None:
            setattr(made, name, value)
    return made


def hand_over(content: bytes, source: Source) -> None:
    """Leave an object in the spool, as a door that does not wait for the registrar does."""
    services.hold(io.BytesIO(content), source=source).claim.give_back()


def encoded(made: Dataset, transfer_syntax_uid: str = ExplicitVRLittleEndian, *, sent_by: str = "") -> bytes:
    """The data set as a Part 10 file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    meta.TransferSyntaxUID = transfer_syntax_uid
    if sent_by:
        meta.SourceApplicationEntityTitle = sent_by
    made.file_meta = meta
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def spooled(content: bytes, folder: Path) -> SpooledFile:
    """The file in a spool, with its digests."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{digest}.dcm"
    path.write_bytes(content)
    parsed = part10.read_part10(path)
    with path.open("rb") as file:
        file.seek(parsed.dataset_offset)
        dataset_sha256 = part10.dataset_digest(file, parsed.transfer_syntax_uid)
    return SpooledFile(path, digest, dataset_sha256, len(content), parsed.transfer_syntax_uid)


def incoming(source: Dataset | bytes, folder: Path, *departments: Department, **changes: Any) -> IncomingInstance:
    """The instance as ingest would hand it over, to be placed in ``departments``."""
    content = source if isinstance(source, bytes) else encoded(source)
    stored = spooled(content, folder)
    parsed = part10.read_part10(stored.path)
    read = header.read_header(
        parsed.dataset, transfer_syntax_uid=parsed.transfer_syntax_uid, has_pixels=parsed.has_pixels
    )
    reason = frame_index.needs_rendition(parsed)
    index = None
    if parsed.has_pixels and reason is None:
        with stored.path.open("rb") as file:
            index = frame_index.build(file, parsed).to_bytes()
    values: dict[str, Any] = {
        "header": read,
        "stored": stored,
        "metadata_json": json_model.to_json(parsed, bulk_uri=metadata.bulk_uri),
        "frame_index": index,
        "needs_rendition": reason or "",
        "issuer_of_patient_id": read.patient.issuer_of_patient_id or "HOSPITAL",
        "study_at": study_time.aware(read.study, UTC),
        "received_at": NOON,
        "door": "dimse",
        "sender": "CT1",
        "address": "127.0.0.1",
        "placements": tuple(PlannedPlacement(department.pk, "owner", "default") for department in departments),
    }
    return IncomingInstance(**{**values, **changes})


def identified(path: Path) -> bytes:
    """The file, with the identifiers that some test patterns lack; their pixels stay as they are."""
    names = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's opinion of the files is not what is tested
        dataset = pydicom.dcmread(path)
        missing = [name for name in names if not dataset.get(name)]
    if not missing:
        return path.read_bytes()
    for name in missing:
        setattr(dataset, name, uid())
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()
