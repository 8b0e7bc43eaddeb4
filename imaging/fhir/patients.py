"""Patient (R4 section 8.1): who somebody is, and the numbers they are known by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from imaging.dicom import person_name
from imaging.fhir.values import Number, Resource, filled, identifier, text

#: Patient's Sex (0010,0040) as administrative gender.
GENDERS: Final[Mapping[str, str]] = MappingProxyType({"M": "male", "F": "female", "O": "other"})
_BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFacts:
    """A patient as DICOM names them (PS3.3 C.7.1.1), with what a register adds. Names are of DICOM (PN)."""

    numbers: Sequence[Number]
    name: str
    birth_date: dt.date | None
    sex: str
    used_name: str = ""
    birth_place: str = ""


def patient_of(facts: PatientFacts) -> Resource:
    """Return a Patient."""
    names = [_name(facts.name, "official")]
    if facts.used_name and facts.used_name != facts.name:
        names.append(_name(facts.used_name, "usual"))
    place = text(facts.birth_place)
    return filled(
        {
            "resourceType": "Patient",
            "extension": [{"url": _BIRTH_PLACE, "valueAddress": {"text": place}}] if place else [],
            "identifier": [found for number in facts.numbers if (found := identifier(number))],
            "name": [name for name in names if name],
            "gender": gender(facts.sex),
            "birthDate": facts.birth_date.isoformat() if facts.birth_date else "",
        }
    )


def gender(sex: str) -> str:
    """Administrative gender; ``unknown`` for what DICOM does not name."""
    return GENDERS.get(sex.strip().upper(), "unknown")


def _name(name: str, use: str) -> Resource:
    shown = text(person_name.display(name)) if name else ""
    if not shown:
        return {}
    parts = person_name.parse(name).leading
    given = [found for part in (parts.given, parts.middle) if (found := text(part))]
    return filled({"use": use, "text": shown, "family": text(parts.family), "given": given})
