"""Writes to the register of requests: each with its line and its audit, in one transaction."""

import datetime as dt

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.privacy.models import CorrectionTask, DataSubjectRequest, RequestLine
from imaging.privacy.officers import name_of
from imaging.privacy.requests import policies
from imaging.studies import oppositions
from imaging.studies import services as studies
from imaging.studies.models import Grant, Patient, PatientChoice


class AlreadyDecided(Exception):
    """Somebody else was quicker: nothing was changed."""


class NotFromHere(PermissionError):
    """The person does not have this patient, or may not change them."""


def record_request(
    subject: Patient | User,
    *,
    kind: str,
    asked_by: str,
    identity_checked: str,
    wish: str,
    received_on: dt.date,
    actor: Actor,
) -> DataSubjectRequest:
    """Write a request into the register; it is due in a month."""
    with transaction.atomic():
        made = DataSubjectRequest.objects.create(
            kind=kind,
            patient=subject if isinstance(subject, Patient) else None,
            account=subject if isinstance(subject, User) else None,
            asked_by=asked_by,
            identity_checked=identity_checked,
            wish=wish,
            received_on=received_on,
            due_on=policies.due_on(received_on),
            recorded_by=name_of(actor),
        )
        note(made, RequestLine.What.RECORDED, actor=actor)
        _record(audit.Action.PRIVACY_REQUEST_RECORDED, made, actor)
    return made


def extend(request: DataSubjectRequest, *, because: str, actor: Actor) -> None:
    """Give an open request two more months, once. Raises :class:`AlreadyDecided`."""
    with transaction.atomic():
        held = _open(request)
        if held.extended_because:
            raise AlreadyDecided
        held.extended_because = because
        held.due_on = policies.due_on(held.received_on, extended=True)
        held.save(update_fields=["extended_because", "due_on"])
        note(held, RequestLine.What.EXTENDED, because, actor=actor)
        _record(audit.Action.PRIVACY_REQUEST_ANSWERED, held, actor, extended=True)


def close(request: DataSubjectRequest, *, state: str, answer: str, actor: Actor) -> None:
    """Say what was answered, or why not. Raises :class:`AlreadyDecided`."""
    with transaction.atomic():
        held = _open(request)
        held.state = state
        held.answer = answer
        held.answered_at = timezone.now()
        held.answered_by = name_of(actor)
        held.save(update_fields=["state", "answer", "answered_at", "answered_by"])
        note(held, RequestLine.What.CLOSED, held.get_state_display(), actor=actor)
        _record(audit.Action.PRIVACY_REQUEST_ANSWERED, held, actor, state=state)


def note(request: DataSubjectRequest, what: str, text: str = "", *, actor: Actor) -> None:
    """Write down that something was done about a request."""
    RequestLine.objects.create(request=request, what=what, note=text[:500], by=name_of(actor))


def ask_for_correction(
    request: DataSubjectRequest, *, field: str, wanted: str, evidence: str, actor: Actor
) -> CorrectionTask:
    """Ask the people who may correct identities, and have this patient, to put something right."""
    if request.patient is None:
        raise NotFromHere
    with transaction.atomic():
        held = _open(request)
        made = CorrectionTask.objects.create(
            request=held,
            patient=request.patient,
            field=field,
            wanted=wanted,
            evidence=evidence,
            asked_by=name_of(actor),
        )
        note(held, RequestLine.What.CORRECTION, made.get_field_display(), actor=actor)
        _record(audit.Action.CORRECTION_ASKED, held, actor, task=made.pk, field=field)
    return made


def decide_correction(task: CorrectionTask, *, is_done: bool, reason: str, scope: Scope, actor: Actor) -> None:
    """Say that a correction is done, or why it is not. Raises :class:`NotFromHere` and :class:`AlreadyDecided`."""
    if not Patient.objects.visible_to(scope, Right.WRITE).filter(pk=task.patient_id).exists():
        raise NotFromHere
    with transaction.atomic():
        held = CorrectionTask.objects.select_for_update().select_related("request").get(pk=task.pk)
        if held.state != CorrectionTask.State.OPEN:
            raise AlreadyDecided
        held.state = CorrectionTask.State.DONE if is_done else CorrectionTask.State.REFUSED
        held.reason = reason
        held.decided_at = timezone.now()
        held.decided_by = name_of(actor)
        held.save(update_fields=["state", "reason", "decided_at", "decided_by"])
        what = RequestLine.What.CORRECTED if is_done else RequestLine.What.NOT_CORRECTED
        note(held.request, what, reason, actor=actor)
        _record(audit.Action.CORRECTION_DECIDED, held.request, actor, task=held.pk, state=held.state)


def record_choice(
    patient: Patient,
    *,
    use: str,
    answer: str,
    said_by: str,
    said_on: dt.date,
    evidence: str,
    actor: Actor,
    request: DataSubjectRequest | None = None,
) -> PatientChoice:
    """Record an opposition or consent, and tie it to the request by which it came.

    Opposing that departments share ends what a referring physician was given by rule; what a person decided stays.
    """
    with transaction.atomic():
        made = oppositions.record_choice(
            patient, use=use, answer=answer, said_by=said_by, said_on=said_on, evidence=evidence, actor=actor
        )
        if request is not None:
            text = f"{made.get_use_display()}: {made.get_answer_display()}"
            note(request, RequestLine.What.CHOICE, text, actor=actor)
    if use == PatientChoice.Use.DEPARTMENTS and answer == PatientChoice.Answer.OPPOSED:
        by_rule = Grant.objects.live().filter(
            Q(patient=patient) | Q(study__patient=patient), basis=Grant.Basis.REFERRER
        )
        for held in by_rule.select_related("holder", "patient", "study__patient"):
            studies.end_grant(held, actor=actor)
    return made


def _open(request: DataSubjectRequest) -> DataSubjectRequest:
    held = DataSubjectRequest.objects.select_for_update(of=("self",)).get(pk=request.pk)
    if not held.is_open:
        raise AlreadyDecided
    return held


def _record(action: audit.Action, request: DataSubjectRequest, actor: Actor, **detail: object) -> None:
    patient = request.patient
    audit.record(
        action,
        actor=actor,
        subject_type="privacy_request",
        subject_uid=str(request.pk),
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail={"reference": request.reference, "kind": request.kind, "account": request.account_id, **detail},
    )
