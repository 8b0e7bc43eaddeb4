"""Under which names a patient's record was ever seen: today's ID, and those from which studies were corrected."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from accounts.audit import Action
from accounts.audit import selectors as audit
from imaging.dicom import person_name
from imaging.studies.models import Patient, Study

_CORRECTING = (Action.STUDY_CORRECTED, Action.PATIENT_CORRECTED, Action.PATIENTS_MERGED)
#: Patients of one name and birth date that are shown to choose from.
MOST = 20


@dataclass(frozen=True, slots=True)
class Identity:
    """A patient, the IDs that were this patient's before and are nobody's now, and the studies that changed patient."""

    patient: Patient
    earlier_ids: tuple[str, ...]
    #: IDs that studies of this patient had wrongly, and that belong to somebody else.
    mistaken_ids: tuple[str, ...]
    #: Studies that the audit knows by another number too, or by none: asked for by their UID.
    other_studies: tuple[str, ...]


def identity_of(patient: Patient) -> Identity:
    """All under which the patient's record was seen. One question to the audit for each corrected study."""
    corrected = tuple(
        patient.studies.filter(is_corrected=True)
        .order_by("study_instance_uid")
        .values_list("study_instance_uid", flat=True)
    )
    named: set[str] = set()
    for uid in corrected:
        for event in audit.events_of_subject("study", uid).filter(action__in=_CORRECTING):
            named |= {str(event.detail.get("was", "")), event.patient_id}
    named -= {"", patient.patient_id}
    others = set(
        Patient.objects.filter(patient_id__in=named, studies__isnull=False).values_list("patient_id", flat=True)
    )
    others_uids = (
        corrected if patient.patient_id else tuple(patient.studies.values_list("study_instance_uid", flat=True))
    )
    return Identity(patient, tuple(sorted(named - others)), tuple(sorted(others)), others_uids)


def by_number(patient_id: str, issuer: str = "") -> list[Patient]:
    """The patients of exactly this ID, of one issuer when named; else those whose studies once had it."""
    wanted = patient_id.strip()
    if not wanted:
        return []
    within = Q(issuer_of_patient_id=issuer.strip()) if issuer.strip() else Q()
    found = list(Patient.objects.filter(within, patient_id=wanted).order_by("issuer_of_patient_id", "pk")[:MOST])
    if found:
        return found
    uids = audit.events_of_patient(wanted).filter(action__in=_CORRECTING).values_list("subject_uid", flat=True)[:200]
    return _of_studies(set(uids))


def by_name(name: str, born: date) -> list[Patient]:
    """The patients of exactly this name (family name first, as on the card) and birth date; further names may follow."""
    words = person_name.normalised(name)
    if not words:
        return []
    named = Q(name_norm=words) | Q(name_norm__startswith=f"{words} ")
    return list(
        Patient.objects.filter(named, birth_date=born).order_by("issuer_of_patient_id", "patient_id", "pk")[:MOST]
    )


def by_study(study_instance_uid: str) -> list[Patient]:
    """The patient of the study of this UID."""
    wanted = study_instance_uid.strip()
    return _of_studies({wanted}) if wanted else []


def _of_studies(uids: Iterable[str]) -> list[Patient]:
    studies = Study.objects.filter(study_instance_uid__in=list(uids)).values("patient")
    return list(Patient.objects.filter(pk__in=studies).order_by("pk")[:MOST])
