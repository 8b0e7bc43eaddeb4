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
            "name": bool(_names(self.name)),
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
    patients = list(Patient.objects.filter(rule)[:2]) if asked.is_enough else []
    patient = patients[0] if len(patients) == 1 else None
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
    if names := _names(asked.name):
        rule &= Q(name_norm__in=names)
    if asked.birth_date is not None:
        rule &= Q(birth_date=asked.birth_date)
    return rule


def _names(text: str) -> list[str]:
    """A typed name as it is kept, family name first or last."""
    words = person_name.normalised(text).split()
    return list(dict.fromkeys(" ".join((*words[at:], *words[:at])) for at in range(len(words))))[:6]
