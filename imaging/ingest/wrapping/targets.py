"""Where wrapped objects go: a study that exists, as the archive describes it now, or a new one of a patient."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Max

from imaging.dicom import uids
from imaging.dicom.wrapping.facts import PatientFacts, StudyFacts
from imaging.ingest import selectors
from imaging.studies.models import Patient, Series, Study

#: Series of our own begin here, away from those of a modality that may still send.
_FIRST_SERIES = 9001


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A patient and a study as headers name them. ``identity_decided``: a person has picked a patient whom we know."""

    patient: PatientFacts
    study: StudyFacts
    first_series_number: int = _FIRST_SERIES
    identity_decided: bool = False


def into(study: Study, *, zone: ZoneInfo) -> Target:
    """An existing study: patient and study attributes are the archive's current ones, corrections included."""
    last = Series.objects.filter(study=study).aggregate(last=Max("series_number"))["last"] or 0
    facts = StudyFacts(
        study_instance_uid=study.study_instance_uid,
        study_at=study.study_at.astimezone(zone) if study.study_time_known else None,
        accession_number=study.accession_number,
        study_id=study.study_id,
        description=study.description,
        referring_physician_name=study.referring_physician_name,
    )
    number = min(max(last + 1, _FIRST_SERIES), 2**31 - 2)
    return Target(patient=patient_facts(study.patient), study=facts, first_series_number=number, identity_decided=True)


def new_study(
    patient: PatientFacts,
    *,
    study_at: datetime,
    time_is_known: bool,
    description: str,
    accession_number: str,
    identity_decided: bool,
) -> Target:
    """A new study; ``study_at`` is aware, in the hospital's zone."""
    facts = StudyFacts(
        study_instance_uid=uids.new_uid(),
        study_at=study_at,
        time_is_known=time_is_known,
        accession_number=accession_number,
        # A disc's index needs one.
        study_id=accession_number or "1",
        description=description,
    )
    return Target(patient=patient, study=facts, identity_decided=identity_decided)


def patient_facts(patient: Patient) -> PatientFacts:
    """A patient as the archive knows the person now."""
    return PatientFacts(
        patient_name=patient.patient_name,
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        birth_date=patient.birth_date,
        sex=patient.sex,
    )


def zone_of(department_ids: frozenset[int]) -> ZoneInfo:
    """The time zone of the site of these departments."""
    return selectors.home_of(department_ids).zone


def issuer_of(department_id: int) -> str:
    """Who numbers the patients of a department's site."""
    return selectors.home_of([department_id]).issuer_of_patient_id
