"""DICOM Part 10 files: read safely up to the pixels, written, digested (PS3.10 section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import BinaryIO

from pydicom.dataset import Dataset

from imaging.dicom.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class FileMeta:
    """Group 0002 as found in a file."""

    media_storage_sop_class_uid: str
    media_storage_sop_instance_uid: str
    transfer_syntax_uid: str
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    source_ae_title: str = ""


@dataclass(frozen=True, slots=True)
class BulkValue:
    """A value too big to keep in memory: where it lies. Offsets count from the file's start, or the inflated data set's."""

    vr: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A Part 10 file read up to its pixels."""

    dataset: Dataset
    meta: FileMeta
    transfer_syntax_uid: str
    dataset_offset: int
    length: int
    pixel_data_offset: int | None = None
    pixel_data_length: int | None = None
    pixel_tag: int | None = None
    pixel_vr: str = ""
    bulk: Mapping[str, BulkValue] = field(default_factory=dict)


def read_part10(source: str | PathLike[str] | BinaryIO, *, limits: Limits = DEFAULT_LIMITS) -> ParsedFile:
    """Parse a stored file without its pixels. Raises only ``DicomError``."""
    raise NotImplementedError


def write_file_meta(
    *,
    sop_class_uid: str,
    sop_instance_uid: str,
    transfer_syntax_uid: str,
    source_ae_title: str = "",
    implementation_class_uid: str = "",
    implementation_version_name: str = "",
) -> bytes:
    """Preamble, prefix and group 0002."""
    raise NotImplementedError


class DatasetDigest:
    """Incremental digest of a data set: what decides duplicate or conflict."""

    def __init__(self, transfer_syntax_uid: str) -> None:
        """Begin."""

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Add data set bytes as received."""

    def hexdigest(self) -> str:
        """SHA-256 in hex."""
        raise NotImplementedError


def dataset_digest(stream: BinaryIO, transfer_syntax_uid: str) -> str:
    """Digest of a stream that stands at the first byte of the data set."""
    raise NotImplementedError
