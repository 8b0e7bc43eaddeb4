"""Telling that something happened, in the transaction in which it happened (transactional outbox, DESIGN 4.3)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction

from imaging import queues

# One pending row per kind and subject: more of the same only moves its due time, which is what makes "quiet for a while".
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
        cursor.execute(_UPSERT, [[kind for kind, _ in keys], [uid for _, uid in keys], [latest[key] for key in keys]])
    if any(due_in <= 0 for due_in in latest.values()):
        transaction.on_commit(queues.wake, robust=True)
