"""What an address asks to be shown: the parameters of IHE RAD-106, read in any letter case. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Final

from imaging.dicom import uids
from imaging.ehr.hl7.persons import Identifier

#: What is read, in small letters; everything else of an address is passed over.
PARAMETERS: Final = frozenset(
    {
        *("requesttype", "studyuid", "accessionnumber", "patientid", "patientbirthdate"),
        *("lowerdatetime", "upperdatetime", "modalitiesinstudy", "mostrecentresults"),
    }
)
_MOST: Final = 50
_LONGEST: Final = 2000
#: Digits alone, by how many there are (PS3.5 section 6.2, VR DT).
_FORMS: Final = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


class Malformed(ValueError):
    """A parameter is missing, there twice, or nothing that can be read; the text is its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to show images. ``patient`` is checked against the studies, and says whose are looked for where none is named."""

    study_instance_uids: tuple[str, ...] = ()
    accession_numbers: tuple[str, ...] = ()
    patient: Identifier | None = None
    birth_date: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    modalities: tuple[str, ...] = ()
    most_recent: int = 0

    @property
    def names_studies(self) -> bool:
        """Whether studies are asked for by name."""
        return bool(self.study_instance_uids or self.accession_numbers)


def read(asked: Mapping[str, Sequence[str]], zone: tzinfo) -> Question:
    """Understand the parameters of an address; moments without an offset are ``zone``'s. Raises ``Malformed``."""
    known = _lowered(asked)
    kind = known.get("requesttype", "").upper()
    if kind not in {"STUDY", "PATIENT"}:
        raise Malformed("requestType")
    names_studies = kind == "STUDY"
    patient = _patient(known.get("patientid", ""))
    found = Question(
        study_instance_uids=_uids(known.get("studyuid", "")) if names_studies else (),
        accession_numbers=_listed("accessionNumber", known.get("accessionnumber", "")) if names_studies else (),
        patient=patient,
        birth_date=_day(known.get("patientbirthdate", "")),
        since=_moment("lowerDateTime", known.get("lowerdatetime", ""), zone, time.min),
        until=_moment("upperDateTime", known.get("upperdatetime", ""), zone, time.max),
        modalities=tuple(item.upper() for item in _listed("modalitiesInStudy", known.get("modalitiesinstudy", ""))),
        most_recent=_number("mostRecentResults", known.get("mostrecentresults", "")),
    )
    if names_studies and not found.names_studies:
        raise Malformed("studyUID")
    if not names_studies and patient is None:
        raise Malformed("patientID")
    return found


def _lowered(asked: Mapping[str, Sequence[str]]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name, values in asked.items():
        lowered = name.lower()
        text = values[0].strip() if values else ""
        if lowered in known or len(values) > 1 or len(text) > _LONGEST or not text.isprintable():
            raise Malformed(name[:40])
        known[lowered] = text
    return known


def _listed(name: str, text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(item.strip() for item in text.split(",") if item.strip()))
    if len(found) > _MOST or any(len(item) > 64 for item in found):
        raise Malformed(name)
    return found


def _uids(text: str) -> tuple[str, ...]:
    found = _listed("studyUID", text)
    if not all(uids.is_valid_uid(item) for item in found):
        raise Malformed("studyUID")
    return found


def _patient(text: str) -> Identifier | None:
    """A CX as HL7 v2 writes it: ``99998410^^^Acme&1.2.3&ISO``."""
    if not text:
        return None
    parts = [part.strip() for part in text.split("^")]
    if not parts[0]:
        raise Malformed("patientID")
    authority = (parts[3] if len(parts) > 3 else "").split("&")
    universal = authority[1].strip() if len(authority) > 1 else ""
    return Identifier(parts[0], authority[0].strip(), universal, parts[4] if len(parts) > 4 else "")


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text.replace("-", "")[:8], "%Y%m%d").date()  # noqa: DTZ007 -- a date, without a time
    except ValueError:
        raise Malformed("patientBirthDate") from None


def _moment(name: str, text: str, zone: tzinfo, otherwise: time) -> datetime | None:
    """ISO 8601, or digits as DICOM and HL7 write them; a day begins, or ends, where no time is given."""
    if not text:
        return None
    found = _parsed(text)
    if found is None:
        raise Malformed(name)
    if len(text) <= len("2026-01-05"):
        found = datetime.combine(found.date(), otherwise)
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _parsed(text: str) -> datetime | None:
    form = _FORMS.get(len(text)) if text.isascii() and text.isdigit() else None
    try:
        # A plus sign in an address is a blank by the time that it is read here.
        return datetime.strptime(text, form) if form else datetime.fromisoformat(text.replace(" ", "+"))  # noqa: DTZ007
    except ValueError:
        return None


def _number(name: str, text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()) or int(text) > _MOST:
        raise Malformed(name)
    return int(text)
