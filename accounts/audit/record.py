"""The only writer of audit events.

Services call it inside their own transaction: what is rolled back leaves no event. An insert that
fails alone goes to the spool with an alarm and the work goes on; an export says ``fail_closed``.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, Unpack

from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from accounts.actor import Actor
from accounts.audit import coalescing, context, spool, table
from accounts.audit.actions import Action, Outcome
from accounts.audit.models import uuid7

logger = logging.getLogger("accounts.audit")

#: Longest text of a field, and longest JSON of a detail; what comes from DICOM or HL7 is hostile.
TEXT_LIMIT: Final = 256
DETAIL_LIMIT: Final = 16_384
READ_WINDOW: Final = timedelta(minutes=5)
_AT_ONCE: Final = 1000


class AuditUnavailable(Exception):
    """An event could be written neither to the table nor, where that is allowed, to the spool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event to record. ``subject_uid`` is a UID or a primary key as text.

    ``issuer_of_patient_id`` says whose number the patient ID is. ``departments`` are codes of the departments for which
    the actor works; without them the database adds those of a person's memberships, or of a machine's key.
    """

    action: Action
    actor: Actor
    subject_type: str = ""
    subject_uid: str = ""
    patient_id: str = ""
    issuer_of_patient_id: str = ""
    departments: tuple[str, ...] | None = None
    outcome: str = Outcome.SUCCESS
    detail: Mapping[str, Any] = field(default_factory=dict)


class Fields(TypedDict, total=False):
    """What an event says beside its action and actor; as in :class:`Entry`."""

    subject_type: str
    subject_uid: str
    patient_id: str
    issuer_of_patient_id: str
    departments: tuple[str, ...] | None
    outcome: str
    detail: Mapping[str, Any]


def record(action: Action, *, actor: Actor, fail_closed: bool = False, **fields: Unpack[Fields]) -> None:
    """Record one event; the fields are those of :class:`Entry`.

    Raises :class:`AuditUnavailable` when it cannot be inserted and ``fail_closed`` is set (exports),
    or when it can be neither inserted nor spooled.
    """
    record_many([Entry(action=action, actor=actor, **fields)], fail_closed=fail_closed)


def record_many(entries: Iterable[Entry], *, fail_closed: bool = False) -> None:
    """Record several events with one insert; same errors as :func:`record`."""
    rows = [_row(entry) for entry in entries]
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        try:
            refused = table.write(some)
        except (DatabaseError, InterfaceError) as error:
            refused = type(error).__name__
        if refused and fail_closed:
            raise AuditUnavailable("The audit cannot be written.")
        if refused:
            _spool(some, refused)


def record_read(
    action: Action,
    *,
    actor: Actor,
    window: timedelta = READ_WINDOW,
    begun: datetime | None = None,
    **fields: Unpack[Fields],
) -> bool:
    """Record that something was read, once per actor, action, subject and window.

    ``begun`` is when an occasion of its own began, such as an emergency: a reading of before is another one. Returns
    whether an event was written. A process remembers what it wrote (or found written) once the transaction has committed;
    processes agree by a lock in the database.
    """
    entry = Entry(action=action, actor=actor, **fields)
    occasion = begun.isoformat() if begun else ""
    key = coalescing.Key(actor.kind, actor.id, str(action), entry.subject_type, entry.subject_uid, occasion)
    if coalescing.recently_recorded(key, window):
        return False
    row = _row(entry)
    since = timezone.now() - window
    try:
        said = table.write_once(row, lock=coalescing.lock_of(key), since=max(since, begun) if begun else since)
    except (DatabaseError, InterfaceError) as error:
        said = type(error).__name__
    if said in {"", table.KNOWN}:
        transaction.on_commit(lambda: coalescing.remember(key))
    else:
        _spool([row], said)
    return said != table.KNOWN


def _spool(rows: list[table.Row], refused: str) -> None:
    try:
        for row in rows:
            spool.write(row)
    except OSError as disk:
        logger.critical("AUDIT ALARM: %d events can be neither inserted nor spooled.", len(rows))
        raise AuditUnavailable("The audit cannot be written.") from disk
    # What kind of error only: its text may quote the row.
    logger.critical(
        "AUDIT ALARM: %d events spooled, because the insert failed (%s).",
        len(rows),
        refused,
    )


def _row(entry: Entry) -> table.Row:
    here = context.current()
    return {
        "id": str(uuid7()),
        "at": timezone.now().isoformat(),
        "action": Action(entry.action).value,
        "outcome": Outcome(entry.outcome).value,
        "actor_kind": entry.actor.kind,
        "actor_id": _text(entry.actor.id),
        "actor_name": _text(entry.actor.name),
        "address": _text(entry.actor.address or here.address),
        "door": _text(entry.actor.door or here.door),
        "request_id": _text(entry.actor.request_id or here.request_id),
        "subject_type": _text(entry.subject_type),
        "subject_uid": _text(entry.subject_uid),
        "patient_id": _text(entry.patient_id),
        "issuer_of_patient_id": _text(entry.issuer_of_patient_id),
        "departments": None if entry.departments is None else [_text(code) for code in entry.departments],
        "detail": _detail(entry.detail or {}),
    }


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
