"""Questions about what was done. Asking is audited by whoever asks."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from accounts.audit.models import AuditEvent


@dataclass(frozen=True, slots=True)
class Told:
    """One event as a page tells it: ``person`` is the name to show of somebody who has an account, else empty."""

    at: datetime
    action: str
    actor_kind: str
    actor_id: str
    actor_name: str
    person: str
    door: str
    reason: str


def latest_of_subject(
    subject_type: str, subject_uid: str, *, actions: Iterable[str], limit: int, actor_id: str = ""
) -> list[Told]:
    """Return the latest events of these actions about one subject, newest first; of one person when named. Two queries."""
    events = events_of_subject(subject_type, subject_uid).filter(action__in=list(actions), outcome="success")
    if actor_id:
        events = events.filter(actor_kind="user", actor_id=actor_id)
    rows = list(events[:limit])
    ids = {int(row.actor_id) for row in rows if row.actor_kind == "user" and row.actor_id.isdigit()}
    people = get_user_model().objects.in_bulk(ids) if ids else {}
    names = {str(pk): str(user) for pk, user in people.items()}
    return [
        Told(
            at=row.at,
            action=row.action,
            actor_kind=row.actor_kind,
            actor_id=row.actor_id,
            actor_name=row.actor_name,
            person=names.get(row.actor_id, "") if row.actor_kind == "user" else "",
            door=row.door,
            reason=str(row.detail.get("reason", "")),
        )
        for row in rows
    ]


def events_of_patient(
    patient_id: str, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what was done about a patient, newest first."""
    return _between(AuditEvent.objects.exclude(patient_id="").filter(patient_id=patient_id), since, until)


def events_of_actor(
    kind: str, actor_id: str, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what a person, machine or peer did, newest first."""
    return _between(AuditEvent.objects.filter(actor_kind=kind, actor_id=actor_id), since, until)


def events_of_subject(
    subject_type: str, subject_uid: str, *, since: datetime | None = None, until: datetime | None = None
) -> QuerySet[AuditEvent]:
    """Return what was done to one subject, newest first."""
    events = AuditEvent.objects.exclude(subject_uid="").filter(subject_type=subject_type, subject_uid=subject_uid)
    return _between(events, since, until)


def _between(events: QuerySet[AuditEvent], since: datetime | None, until: datetime | None) -> QuerySet[AuditEvent]:
    if since is not None:
        events = events.filter(at__gte=since)
    if until is not None:
        events = events.filter(at__lt=until)
    return events
