"""Who a message is about: identifiers with their issuers (CX), names (XPN), birth date, sex. As sent, and as DICOM writes it.

HL7 v2.5.1 sections 2.A.14, 2.A.88 and 3.4.2; the qualification of an identity is PID-32 (table 0445).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from imaging.ehr.hl7.message import NULL, Message

#: Identifier types (table 0203) that name a person at their issuer: the others are of a visit, an account, a card.
_OF_PERSONS: Final = frozenset({"", "MR", "PI", "PN", "PE", "PT", "MRN", "INS", "NI", "U"})
#: PS3.5 section 6.2: what cannot stand in a component of a person's name.
_NOT_IN_NAMES: Final = str.maketrans({"^": " ", "=": " ", "\\": " "})
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Identifier:
    """One repetition of PID-3 or MRG-1: the value, who issued it (by name, by OID) and its type."""

    value: str
    namespace: str
    universal_id: str
    type_code: str


@dataclass(frozen=True, slots=True)
class Person:
    """What PID says. None: it says nothing; empty text: it is to be emptied. ``notes`` tell what could not be read.

    ``patient_name`` is the legal name, ``used_name`` the one in use; ``birth_place`` its name and its code.
    """

    identifiers: tuple[Identifier, ...]
    patient_name: str | None
    birth_date: date | str | None
    sex: str | None
    reliability: tuple[str, ...]
    notes: tuple[str, ...]
    used_name: str | None = None
    birth_place: tuple[str, str] | None = None


def identifiers(message: Message, segment: str, field: int) -> tuple[Identifier, ...]:
    """Every identifier of a person in a field that may be repeated; one without a value is none."""
    found = []
    for number in range(1, message.repetitions(segment, field) + 1):
        value = message.text(segment, field, repetition=number)
        type_code = message.text(segment, field, 5, repetition=number).upper()
        if not value or value == NULL or type_code not in _OF_PERSONS:
            continue
        namespace = message.text(segment, field, 4, repetition=number)
        universal = message.text(segment, field, 4, repetition=number, sub=2)
        kind = message.text(segment, field, 4, repetition=number, sub=3).upper()
        found.append(Identifier(value, namespace, universal if kind in {"ISO", ""} else "", type_code))
    return tuple(found)


def person(message: Message) -> Person:
    """Read PID."""
    notes: list[str] = []
    reliability = (message.text("PID", 32, repetition=n) for n in range(1, message.repetitions("PID", 32) + 1))
    return Person(
        identifiers=identifiers(message, "PID", 3),
        patient_name=_name(message, notes),
        birth_date=_birth_date(message, notes),
        sex=_sex(message, notes),
        reliability=tuple(code for code in reliability if code and code != NULL),
        notes=tuple(notes),
        used_name=_used_name(message),
        birth_place=_birth_place(message),
    )


def _name(message: Message, notes: list[str]) -> str | None:
    """The legal name (type L), which in France is the birth name; else the first. As PS3.5 section 6.2.1.1 writes it."""
    types = _name_types(message)
    number = types.index("L") + 1 if "L" in types else 1
    name = _written(message, number)
    if name is None or len(name) <= _LONGEST_NAME:
        return name
    notes.append("The name is longer than 64 characters, and was cut.")
    return name[:_LONGEST_NAME]


def _used_name(message: Message) -> str | None:
    """The name in use (type D), where the legal one stands beside it."""
    types = _name_types(message)
    if "D" not in types or "L" not in types:
        return "" if "L" in types else None
    return (_written(message, types.index("D") + 1) or "")[:_LONGEST_NAME]


def _name_types(message: Message) -> list[str]:
    return [message.text("PID", 5, 7, repetition=n).upper() for n in range(1, message.repetitions("PID", 5) + 1)]


def _written(message: Message, number: int) -> str | None:
    """One repetition of PID-5: family, given, further names, suffix, prefix there; the last two the other way round here."""
    parts = [message.text("PID", 5, component, repetition=number) for component in (1, 2, 3, 5, 4)]
    if parts[0] == NULL:
        return ""
    cleaned = [part.translate(_NOT_IN_NAMES).strip() if part != NULL else "" for part in parts]
    return "^".join(cleaned).rstrip("^") or None


def _birth_place(message: Message) -> tuple[str, str] | None:
    """The address of type BDL in PID-11 (its city, and the code in XAD.9), else the words of PID-23."""
    for number in range(1, message.repetitions("PID", 11) + 1):
        if message.text("PID", 11, 7, repetition=number).upper() == "BDL":
            found = (message.text("PID", 11, part, repetition=number) for part in (3, 9))
            city, code = ("" if part == NULL else part for part in found)
            return city[:100], code[:20]
    words = message.text("PID", 23)
    if not words:
        return None
    return ("" if words == NULL else words[:100]), ""


def _birth_date(message: Message, notes: list[str]) -> date | str | None:
    """PID-7; a date that no calendar has (a fictive 31 February, a day or month 00) is told, and nothing is guessed."""
    text = message.text("PID", 7)
    if text == NULL:
        return ""
    if not text:
        return None
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007 -- a date, without a time
    except ValueError:
        notes.append("The birth date is no day of the calendar, and was not taken over.")
        return None


def _sex(message: Message, notes: list[str]) -> str | None:
    """PID-8 (table 0001) as DICOM's M, F and O (PS3.3 C.7.1.1); unknown says nothing."""
    text = message.text("PID", 8).upper()
    if text == NULL:
        return ""
    if text in {"", "U"}:
        return None
    known = {"M": "M", "F": "F", "O": "O", "A": "O", "N": "O"}.get(text)
    if known is None:
        notes.append("The sex is none of the table's, and was not taken over.")
    return known
