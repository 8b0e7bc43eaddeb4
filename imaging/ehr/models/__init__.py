"""Rows of the health record: who sends and what came, the patients that were told of, and whom we tell what."""

from imaging.ehr.models.receiving import (
    AwaitedReport,
    Hl7Message,
    Hl7Peer,
    PatientIdentifier,
    RegisteredPatient,
    validate_character_set,
)
from imaging.ehr.models.records import HealthRecord
from imaging.ehr.models.sending import Hl7Destination, Hl7Notice

__all__ = [
    "AwaitedReport",
    "HealthRecord",
    "Hl7Destination",
    "Hl7Message",
    "Hl7Notice",
    "Hl7Peer",
    "PatientIdentifier",
    "RegisteredPatient",
    "validate_character_set",
]
