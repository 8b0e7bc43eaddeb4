"""Telling that something happened, in the transaction in which it happened (transactional outbox, DESIGN 4.3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from imaging import queues
from imaging.events.models import Event

# One pending row per kind and subject: more of the same only moves its due time, and so makes "quiet for a while".
_UPSERT = """
    INSERT INTO imaging_event (kind, subject_uid, created_at, due_at)
    SELECT kind, subject_uid, clock_timestamp(), clock_timestamp() + due_in * interval '1 second'
    FROM unnest(%s::text[], %s::text[], %s::float8[]) AS happened (kind, subject_uid, due_in)
    ON CONFLICT (kind, subject_uid) WHERE drained_at IS NULL
    DO UPDATE SET due_at = greatest(imaging_event.due_at, EXCLUDED.due_at)
"""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event to append. ``kind`` is one of ``Event.Kind``; ``due_in`` is in seconds from now."""

    kind: str
    subject_uid: str
    due_in: float = 0.0


def append(*, kind: str, subject_uid: str, due_in: float = 0.0) -> None:
    """Append one event; see ``append_many``."""
    append_many([Happened(kind, subject_uid, due_in)])


def append_many(events: Iterable[Happened]) -> None:
    """Append events with one statement; a pending one of the same kind and subject is put off to the later due time.

    Once the transaction is committed a worker is woken, if anything is due already. Without a broker nothing is lost:
    the rows wait for the next periodic drain.
    """
    # Sorted, so that two writers lock shared rows in the same order; of equals the last one due counts.
    latest: dict[tuple[str, str], float] = {}
    for event in events:
        key = (event.kind, event.subject_uid)
        latest[key] = max(event.due_in, latest.get(key, event.due_in))
    if not latest:
        return
    keys = sorted(latest)
    with connection.cursor() as cursor:
        cursor.execute(
            _UPSERT, [[str(kind) for kind, _ in keys], [uid for _, uid in keys], [float(latest[key]) for key in keys]]
        )
    if any(due_in <= 0 for due_in in latest.values()):
        transaction.on_commit(queues.wake, robust=True)


def hasten(*, kind: str, subject_uid: str) -> bool:
    """Let a pending event be due now: there is nothing left to wait for. False when none is pending."""
    now = timezone.now()
    waiting = Event.objects.filter(kind=kind, subject_uid=subject_uid, drained_at=None, due_at__gt=now)
    hastened = waiting.update(due_at=now) > 0
    if hastened:
        transaction.on_commit(queues.wake, robust=True)
    return hastened


_TAKE = """
    UPDATE imaging_event SET drained_at = clock_timestamp()
    WHERE id IN (SELECT id FROM imaging_event WHERE drained_at IS NULL AND due_at <= clock_timestamp()
                 ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING due_at, kind, subject_uid
"""


def take_due(*, limit: int = 200) -> list[Happened]:
    """Take the events that are due, each once, the first due first: call it in the transaction that queues what follows."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        return [Happened(kind, subject_uid) for _due_at, kind, subject_uid in sorted(cursor.fetchall())]


def prune(*, days: int = 30) -> int:
    """Forget events that were drained long ago. How many."""
    return Event.objects.filter(drained_at__lt=timezone.now() - timedelta(days=days)).delete()[0]
