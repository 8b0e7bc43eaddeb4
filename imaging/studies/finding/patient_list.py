"""Patients whose studies a reader may list: found by name, number and birth date; opened one by one, on record."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Prefetch, Q, QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.studies.access import StudyNotVisible
from imaging.studies.models import Patient, Placement, Study

_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class PatientFilters:
    """What is asked for; all of it holds. ``search`` are words of the name, or the beginning of a patient ID."""

    search: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    birth_date: date | None = None


def patients(scope: Scope, filters: PatientFilters) -> QuerySet[Patient]:
    """The patients with a study that ``scope`` may list."""
    rows = Patient.objects.visible_to(scope)
    for word in filters.search.replace("\x00", "").split()[:_MOST_WORDS]:
        wanted = Q(patient_id__startswith=word)
        parts = person_name.normalised(word).split()
        if parts:
            named = Q()
            for part in parts:
                named &= Q(name_norm__contains=part)
            wanted |= named
        rows = rows.filter(wanted)
    if filters.patient_id:
        rows = rows.filter(patient_id=filters.patient_id.replace("\x00", "\N{REPLACEMENT CHARACTER}"))
    if filters.issuer_of_patient_id:
        issuer = filters.issuer_of_patient_id.replace("\x00", "\N{REPLACEMENT CHARACTER}")
        rows = rows.filter(issuer_of_patient_id=issuer)
    return rows if filters.birth_date is None else rows.filter(birth_date=filters.birth_date)


def open_patient(scope: Scope, pk: int, *, actor: Actor) -> Patient:
    """One patient, for a reader who may list a study of theirs; the reading is on record.

    Raises ``StudyNotVisible`` for a stranger as for a patient who does not exist.
    """
    patient = Patient.objects.visible_to(scope).filter(pk=pk).first()
    if patient is None:
        raise StudyNotVisible(str(pk))
    audit.record_read(
        audit.Action.METADATA_READ,
        actor=actor,
        subject_type="patient",
        subject_uid=str(patient.pk),
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
    )
    return patient


def studies_of(patient: Patient, *, scope: Scope) -> QuerySet[Study]:
    """The studies of a patient that ``scope`` may list; ``own_placements`` of each are those in the reader's departments."""
    places = Placement.objects.visible_to(scope).select_related("department").order_by("placed_at", "pk")
    own = Prefetch("placements", queryset=places, to_attr="own_placements")
    return Study.objects.visible_to(scope).filter(patient=patient).select_related("patient").prefetch_related(own)
