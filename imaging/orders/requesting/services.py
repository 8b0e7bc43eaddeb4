"""Asking for an exam: drafts, sending, changing, cancelling, copying, answering. Each by a person, each on record."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts.models import Department
from imaging.orders import transitions
from imaging.orders.catalogue import selectors as catalogue
from imaging.orders.models import ExamRequest, Procedure, RequestNote, SafetyQuestion
from imaging.orders.requesting import numbering, patients, policies, selectors
from imaging.orders.requesting.policies import Asker, NotComplete
from imaging.orders.transitions import ChangedMeanwhile, NotAllowed
from imaging.orders.workflow import CHANGEABLE, State, Step, TransitionRefused
from imaging.studies.models import Patient

#: What is taken over into a copy: the exam and its question, not who moved or called last time.
_COPIED: Final = (
    *("procedure", "laterality", "clinical_question", "weight_kg", "transport", "precautions", "contact"),
    *("requesting_department", "performing_department", "typed_name", "typed_birth_date", "typed_sex"),
    *("typed_patient_id", "typed_issuer", "patient", "patient_norm"),
)


def begin(person: Asker, *, patient: Patient | None = None, typed: Mapping[str, Any] | None = None) -> ExamRequest:
    """Begin a draft for a patient of the index, or for one as typed."""
    department = Department.objects.filter(pk__in=person.departments).select_related("site").order_by("name").first()
    request = ExamRequest(
        requester=person.user, requester_name=_name_of(person), requesting_department=department, patient=patient
    )
    for name, value in (typed or {}).items():
        setattr(request, name, value)
    if patient is None and department is not None:
        request.typed_issuer = department.site.issuer_of_patient_id if request.typed_patient_id else ""
    request.performing_department = performer_of(None)
    request.patient_norm = patients.norm(request)
    with transaction.atomic():
        request.save()
        transitions.record(request, "begin", before=State.DRAFT, by=person.by)
    return request


def _name_of(person: Asker) -> str:
    return (person.user.display_name or person.user.get_username())[:324]


def performer_of(procedure: Procedure | None) -> Department | None:
    """Who performs an exam unless who asks says otherwise: as the catalogue says, or the one department that does exams."""
    if procedure is not None and procedure.department is not None:
        return procedure.department
    rows = selectors.performers()
    return rows[0] if len(rows) == 1 else None


def asked(request: ExamRequest) -> list[SafetyQuestion]:
    """The questions of safety that go with a request as it is."""
    if request.procedure is None:
        return []
    return catalogue.questions_for(request.procedure, policies.about(request, timezone.localdate()))


def put(request: ExamRequest, changes: Mapping[str, Any]) -> list[str]:
    """Write values into a request that is not saved here; which columns are other than before. A new exam brings its department."""
    changed = [name for name, value in changes.items() if getattr(request, name) != value]
    for name in changed:
        setattr(request, name, changes[name])
    if "procedure" in changed and "performing_department" not in changed:
        performer = performer_of(request.procedure)
        if performer is not None and performer != request.performing_department:
            request.performing_department = performer
            changed.append("performing_department")
    return changed


def put_answers(request: ExamRequest, answers: Mapping[str, Any]) -> bool:
    """Write answers on safety beside those of other exams, which stay until the request is sent; whether they are new."""
    safety: dict[str, Any] = {**request.safety, **answers}
    is_new = bool(safety != request.safety)
    request.safety = safety
    return is_new


def _own(key: uuid.UUID, person: Asker, seen_version: int | None, states: frozenset[State]) -> ExamRequest:
    """The request, locked, as this person may change it now."""
    request = transitions.locked(key)
    if request.requesting_department_id not in person.departments and request.requester_id != person.user.pk:
        raise NotAllowed(key)
    if seen_version is not None and seen_version != request.version:
        raise ChangedMeanwhile(request)
    if request.state not in states:
        raise TransitionRefused(Step.SEND, State(request.state))
    return request


@transaction.atomic
def save(
    person: Asker, key: uuid.UUID, changes: Mapping[str, Any], answers: Mapping[str, Any], *, seen_version: int | None
) -> ExamRequest:
    """Keep a draft as it is typed, or change a request that may still be changed.

    A change of what was sent already is told in its history, and needs all that sending needs. Raises
    ``ChangedMeanwhile``, ``NotAllowed``, ``TransitionRefused`` and ``NotComplete``: then nothing was written.
    """
    request = _own(key, person, seen_version, frozenset(CHANGEABLE))
    changed = put(request, changes)
    if put_answers(request, answers):
        changed.append("safety")
    if not changed:
        return request
    request.version += 1
    if request.state != State.DRAFT:
        _refuse_incomplete(request)
        _settle_answers(request)
        request.save()
        transitions.record(
            request, "change", before=State(request.state), by=person.by, detail={"changed": sorted(changed)}
        )
    else:
        request.save()
    return request


def _refuse_incomplete(request: ExamRequest) -> None:
    if found := policies.missing(request, asked(request)):
        raise NotComplete(found)


def _settle_answers(request: ExamRequest) -> None:
    """Keep the answers to what is asked of this exam; those to questions of another one would mislead."""
    codes = {question.code for question in asked(request)}
    request.safety = {code: kept for code, kept in request.safety.items() if code in codes}


@transaction.atomic
def send(person: Asker, key: uuid.UUID, *, seen_version: int | None) -> ExamRequest:
    """Send a draft: it gets its numbers, and goes to those who vet or book it. Raises as ``save``, and ``NotAllowed``."""
    request = _own(key, person, seen_version, frozenset({State.DRAFT}))
    _refuse_incomplete(request)
    _settle_answers(request)
    department = request.requesting_department
    if department is None or department.pk not in person.departments:
        raise NotAllowed(Step.SEND)
    changes: dict[str, Any] = {"safety": request.safety, **numbering.numbers(department.site).columns()}
    if request.patient is None and (patient := patients.known(request)) is not None:
        changes["patient"] = patient
    request = transitions.take(key, Step.SEND, by=person.by, changes=changes)
    norm = patients.norm(request)
    if norm != request.patient_norm:
        ExamRequest.objects.filter(pk=request.pk).update(patient_norm=norm)
    return request


def cancel(person: Asker, key: uuid.UUID, *, reason: str, seen_version: int | None) -> ExamRequest:
    """Take a request back, or throw a draft away. Raises as ``transitions.take``."""
    return transitions.take(key, Step.CANCEL, by=person.by, reason=reason, seen_version=seen_version)


def acknowledge(person: Asker, key: uuid.UUID, *, seen_version: int | None) -> ExamRequest:
    """Say that the report was read. Raises as ``transitions.take``."""
    return transitions.take(key, Step.ACKNOWLEDGE, by=person.by, seen_version=seen_version)


@transaction.atomic
def answer(person: Asker, key: uuid.UUID, *, text: str, seen_version: int | None) -> ExamRequest:
    """Answer the question with which a request came back; it goes on. Raises as ``transitions.take``."""
    request = transitions.take(key, Step.ANSWER, by=person.by, seen_version=seen_version)
    RequestNote.objects.create(request=request, author=person.user, text=text)
    return request


@transaction.atomic
def note(person: Asker, key: uuid.UUID, *, text: str) -> None:
    """Write a remark on a request, which stands in its history. Raises ``NotAllowed``."""
    request = transitions.locked(key)
    sides = {request.requesting_department_id, request.performing_department_id}
    held = set().union(*person.capabilities.values())
    if not sides & held:
        raise NotAllowed(key)
    RequestNote.objects.create(request=request, author=person.user, text=text)
    transitions.record(request, "note", before=State(request.state), by=person.by)


@transaction.atomic
def copy(person: Asker, request: ExamRequest) -> ExamRequest:
    """Begin a draft like a request that the person sees; safety is asked anew, and so is the urgency."""
    made = ExamRequest(requester=person.user, requester_name=_name_of(person), copied_from=request)
    for name in _COPIED:
        setattr(made, name, getattr(request, name))
    if made.requesting_department_id not in person.departments:
        made.requesting_department = Department.objects.filter(pk__in=person.departments).order_by("name").first()
    if made.procedure is not None and not made.procedure.is_active:
        made.procedure = None
    made.save()
    transitions.record(made, "begin", before=State.DRAFT, by=person.by, detail={"copy_of": str(request.key)})
    return made


@transaction.atomic
def join(person: Asker, key: uuid.UUID, patient: Patient, *, seen_version: int | None) -> ExamRequest:
    """Say which patient of the index a typed one is. Raises as ``save``."""
    request = _own(key, person, seen_version, frozenset({*CHANGEABLE, State.VETTED, State.SCHEDULED}))
    if request.patient is None:
        patients.join(request, patient, by=person.by, reason="chosen by hand")
    return request
