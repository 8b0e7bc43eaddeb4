"""Whose exam it is: found in the index within the reader's scope, or typed and joined to the index once both agree."""

from typing import Final

from django.core import signing
from django.db import transaction
from django.db.models import QuerySet

from accounts.actor import SYSTEM
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.orders import transitions
from imaging.orders.models import ExamRequest
from imaging.orders.requesting.policies import Asker
from imaging.orders.transitions import By
from imaging.orders.workflow import State
from imaging.studies.finding.patient_list import PatientFilters
from imaging.studies.finding.patient_list import patients as patients_in
from imaging.studies.models import Patient, Protection, Study

_SALT: Final = "imaging.orders.requesting.patient"
#: Seconds for which a found patient can be chosen.
_CHOSEN_WITHIN: Final = 3600
MOST_FOUND: Final = 20


def found(person: Asker, text: str) -> list[Patient]:
    """The patients whose name or number is like this, among those of whom the reader may list a study."""
    if len(text.strip()) < 2:
        return []
    return list(patients_in(person.scope, PatientFilters(search=text)).order_by("name_norm", "pk")[:MOST_FOUND])


def sealed(person: Asker, patient: Patient) -> str:
    """A patient as a page may carry them: for this person alone, for an hour."""
    return signing.dumps([person.user.pk, patient.pk], salt=_SALT)


def opened(person: Asker, seal: str) -> Patient | None:
    """The patient of a seal, as far as the reader may list a study of theirs still; None for anything else."""
    try:
        user, pk = signing.loads(seal, salt=_SALT, max_age=_CHOSEN_WITHIN)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if user != person.user.pk:
        return None
    return Patient.objects.visible_to(person.scope).filter(pk=pk).first()


def of_study(scope: Scope, study_instance_uid: str) -> Patient | None:
    """The patient of a study that the reader may open."""
    rows = Study.objects.visible_to(scope, Right.VIEW).select_related("patient")
    study = rows.filter(study_instance_uid=study_instance_uid[:64].replace("\x00", "")).first()
    return study.patient if study else None


def norm(request: ExamRequest) -> str:
    """What a request is searched by: name and number of its patient."""
    patient = request.patient
    name = patient.patient_name if patient else request.typed_name
    number = patient.patient_id if patient else request.typed_patient_id
    return f"{person_name.normalised(name)} {person_name.normalised(number)}"[:400]


def known(request: ExamRequest) -> Patient | None:
    """The patient of the index whom a typed one is beyond doubt: same number and issuer, same birth date and family name.

    A protected patient is not joined so: that is the desk's, who may know of the label. What is typed must agree whole, so
    that nobody learns a name from a number.
    """
    if not (request.typed_patient_id and request.typed_issuer and request.typed_birth_date):
        return None
    rows = Patient.objects.filter(patient_id=request.typed_patient_id, issuer_of_patient_id=request.typed_issuer)
    patient = rows.filter(birth_date=request.typed_birth_date).first()
    if patient is None or Protection.objects.live().filter(patient=patient).exists():
        return None
    family = person_name.normalised(person_name.family(request.typed_name))
    return patient if family and family == person_name.normalised(person_name.family(patient.patient_name)) else None


def join(request: ExamRequest, patient: Patient, *, by: By, reason: str = "") -> None:
    """Tie a request, which the caller has locked, to a patient of the index; what was typed is kept in its history."""
    request.patient = patient
    request.patient_norm = norm(request)
    request.version += 1
    request.save(update_fields=["patient", "patient_norm", "version", "changed_at"])
    transitions.record(request, "join_patient", before=State(request.state), by=by, reason=reason)


def part(request: ExamRequest, *, by: By, reason: str = "") -> None:
    """Let go of the patient to whom a request, which the caller has locked, was tied; what was typed holds again."""
    request.patient = None
    request.patient_norm = norm(request)
    request.version += 1
    request.save(update_fields=["patient", "patient_norm", "version", "changed_at"])
    transitions.record(request, "part_patient", before=State(request.state), by=by, reason=reason)


def follow(study_instance_uid: str) -> None:
    """Join typed requests to the patient of a study that has arrived, where both agree. Idempotent."""
    study = Study.objects.select_related("patient").filter(study_instance_uid=study_instance_uid).first()
    if study is None or not study.patient.patient_id:
        return
    for key in _typed_as(study.patient).values_list("key", flat=True):
        with transaction.atomic():
            request = transitions.locked(key)
            if request.patient is None and (patient := known(request)) is not None:
                join(request, patient, by=By(SYSTEM))


def _typed_as(patient: Patient) -> QuerySet[ExamRequest]:
    return ExamRequest.objects.filter(
        patient=None, typed_patient_id=patient.patient_id, typed_issuer=patient.issuer_of_patient_id
    )
