"""The UIDs of a report's documents: the same for the same version, so that making it twice makes nothing new."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Final

_OURS: Final = uuid.UUID("5b0a6a0e-1d51-5f0a-9f7b-0f3c3f3a7d11")


class DocumentKind(StrEnum):
    """What is kept in the study, as ``ReportDocument.Kind`` names it."""

    ENCAPSULATED = "encapsulated"
    STRUCTURED = "structured"


def series_uid(report_key: uuid.UUID, study_instance_uid: str, kind: DocumentKind) -> str:
    """One series per report, study and kind: a report that follows its images into another study begins one there."""
    return _uid(f"{report_key}/{study_instance_uid}/{kind}")


def instance_uid(report_key: uuid.UUID, number: int, kind: DocumentKind) -> str:
    """One instance per version and kind, wherever the study went since."""
    return _uid(f"{report_key}/{kind}/{number}")


def _uid(name: str) -> str:
    """A UID made of a UUID (PS3.5 annex B.2), of the name (RFC 9562, version 5)."""
    return f"2.25.{uuid.uuid5(_OURS, name).int}"
