"""The only writer of audit events.

Services call it inside their own transaction: what is rolled back leaves no event. An insert that
fails alone goes to the spool with an alarm and the work goes on; an export says ``fail_closed``.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.audit import coalescing, context, spool
from accounts.audit.actions import Action, Outcome
from accounts.audit.models import AuditEvent

logger = logging.getLogger("accounts.audit")

#: Longest text of a field, and longest JSON of a detail; what comes from DICOM or HL7 is hostile.
TEXT_LIMIT: Final = 256
DETAIL_LIMIT: Final = 16_384
READ_WINDOW: Final = timedelta(minutes=5)


class AuditUnavailable(Exception):
    """An event could be written neither to the table nor, where that is allowed, to the spool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to record. ``subject_uid`` is a UID or a primary key as text."""

    action: Action
    actor: Actor
    subject_type: str = ""
    subject_uid: str = ""
    patient_id: str = ""
    outcome: str = Outcome.SUCCESS
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(
    action: Action,
    *,
    actor: Actor,
    subject_type: str = "",
    subject_uid: str = "",
    patient_id: str = "",
    outcome: str = Outcome.SUCCESS,
    detail: Mapping[str, Any] | None = None,
    fail_closed: bool = False,
) -> None:
    """Record one event.

    Raises :class:`AuditUnavailable` when it cannot be inserted and ``fail_closed`` is set (exports),
    or when it can be neither inserted nor spooled.
    """
    entry = Entry(
        action=action,
        actor=actor,
        subject_type=subject_type,
        subject_uid=subject_uid,
        patient_id=patient_id,
        outcome=outcome,
        detail=detail or {},
    )
    record_many([entry], fail_closed=fail_closed)


def record_many(entries: Iterable[Entry], *, fail_closed: bool = False) -> None:
    """Record several events with one insert; same errors as :func:`record`."""
    events = [_event(entry) for entry in entries]
    if not events:
        return
    try:
        # A savepoint, so that a failed insert does not take the caller's transaction with it.
        with transaction.atomic():
            AuditEvent.objects.bulk_create(events, batch_size=1000)
    except (DatabaseError, InterfaceError) as error:
        if fail_closed:
            raise AuditUnavailable("The audit cannot be written.") from error
        _spool(events, error)


def record_read(
    action: Action,
    *,
    actor: Actor,
    subject_type: str,
    subject_uid: str,
    patient_id: str = "",
    detail: Mapping[str, Any] | None = None,
    window: timedelta = READ_WINDOW,
) -> bool:
    """Record that something was read, once per actor, action, subject and window.

    Returns whether an event was written. A process remembers what it wrote (or found written) once
    the transaction has committed; processes agree by a lock in the database.
    """
    key = coalescing.Key(actor.kind, actor.id, str(action), subject_type, subject_uid)
    if coalescing.recently_recorded(key, window):
        return False
    try:
        with transaction.atomic():
            written = not coalescing.lock_and_find(key, since=timezone.now() - window)
            if written:
                record(
                    action,
                    actor=actor,
                    subject_type=subject_type,
                    subject_uid=subject_uid,
                    patient_id=patient_id,
                    detail=detail,
                )
            transaction.on_commit(lambda: coalescing.remember(key))
    except (DatabaseError, InterfaceError) as error:
        entry = Entry(
            action=action,
            actor=actor,
            subject_type=subject_type,
            subject_uid=subject_uid,
            patient_id=patient_id,
            detail=detail or {},
        )
        _spool([_event(entry)], error)
        return True
    return written


def _spool(events: list[AuditEvent], error: BaseException) -> None:
    try:
        for event in events:
            spool.write(event)
    except OSError as disk:
        logger.critical("AUDIT ALARM: %d events can be neither inserted nor spooled.", len(events))
        raise AuditUnavailable("The audit cannot be written.") from disk
    # The error's class only: its text may quote the row.
    logger.critical(
        "AUDIT ALARM: %d events spooled, because the insert failed (%s).",
        len(events),
        type(error).__name__,
    )


def _event(entry: Entry) -> AuditEvent:
    here = context.current()
    return AuditEvent(
        at=timezone.now(),
        action=Action(entry.action).value,
        outcome=Outcome(entry.outcome).value,
        actor_kind=entry.actor.kind,
        actor_id=_text(entry.actor.id),
        actor_name=_text(entry.actor.name),
        address=_text(entry.actor.address or here.address),
        door=_text(entry.actor.door or here.door),
        request_id=_text(entry.actor.request_id or here.request_id),
        subject_type=_text(entry.subject_type),
        subject_uid=_text(entry.subject_uid),
        patient_id=_text(entry.patient_id),
        detail=_detail(entry.detail),
    )


def _text(value: object) -> str:
    """Return text that PostgreSQL accepts: no NUL, no lone surrogate, no more than the limit."""
    clean = str(value).replace("\x00", "\N{REPLACEMENT CHARACTER}")
    return clean.encode("utf-8", "replace").decode("utf-8")[:TEXT_LIMIT]


def _detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail as plain JSON that PostgreSQL accepts, or a note that it was too long."""
    clean = _plain(detail, depth=0)
    length = len(json.dumps(clean))
    if length > DETAIL_LIMIT:
        return {"truncated": True, "length": length}
    return dict(clean)


def _plain(value: Any, *, depth: int) -> Any:
    if isinstance(value, bool | int | None):
        return value
    if depth < 6:
        if isinstance(value, Mapping):
            return {_text(key): _plain(item, depth=depth + 1) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [_plain(item, depth=depth + 1) for item in value]
    # Floats too: NaN and infinities are no JSON.
    return str(value).replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
