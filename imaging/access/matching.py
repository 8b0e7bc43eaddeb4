"""Finding one patient whom the reader does not see, by what only somebody at the bedside knows exactly.

Either a Study Instance UID, or two identifiers that agree. Nothing is found by a part of anything, and whoever matches
more than one patient matches nobody: the answer never helps to guess.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q

from imaging.dicom import person_name
from imaging.studies.models import Patient, Study

#: How many identifiers must agree where no UID is given.
ENOUGH: Final = 2
#: Patients whose names hold the words of a name and whose other identifiers fit: with so many nobody is named.
_MOST_NEAR: Final = 200
_MOST_WORDS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody knows of a patient; empty for what they do not. ``issuer`` only says whose number ``patient_id`` is."""

    study_instance_uid: str = ""
    patient_id: str = ""
    issuer: str = ""
    accession_number: str = ""
    name: str = ""
    birth_date: dt.date | None = None

    @property
    def identifiers(self) -> list[str]:
        """Which identifiers are given, by name."""
        given = {
            "study_instance_uid": bool(self.study_instance_uid),
            "patient_id": bool(self.patient_id),
            "accession_number": bool(self.accession_number),
            "name": bool(_words(self.name)),
            "birth_date": self.birth_date is not None,
        }
        return [name for name, is_given in given.items() if is_given]

    @property
    def is_enough(self) -> bool:
        """Whether this can name one patient: a UID, or two identifiers."""
        return bool(self.study_instance_uid) or len(self.identifiers) >= ENOUGH


@dataclass(frozen=True, slots=True)
class Match:
    """The one patient that fits; ``study`` where a UID or an accession number named one."""

    patient: Patient
    study: Study | None


def exact_match(asked: Asked, *, with_protected: bool = False) -> Match | None:
    """Return the one patient with images who fits all that is given; None for nobody, for several, for too little.

    Patients and studies that a label protects are found only ``with_protected``: that is for emergencies alone. Found or
    not, the same statements are run. What the asker may know of the answer is for the caller to decide.
    """
    shown = Study.objects.filter(instance_count__gt=0)
    if not with_protected:
        shown = shown.filter(sensitivity="")
    named = _named(asked)
    of_patient = shown.filter(named, patient=OuterRef("pk"))
    rule = Q(Exists(of_patient)) & _of_patient(asked)
    near = list(Patient.objects.filter(rule).order_by("pk")[:_MOST_NEAR]) if asked.is_enough else []
    patients = [entry for entry in near if not asked.name or _is_called(entry, asked.name)]
    patient = patients[0] if len(patients) == 1 and len(near) < _MOST_NEAR else None
    studies = list(shown.filter(named, patient_id=patient.pk if patient else 0)[:1]) if named else []
    if patient is None:
        return None
    return Match(patient, studies[0] if studies else None)


def _named(asked: Asked) -> Q:
    """The condition on a study that what names it agrees."""
    named = Q()
    if asked.study_instance_uid:
        named &= Q(study_instance_uid=asked.study_instance_uid)
    if asked.accession_number:
        named &= Q(accession_number=asked.accession_number)
    return named


def _of_patient(asked: Asked) -> Q:
    rule = Q()
    if asked.patient_id:
        rule &= Q(patient_id=asked.patient_id)
    if asked.issuer:
        rule &= Q(issuer_of_patient_id=asked.issuer)
    for word in _words(asked.name):
        rule &= Q(name_norm__contains=word)
    if asked.birth_date is not None:
        rule &= Q(birth_date=asked.birth_date)
    return rule


def _words(text: str) -> list[str]:
    """The words of a typed name as names are kept, of which there may be a few."""
    return person_name.normalised(text).split()[:_MOST_WORDS]


def _is_called(patient: Patient, text: str) -> bool:
    """Whether a typed name is the whole name in one of its writings, in any order; titles and middle names may be missing."""
    typed = sorted(person_name.normalised(text).split())
    name = person_name.parse(patient.patient_name)
    whole = [sorted(patient.name_norm.split())]
    for group in (name.alphabetic, name.ideographic, name.phonetic):
        if group.family and group.given:
            whole.append(_sorted(group.family, group.given))
            whole.append(_sorted(group.family, group.given, group.middle))
    return typed in whole


def _sorted(*parts: str) -> list[str]:
    return sorted(person_name.normalised(" ".join(parts)).split())
