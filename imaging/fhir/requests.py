"""ServiceRequest (R4 section 12.11): an exam that was asked for, and where it stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imaging.fhir.values import LOINC, SNOMED, Number, Resource, coding, filled, identifier, reference, text

RADLEX: Final = "http://radlex.org"
#: Imaging.
_CATEGORY: Final = ("363679005", "Imaging")


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeFacts:
    """What is to be done: the hospital's own code in its system, and the same in LOINC and RadLex where it is told."""

    system: str
    code: str
    name: str
    loinc: str = ""
    radlex: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """An exam request. ``status`` and ``priority`` are of FHIR; ``subject_name`` stands where nobody in the index is meant."""

    numbers: Sequence[Number]
    status: str
    priority: str
    code: CodeFacts | None
    authored_at: dt.datetime | None
    booked_for: dt.datetime | None
    requester: str
    performer: str
    reason: str
    side: str = ""
    subject_name: str = ""
    note: str = ""


def service_request_of(facts: RequestFacts, *, subject: str) -> Resource:
    """Return a ServiceRequest; ``subject`` names a Patient, or is empty."""
    sides = {"R": ("24028007", "Right"), "L": ("7771000", "Left"), "B": ("51440002", "Right and left")}
    side = sides.get(facts.side)
    return filled(
        {
            "resourceType": "ServiceRequest",
            "identifier": [found for number in facts.numbers if (found := identifier(number))],
            "status": facts.status,
            "intent": "order",
            "category": [{"coding": [coding(SNOMED, *_CATEGORY)]}],
            "priority": facts.priority,
            "code": _code(facts.code) if facts.code else {},
            "subject": reference(subject, "" if subject else text(facts.subject_name) or "?"),
            "occurrenceDateTime": facts.booked_for.isoformat() if facts.booked_for else "",
            "authoredOn": facts.authored_at.isoformat() if facts.authored_at else "",
            "requester": reference("", facts.requester),
            "performer": [reference("", facts.performer)] if text(facts.performer) else [],
            "reasonCode": [{"text": text(facts.reason)}] if text(facts.reason) else [],
            "bodySite": [{"coding": [coding(SNOMED, *side)]}] if side else [],
            "note": [{"text": text(facts.note)}] if text(facts.note) else [],
        }
    )


def _code(facts: CodeFacts) -> Resource:
    told = [(facts.system, facts.code, facts.name), (LOINC, facts.loinc, ""), (RADLEX, facts.radlex, "")]
    return filled({"coding": [coding(*one) for one in told if text(one[1])], "text": text(facts.name)})
