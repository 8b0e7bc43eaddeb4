"""Asking a record about one patient: who it is there, then the few kinds of resource that matter."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Final

from imaging.ehr.models import HealthRecord
from imaging.ehr.records import tokens
from imaging.ehr.records.client import Reader, Unavailable, reading
from imaging.fhir.summaries import CODES
from imaging.fhir.values import LOINC, Resource

#: Seconds for all questions together: somebody looks at the page meanwhile.
PATIENCE: Final = 8.0
_TESTS: Final = ",".join(f"{LOINC}|{code}" for codes in CODES.values() for code in sorted(codes))
#: Kinds, and what is asked of each beside the patient.
_QUESTIONS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    ("AllergyIntolerance", {"_count": "60"}),
    ("Condition", {"_count": "60"}),
    ("MedicationRequest", {"status": "active", "_count": "60"}),
    ("Observation", {"code": _TESTS, "_sort": "-date", "_count": "60"}),
    ("Encounter", {"_sort": "-date", "_count": "5"}),
)
KINDS: Final = tuple(kind for kind, _asked in _QUESTIONS)


class NobodyThere(Exception):
    """The record knows nobody by this number, or several people."""


class SomebodyElse(Exception):
    """The record's patient of this number was born on another day."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the record said; ``missing`` are kinds that it did not give."""

    resources: tuple[Resource, ...]
    missing: tuple[str, ...]


def read(record: HealthRecord, number: str, birth_date: dt.date | None) -> Answer:
    """Ask about the patient with a number of the record's site.

    Raises :class:`NobodyThere`, :class:`SomebodyElse`, and ``Unavailable`` when not even the patient is given.
    """
    ends = time.monotonic() + PATIENCE
    with reading(record, tokens.token_for(record)) as reader:
        key = _patient(reader, record, number, birth_date)
        resources: list[Resource] = []
        missing = []
        for kind, asked in _QUESTIONS:
            if time.monotonic() >= ends:
                missing.append(kind)
                continue
            try:
                resources += reader.search(kind, {"patient": key, **asked})
            except Unavailable:
                missing.append(kind)
    return Answer(tuple(_of(resources, key)), tuple(missing))


def _patient(reader: Reader, record: HealthRecord, number: str, birth_date: dt.date | None) -> str:
    found = reader.search("Patient", {"identifier": f"{record.system}|{number}", "_count": "2"})
    # A search by number that finds another number was not understood there.
    found = [one for one in found if _bears(one, record.system, number)]
    if len(found) != 1:
        raise NobodyThere
    (patient,) = found
    told = patient.get("birthDate")
    if birth_date and isinstance(told, str) and len(told) == len("2000-01-01") and told != birth_date.isoformat():
        raise SomebodyElse
    return str(patient.get("id", ""))


def _bears(patient: Resource, system: str, number: str) -> bool:
    identifiers = patient.get("identifier")
    return isinstance(identifiers, list) and any(
        isinstance(one, dict) and one.get("system") == system and one.get("value") == number for one in identifiers
    )


def _of(resources: list[Resource], patient: str) -> list[Resource]:
    """Those that say they are of this patient: a server that passes the parameter over gives everybody's."""
    return [one for one in resources if _subject(one) == patient]


def _subject(resource: Resource) -> str:
    who = resource.get("subject") or resource.get("patient")
    named = who.get("reference") if isinstance(who, dict) else None
    return named.rpartition("Patient/")[2].partition("/")[0] if isinstance(named, str) else ""
