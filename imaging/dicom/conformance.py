"""Whether a parsed object is what it says it is."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.dicom.part10 import ParsedFile


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; a ``fatal`` one means that the object cannot be registered."""

    code: str
    detail: str
    fatal: bool


def check(parsed: ParsedFile) -> list[Problem]:
    """Everything wrong with the object, fatal findings first."""
    raise NotImplementedError


def check_transfer_syntax(parsed: ParsedFile, negotiated_uid: str) -> Problem | None:
    """Fatal when the file meta group names another transfer syntax than the association negotiated."""
    raise NotImplementedError
