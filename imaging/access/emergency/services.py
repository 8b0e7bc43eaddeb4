"""Opening a patient's record in an emergency, closing it, and judging it afterwards. Each in one transaction with its audit."""

import datetime as dt
from typing import Final
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from accounts import audit, throttling
from accounts import selectors as people
from accounts import services as accounts
from accounts.actor import Actor
from accounts.models import Department, Site, User
from accounts.roles import Capability
from imaging import queues
from imaging.access import matching
from imaging.access.emergency import notices, selectors
from imaging.access.emergency.models import EmergencyAccess, EmergencyReview, Verdict
from imaging.access.matching import Asked
from imaging.studies import services as studies
from imaging.studies.models import Grant, Patient

#: Attempts of one person in a minute: more than anybody makes who types.
ATTEMPTS: Final = 10


class NobodyFound(LookupError):
    """No patient fits what was typed, or more than one does."""


class TooOften(Exception):
    """More attempts in a minute than a person makes; ``wait`` says for how many seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(wait)
        self.wait = wait


class NotAllowed(PermissionError):
    """The person may not do that."""


class StillOpen(ValueError):
    """A record that is open is not judged yet."""


def start(
    *,
    user: User,
    actor: Actor,
    asked: Asked,
    reason: str,
    purpose: str,
    form_key: UUID,
    not_after: dt.datetime | None = None,
    said_name: str = "",
) -> EmergencyAccess:
    """Open one patient's record to one person, until the rules' minutes are over or ``not_after`` (the scope's own end).

    A form that is sent twice opens once; a record that is open already stays as it is. More than the usual number in an
    hour is an alarm and no refusal. Raises :class:`NotAllowed`, :class:`NobodyFound` and :class:`TooOften`.
    """
    departments = people.capabilities_by_department(user).get(Capability.BREAK_GLASS)
    if not departments:
        raise NotAllowed(Capability.BREAK_GLASS.value)
    _slow_down(actor)
    match = matching.exact_match(asked, with_protected=True)
    if match is None:
        _record_nobody(actor, asked)
        raise NobodyFound
    with transaction.atomic():
        # One opening of a person at a time: two forms sent at once are counted, and open once.
        User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user.pk)
        sent = selectors.by_form(user, form_key)
        known = sent if sent and sent.patient_id == match.patient.pk else selectors.active_about(user, match.patient)
        if known is not None:
            return known
        if sent is not None:
            form_key = uuid4()  # the form of before, filled in for another patient: never led to the first one
        holder = accounts.own_place_of(user, site=_site_of(departments))
        terms = _terms(user, asked, reason=reason, purpose=purpose, form_key=form_key, said_name=said_name)
        made = _open(terms, match.patient, holder, actor=actor, not_after=not_after)
        _record_start(made, actor, asked)
        transaction.on_commit(lambda: queues.hurry(queues.FOLLOW_UP_EMERGENCIES))
    return made


def end(emergency: EmergencyAccess, *, user: User, actor: Actor) -> bool:
    """Close a record at once, at every door: one's own, or as a privacy officer anybody's. False when it is closed already.

    Raises :class:`NotAllowed`.
    """
    is_own = emergency.user_id == user.pk
    if not is_own and not people.is_capable(user, Capability.REVIEW_BREAK_GLASS):
        raise NotAllowed(Capability.REVIEW_BREAK_GLASS.value)
    with transaction.atomic():
        held = EmergencyAccess.objects.select_for_update(of=("self",)).select_related("grant").get(pk=emergency.pk)
        if not held.is_active:
            return False
        held.ended_at = timezone.now()
        held.ended_by = user
        held.ended_how = EmergencyAccess.Ended.PERSON if is_own else EmergencyAccess.Ended.OFFICER
        held.save(update_fields=["ended_at", "ended_by", "ended_how"])
        studies.end_grant(held.grant, actor=actor)
        _record_end(held, actor)
    return True


def review(emergency: EmergencyAccess, *, user: User, actor: Actor, verdict: Verdict, note: str) -> EmergencyReview:
    """Judge an access that has ended, and tell the person. Raises :class:`NotAllowed` for one's own, :class:`StillOpen`."""
    if emergency.user_id == user.pk or not people.is_capable(user, Capability.REVIEW_BREAK_GLASS):
        raise NotAllowed(Capability.REVIEW_BREAK_GLASS.value)
    with transaction.atomic():
        held = EmergencyAccess.objects.select_for_update(of=("self",)).select_related("user", "patient")
        judged = held.get(pk=emergency.pk)
        if judged.is_active:
            raise StillOpen
        made = EmergencyReview.objects.create(emergency=judged, verdict=verdict, note=note, reviewer=user)
        judged.verdict = verdict
        judged.save(update_fields=["verdict"])
        _record(
            audit.Action.EMERGENCY_REVIEWED, judged, actor, {"verdict": verdict.value, "of": judged.user.get_username()}
        )
        notices.tell_verdict(judged)
    return made


def follow_up() -> None:
    """Tell the privacy officers of what was opened and of reviews that are late; write down what has run out."""
    _note_run_out()
    with transaction.atomic():
        untold = EmergencyAccess.objects.filter(told_at=None).select_for_update(skip_locked=True)
        fresh = list(untold.order_by("started_at")[:200])
        EmergencyAccess.objects.filter(pk__in=[row.pk for row in fresh]).update(told_at=timezone.now())
        if fresh:
            notices.tell_started(fresh)
    with transaction.atomic():
        late = EmergencyAccess.objects.overdue(timezone.now()).filter(reminded_at=None)
        locked = list(late.select_for_update(skip_locked=True).values_list("pk", flat=True)[:1000])
        EmergencyAccess.objects.filter(pk__in=locked).update(reminded_at=timezone.now())
        if locked:
            notices.tell_overdue(len(locked))


def _note_run_out() -> None:
    """The doors closed by themselves at that moment (the placements end); this writes it down."""
    with transaction.atomic():
        over = EmergencyAccess.objects.run_out().select_for_update(skip_locked=True, of=("self",))
        for held in over.select_related("user", "patient")[:200]:
            held.ended_at, held.ended_how = held.until, EmergencyAccess.Ended.TIME
            held.save(update_fields=["ended_at", "ended_how"])
            _record_end(held, Actor(kind="user", id=str(held.user_id), name=held.user.get_username()))


def _terms(user: User, asked: Asked, *, reason: str, purpose: str, form_key: UUID, said_name: str) -> EmergencyAccess:
    return EmergencyAccess(
        id=uuid4(),
        user=user,
        form_key=form_key,
        purpose=purpose,
        reason=reason[:500],
        found_by=",".join(asked.identifiers)[:100],
        said_name=said_name[:150],
    )


def _open(
    made: EmergencyAccess, patient: Patient, holder: Department, *, actor: Actor, not_after: dt.datetime | None
) -> EmergencyAccess:
    """Grant and keep it; ``made`` has everything but the patient, the grant and its moments."""
    rules = selectors.policy()
    now = timezone.now()
    until = now + dt.timedelta(minutes=rules.minutes)
    made.patient = patient
    made.started_at = now
    made.until = min(until, not_after) if not_after is not None else until
    made.review_due_at = made.until + dt.timedelta(hours=rules.review_hours)
    made.is_unusual = selectors.is_unusual(made.user, rules)
    made.grant = studies.grant(
        patient,
        holder=holder,
        gives=Grant.Gives.EMERGENCY,
        basis=Grant.Basis.EMERGENCY,
        actor=actor,
        until=made.until,
        # What every reading under it says in the audit (`imaging.studies.access`).
        reason=made.purpose,
        source=f"emergency:{made.pk}",
    )
    made.save(force_insert=True)
    return made


def _site_of(departments: frozenset[int]) -> Site:
    """The site of the departments in which the person may break the glass."""
    return people.departments_named(departments)[0].site


def _record_start(made: EmergencyAccess, actor: Actor, asked: Asked) -> None:
    detail = {
        "purpose_of_use": made.purpose,
        "reason": made.reason,
        "until": made.until,
        "found_by": asked.identifiers,
        **({"said_name": made.said_name} if made.said_name else {}),
    }
    _record(audit.Action.EMERGENCY_STARTED, made, actor, detail)
    if made.is_unusual:
        _record(audit.Action.SECURITY_ALERTED, made, actor, {"reason": "unusually many emergency accesses"})


def _record_end(held: EmergencyAccess, actor: Actor) -> None:
    _record(audit.Action.EMERGENCY_ENDED, held, actor, {"purpose_of_use": held.purpose, "how": held.ended_how})


def _record(action: audit.Action, held: EmergencyAccess, actor: Actor, detail: dict[str, object]) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="patient",
        subject_uid=str(held.patient_id),
        patient_id=held.patient.patient_id,
        issuer_of_patient_id=held.patient.issuer_of_patient_id,
        detail={"emergency": str(held.pk), **detail},
    )


def _slow_down(actor: Actor) -> None:
    """Let nobody try identifiers by the hundred: it is an alarm, and a minute's wait that the answer names."""
    allowance = throttling.spend(actor, "emergency", limit=ATTEMPTS)
    if allowance is None or not allowance.wait:
        return
    audit.record(
        audit.Action.SECURITY_ALERTED,
        actor=actor,
        outcome=audit.Outcome.REFUSED,
        detail={"reason": "many attempts at an emergency access", "limit": ATTEMPTS},
    )
    raise TooOften(allowance.wait)


def _record_nobody(actor: Actor, asked: Asked) -> None:
    """What was asked for stands in the audit by kind, not by value: it may be a stranger's number, mistyped."""
    audit.record(
        audit.Action.EMERGENCY_REFUSED,
        actor=actor,
        subject_type="patient",
        outcome=audit.Outcome.REFUSED,
        detail={"asked_by": asked.identifiers},
    )
