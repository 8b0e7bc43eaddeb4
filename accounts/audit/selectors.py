"""Questions about what was done. Asking is audited by whoever asks."""

from datetime import datetime

from django.db.models import QuerySet

from accounts.audit.models import AuditEvent


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
