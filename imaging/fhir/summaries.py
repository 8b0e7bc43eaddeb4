"""What matters of a patient before and beside images, read from resources of a health record (R4). Pure; nothing in it is trusted.

Allergies, problems, medication that bears on an exam, kidney function, clotting, pregnancy, encounters. What was refuted,
entered in error or is over is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from imaging.fhir.values import LOINC, Resource, text

_LONGEST: Final = 200
_MOST: Final = 60
_WRONG: Final = frozenset({"entered-in-error", "refuted", "cancelled", "not-done"})
_OVER: Final = frozenset({"inactive", "resolved", "remission"})
_TAKEN: Final = frozenset({"active", "on-hold", "intended", "draft"})
_ATC: Final = "http://www.whocc.no/atc"


class LabTest(StrEnum):
    """A laboratory test that bears on imaging."""

    CREATININE = "creatinine"
    EGFR = "egfr"
    INR = "inr"
    PREGNANCY = "pregnancy"


class Matter(StrEnum):
    """Why a medication matters before an exam or an intervention."""

    METFORMIN = "metformin"
    ANTICOAGULANT = "anticoagulant"


#: LOINC codes by test: in serum, plasma or blood; rate by whatever formula.
CODES: Final[dict[LabTest, frozenset[str]]] = {
    LabTest.CREATININE: frozenset({"2160-0", "14682-9", "38483-4", "59826-8", "77140-2"}),
    LabTest.EGFR: frozenset(
        {
            *("33914-3", "48642-3", "48643-1", "50044-7", "50210-4", "62238-1", "69405-9"),
            *("70969-1", "77147-7", "88293-6", "88294-4", "94677-2", "98979-8", "98980-6", "102097-3"),
        }
    ),
    LabTest.INR: frozenset({"6301-6", "34714-6", "38875-1", "46418-0", "52129-4"}),
    LabTest.PREGNANCY: frozenset({"2106-3", "2118-8", "2110-5", "19080-1", "20415-6", "21198-7", "45194-8", "82810-3"}),
}
_TEST_OF: Final = {code: test for test, codes in CODES.items() for code in codes}
#: Below it a contrast medium in an artery or vein needs thought (ESUR guidelines on contrast agents 10.0), in mL/min/1.73 m².
LOW_EGFR: Final = 30.0
#: Beginnings of ATC codes; antithrombotic agents without those that act on platelets.
_ATC_CODES: Final = {
    Matter.METFORMIN: (
        "A10BA02",
        "A10BD02",
        "A10BD03",
        "A10BD05",
        "A10BD07",
        "A10BD08",
        "A10BD1",
        "A10BD20",
        "A10BD23",
    ),
    Matter.ANTICOAGULANT: ("B01AA", "B01AB", "B01AE", "B01AF", "B01AX05"),
}
#: Beginnings of words in names, where a record has no code: substances, in English and French.
_NAMES: Final = {
    Matter.METFORMIN: ("metformin",),
    Matter.ANTICOAGULANT: (
        *("warfarin", "acenocoumarol", "phenprocoumon", "fluindione", "heparin", "héparin", "enoxaparin", "énoxaparin"),
        *(
            "dalteparin",
            "daltéparin",
            "tinzaparin",
            "nadroparin",
            "fondaparinux",
            "rivaroxaban",
            "apixaban",
            "edoxaban",
        ),
        *("édoxaban", "dabigatran", "argatroban", "bivalirudin"),
    ),
}


@dataclass(frozen=True, slots=True)
class Allergy:
    """To what, and whether the record calls it of high criticality."""

    words: str
    is_high: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """A condition that goes on, and since when as far as it is told: to the ``day``, the ``month`` or the ``year``."""

    words: str
    since: dt.date | None
    precision: str = "day"


@dataclass(frozen=True, slots=True)
class Medication:
    """Something that the patient takes; ``matter`` where it bears on an exam."""

    words: str
    matter: Matter | None


@dataclass(frozen=True, slots=True)
class Result:
    """One result: its value as words with the unit, as a number where it is one, when, and whether the laboratory marked it."""

    test: LabTest
    words: str
    value: float | None
    unit: str
    at: dt.datetime
    is_marked: bool


@dataclass(frozen=True, slots=True)
class Encounter:
    """A stay or visit."""

    words: str
    began: dt.datetime | None
    ended: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Summary:
    """All of it. ``results`` are the newest first, by test."""

    allergies: tuple[Allergy, ...] = ()
    problems: tuple[Problem, ...] = ()
    medications: tuple[Medication, ...] = ()
    results: tuple[Result, ...] = ()
    encounters: tuple[Encounter, ...] = ()

    def of(self, test: LabTest) -> tuple[Result, ...]:
        """The results of one test, the newest first."""
        return tuple(result for result in self.results if result.test == test)

    @property
    def that_matter(self) -> tuple[Medication, ...]:
        """Medication that bears on an exam."""
        return tuple(one for one in self.medications if one.matter)

    @property
    def others(self) -> tuple[Medication, ...]:
        """The other medication."""
        return tuple(one for one in self.medications if not one.matter)


NOTHING: Final = Summary()


def summary(resources: Iterable[Resource]) -> Summary:
    """Read resources of any of the kinds; those of other kinds are passed over."""
    by_kind: dict[str, list[Resource]] = {}
    for resource in resources:
        by_kind.setdefault(str(resource.get("resourceType")), []).append(resource)
    medication = [*by_kind.get("MedicationRequest", ()), *by_kind.get("MedicationStatement", ())]
    return Summary(
        allergies=_once(filter(None, map(_allergy, by_kind.get("AllergyIntolerance", ())))),
        problems=_once(filter(None, map(_problem, by_kind.get("Condition", ())))),
        medications=_once(filter(None, map(_medication, medication))),
        results=_newest(filter(None, map(_result, by_kind.get("Observation", ())))),
        encounters=_latest(filter(None, map(_encounter, by_kind.get("Encounter", ())))),
    )


def _once(found: Iterable[Any]) -> tuple[Any, ...]:
    """Each once, in the order of their words."""
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.words.casefold())[:_MOST])


def _newest(found: Iterable[Result]) -> tuple[Result, ...]:
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.at, reverse=True)[: 4 * _MOST])


def _latest(found: Iterable[Encounter]) -> tuple[Encounter, ...]:
    never = dt.datetime.min.replace(tzinfo=dt.UTC)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.began or never, reverse=True)[:5])


def _allergy(resource: Resource) -> Allergy | None:
    if _is_not(resource, "clinicalStatus", "verificationStatus"):
        return None
    words = _words(resource.get("code")) or next(
        (found for one in _list(resource.get("reaction")) if (found := _words(one.get("substance")))), ""
    )
    return Allergy(words, resource.get("criticality") == "high") if words else None


def _problem(resource: Resource) -> Problem | None:
    if _is_not(resource, "clinicalStatus", "verificationStatus"):
        return None
    words = _words(resource.get("code"))
    said = resource.get("onsetDateTime") or resource.get("recordedDate")
    began = _moment(said)
    precision = {4: "year", 7: "month"}.get(len(said), "day") if isinstance(said, str) else "day"
    return Problem(words, began.date() if began else None, precision) if words else None


def _medication(resource: Resource) -> Medication | None:
    if str(resource.get("status", "active")) not in _TAKEN or resource.get("doNotPerform"):
        return None
    concept = resource.get("medicationCodeableConcept")
    if concept is None:
        concept = _contained(resource, resource.get("medicationReference"))
    words = _words(concept) or _reference_words(resource.get("medicationReference"))
    return Medication(words, _matter(concept, words)) if words else None


def _matter(concept: object, words: str) -> Matter | None:
    codes = [str(one.get("code", "")) for one in _codings(concept) if one.get("system") == _ATC]
    for matter, beginnings in _ATC_CODES.items():
        if any(code.startswith(beginnings) for code in codes):
            return matter
    spoken = words.casefold().replace("/", " ").replace("-", " ").split()
    for matter, names in _NAMES.items():
        if any(word.startswith(names) for word in spoken):
            return matter
    return None


def _result(resource: Resource) -> Result | None:
    if str(resource.get("status")) in _WRONG:
        return None
    found = [_TEST_OF[code] for one in _codings(resource.get("code")) if (code := _loinc(one)) in _TEST_OF]
    period = resource.get("effectivePeriod")
    at = _moment(
        resource.get("effectiveDateTime")
        or resource.get("effectiveInstant")
        or (period.get("end") or period.get("start") if isinstance(period, dict) else None)
        or resource.get("issued")
    )
    value, unit, words = _value(resource)
    if not found or at is None or not words:
        return None
    marked = {str(code.get("code")) for one in _list(resource.get("interpretation")) for code in _codings(one)}
    is_low = found[0] is LabTest.EGFR and value is not None and value < LOW_EGFR
    return Result(found[0], words, value, unit, at, is_low or bool(marked & {"A", "AA", "H", "HH", "L", "LL", "POS"}))


def _value(resource: Resource) -> tuple[float | None, str, str]:
    """The value as a number, its unit, and both as words; with a comparator before them, where there is one."""
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict):
        number = quantity.get("value")
        if isinstance(number, bool) or not isinstance(number, int | float):
            return None, "", ""
        unit = text(str(quantity.get("unit") or quantity.get("code") or ""))[:30]
        comparator = quantity.get("comparator")
        before = f"{comparator} " if str(comparator) in {"<", "<=", ">", ">="} else ""
        return float(number), unit, f"{before}{number:g} {unit}".strip()
    for name in ("valueString", "valueInteger"):
        if resource.get(name) is not None:
            return None, "", text(str(resource[name]))[:_LONGEST]
    return None, "", _words(resource.get("valueCodeableConcept"))


def _encounter(resource: Resource) -> Encounter | None:
    if str(resource.get("status")) in _WRONG:
        return None
    period = resource.get("period")
    period = period if isinstance(period, dict) else {}
    kind = next((found for one in _list(resource.get("type")) if (found := _words(one))), "")
    klass = resource.get("class")
    spoken = kind or (text(str(klass.get("display") or klass.get("code") or "")) if isinstance(klass, dict) else "")
    where = next(
        (found for one in _list(resource.get("location")) if (found := _reference_words(one.get("location")))), ""
    )
    words = ", ".join(filter(None, (spoken, where or _reference_words(resource.get("serviceProvider")))))[:_LONGEST]
    return Encounter(words, _moment(period.get("start")), _moment(period.get("end"))) if words else None


def _is_not(resource: Resource, *names: str) -> bool:
    """Whether a status says that it is over, or was never so."""
    codes = {str(code.get("code")) for name in names for code in _codings(resource.get(name))}
    return bool(codes & (_WRONG | _OVER))


def _contained(resource: Resource, reference: object) -> object:
    named = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(named, str) or not named.startswith("#"):
        return None
    return next((one.get("code") for one in _list(resource.get("contained")) if one.get("id") == named[1:]), None)


def _words(concept: object) -> str:
    """A concept in words: those that somebody used, the first code's, or the code itself."""
    if not isinstance(concept, dict):
        return ""
    spoken: Sequence[object] = (
        concept.get("text"),
        *(one.get("display") for one in _codings(concept)),
        *(one.get("code") for one in _codings(concept)),
    )
    return next((" ".join(text(one).split())[:_LONGEST] for one in spoken if isinstance(one, str) and one.strip()), "")


def _reference_words(reference: object) -> str:
    spoken = reference.get("display") if isinstance(reference, dict) else None
    return " ".join(text(spoken).split())[:_LONGEST] if isinstance(spoken, str) else ""


def _codings(concept: object) -> list[Resource]:
    return _list(concept.get("coding")) if isinstance(concept, dict) else []


def _loinc(coding: Resource) -> str:
    return str(coding.get("code", "")) if coding.get("system") == LOINC else ""


def _list(value: object) -> list[Resource]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _moment(value: object) -> dt.datetime | None:
    """A date or dateTime of FHIR; a year or month begins with its first day. Without an offset it is taken for UTC."""
    if not isinstance(value, str) or not value.isascii():
        return None
    whole = {4: f"{value}-01-01", 7: f"{value}-01"}.get(len(value), value)
    try:
        found = dt.datetime.fromisoformat(whole)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
