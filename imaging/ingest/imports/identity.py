"""Whose objects a delivery's patient will be: the attributes to be put over theirs (DICOM JSON, PS3.18 annex F). Pure."""

from datetime import date
from typing import Any, Final, Protocol

from imaging.dicom import correctable
from imaging.dicom.correctable import CorrectionInvalid
from imaging.ingest.imports.contents import Person

_NAME: Final = "00100010"
_ID: Final = "00100020"
_ISSUER: Final = "00100021"
_BIRTH_DATE: Final = "00100030"
_SEX: Final = "00100040"
_GROUPS: Final = ("Alphabetic", "Ideographic", "Phonetic")

Attributes = dict[str, dict[str, Any]]


class Known(Protocol):
    """A patient of ours."""

    issuer_of_patient_id: str
    patient_id: str
    patient_name: str
    birth_date: date | None
    sex: str


def as_ours(known: Known, person: Person, *, agrees: bool) -> Attributes:
    """What makes a delivery's objects those of a patient of ours.

    Where number and traits agree already, the issuer is all that may be wanting; otherwise everything that we know of the
    patient goes over what the delivery says.
    """
    if agrees and (known.patient_id, known.issuer_of_patient_id) == (person.patient_id, person.issuer_of_patient_id):
        return {}
    if agrees and known.patient_id == person.patient_id and not person.issuer_of_patient_id:
        return _sound({_ISSUER: _text("LO", known.issuer_of_patient_id)})
    attributes: Attributes = {}
    if known.patient_id:
        attributes[_ID] = _text("LO", known.patient_id)
        attributes[_ISSUER] = _text("LO", known.issuer_of_patient_id)
    if known.patient_name:
        groups = zip(_GROUPS, known.patient_name.split("="), strict=False)
        attributes[_NAME] = {"vr": "PN", "Value": [{group: text for group, text in groups if text}]}
    if known.birth_date:
        attributes[_BIRTH_DATE] = _text("DA", known.birth_date.strftime("%Y%m%d"))
    if known.sex in {"M", "F", "O"}:
        attributes[_SEX] = _text("CS", known.sex)
    return _sound(attributes)


def as_theirs(issuer: str) -> Attributes:
    """What keeps a foreign number apart from ours: who gave it."""
    return _sound({_ISSUER: _text("LO", issuer)}) if issuer else {}


def is_sound_issuer(issuer: str) -> bool:
    """Whether this can be written as an issuer."""
    return bool(issuer) and bool(as_theirs(issuer))


def _text(vr: str, value: str) -> dict[str, Any]:
    return {"vr": vr, "Value": [value]} if value else {"vr": vr}


def _sound(attributes: Attributes) -> Attributes:
    """Without what may not be written into a header: an old row of ours may hold such values."""
    found: Attributes = {}
    for tag, element in attributes.items():
        try:
            found |= correctable.normalised({tag: element})
        except CorrectionInvalid:
            continue
    return found
