"""A file whose bytes are already safe in the spool, with everything that was learnt while it was written."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SpooledFile:
    """One fsynced file. Digests are SHA-256 in lower-case hex; ``length`` is in bytes.

    ``file_sha256`` covers the whole file, ``dataset_sha256`` the data set after the file meta group plus the transfer
    syntax (empty when the bytes are no DICOM object).
    """

    path: Path
    file_sha256: str
    dataset_sha256: str
    length: int
    transfer_syntax_uid: str = ""
