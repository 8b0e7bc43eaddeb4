"""Who decides, what may be asked for, and which identifiers a corrected object gets. Pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope

#: Names the UIDs that this desk gives: the same object gets the same ones, whoever decides and however often.
_NAMESPACE: Final = uuid.UUID("6f1f8d5e-6d0b-4f57-9a53-2c6b1b0d7a41")

SOP_INSTANCE_UID, STUDY_INSTANCE_UID, SERIES_INSTANCE_UID = "00080018", "0020000D", "0020000E"

Attributes = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Decider:
    """A person at the desk: ``departments`` are those where they may resolve quarantined objects (primary keys)."""

    actor: Actor
    scope: Scope
    departments: frozenset[int]

    @property
    def writable(self) -> frozenset[int]:
        """Departments in whose studies this person may add something."""
        return self.scope.departments_with(Right.WRITE)


class Renewal(StrEnum):
    """From which level on an object gets identifiers of its own; the levels above stay those that it names."""

    NOTHING = ""
    INSTANCE = "instance"
    SERIES = "series"
    STUDY = "study"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the patient is, as a person decided. ``birth_date`` is ISO 8601 or empty, ``patient_name`` a DICOM name."""

    patient_id: str
    issuer_of_patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    sex: str = ""

    def attributes(self) -> Attributes:
        """The Patient module's identity as DICOM JSON (PS3.18 annex F): each replaces what was received."""
        return {
            "00100010": _written("PN", _name(self.patient_name)),
            "00100020": _written("LO", self.patient_id),
            "00100021": _written("LO", self.issuer_of_patient_id),
            "00100030": _written("DA", self.birth_date.replace("-", "")),
            "00100040": _written("CS", self.sex),
        }


def _written(vr: str, value: str | dict[str, str]) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]} if value else {"vr": vr}


def _name(value: str) -> dict[str, str]:
    groups = zip(("Alphabetic", "Ideographic", "Phonetic"), value.split("="), strict=False)
    return {group: text for group, text in groups if text}


def renewed(level: str, *, study_uid: str, series_uid: str, sop_uid: str) -> Attributes:
    """New identifiers from ``level`` down, made from the old ones, so that siblings stay together and a repetition is one.

    UUID-derived (PS3.5 annex B.2).
    """
    if not level:
        return {}
    old = {STUDY_INSTANCE_UID: study_uid, SERIES_INSTANCE_UID: series_uid, SOP_INSTANCE_UID: sop_uid}
    tags = {
        Renewal.STUDY: (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID),
        Renewal.SERIES: (SERIES_INSTANCE_UID, SOP_INSTANCE_UID),
        Renewal.INSTANCE: (SOP_INSTANCE_UID,),
    }[Renewal(level)]
    # The study that the object names belongs into the name: a series UID used in two studies is two series.
    return {tag: _written("UI", _uid(f"{level}|{tag}|{study_uid}|{old[tag]}")) for tag in tags}


def _uid(name: str) -> str:
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def named_by(attributes: Mapping[str, Any], tag: str, otherwise: str) -> str:
    """The text of an attribute that was corrected, else what was received."""
    values = attributes.get(tag, {}).get("Value") or [otherwise]
    return str(values[0])


@dataclass(frozen=True, slots=True)
class Chosen:
    """One line that was ticked: an object, or a group with its latest member when the page was made."""

    first: int
    latest: int | None = None

    @classmethod
    def read(cls, token: str) -> "Chosen | None":
        """From the page: ``12`` or ``12-57``; None for anything else."""
        first, dash, latest = token.partition("-")
        numbers = [part for part in (first, latest) if part]
        if len(numbers) != (2 if dash else 1) or not all(part.isascii() and part.isdigit() for part in numbers):
            return None
        if any(len(part) > 18 for part in numbers):
            return None
        return cls(int(first), int(latest) if dash else None)

    def __str__(self) -> str:
        return str(self.first) if self.latest is None else f"{self.first}-{self.latest}"
