"""Provenance (R4 section 6.3): who made a version of something, when, out of what, and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from imaging.fhir.values import Resource, concept, filled, reference, said, text

_OPERATIONS: Final = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
_PARTICIPANTS: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


class Activity(StrEnum):
    """What was done (v3-DataOperation)."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    NULLIFY = "NULLIFY"


class Part(StrEnum):
    """What somebody did in it (provenance-participant-type)."""

    AUTHOR = "author"
    VERIFIER = "verifier"
    ASSEMBLER = "assembler"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenanceFacts:
    """One version. ``agents`` are people or systems by name, each with their part; nobody's name is empty."""

    recorded_at: dt.datetime
    activity: Activity
    agents: Sequence[tuple[Part, str]]
    reason: str = ""


def provenance_of(facts: ProvenanceFacts, *, targets: Sequence[str], sources: Sequence[str] = ()) -> Resource:
    """Return a Provenance of ``targets``, made out of ``sources``; both name resources."""
    return filled(
        {
            "resourceType": "Provenance",
            "target": [reference(target) for target in targets],
            "recorded": facts.recorded_at.isoformat(),
            "reason": [said(facts.reason)] if text(facts.reason) else [],
            "activity": concept(_OPERATIONS, facts.activity),
            "agent": [
                {"type": concept(_PARTICIPANTS, part), "who": reference("", name)} for part, name in facts.agents
            ],
            "entity": [{"role": "source", "what": reference(source)} for source in sources],
        }
    )
