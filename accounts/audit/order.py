"""Reading the audit in the order in which it came to the table, without missing a row.

Numbers are drawn when an event is inserted and become visible when its transaction commits: number 8 may be there before
number 7. Whoever inserts holds a lock of the table until the transaction ends, and has it before a number is drawn. So
reading goes up to the last number drawn once everybody who held the lock at that moment has ended.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Final

from django.db import connection
from django.db.models import QuerySet

from accounts.audit.models import AuditEvent

#: Rows of one question, and how far an empty stretch of numbers is skipped at once.
_PAGE: Final = 1000
_LONGEST_STRETCH: Final = 1 << 30
_PATIENCE: Final = 5.0
_LOOK_EVERY: Final = 0.05
_WRITING: Final = """
    SELECT DISTINCT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted AND pid <> pg_backend_pid()
        AND relation = 'accounts_auditevent'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def last_number() -> int:
    """Return the number that was drawn last; 0 before the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM accounts_auditevent_number_seq")
        return int(cursor.fetchone()[0])


class NotSettled(Exception):
    """A transaction that may hold events is still open: who reads now could miss them. Try again in a minute."""


def settled_through(*, patience: float = _PATIENCE) -> int:
    """Return a number up to which nothing can come any more.

    Raises :class:`NotSettled` when transactions that insert events are still open after ``patience`` seconds.
    """
    last = last_number()
    writing = _writing()
    until = time.monotonic() + patience
    while writing:
        if time.monotonic() >= until:
            raise NotSettled
        time.sleep(_LOOK_EVERY)
        writing &= _writing()
    return last


def _writing() -> set[str]:
    """Return the transactions, but for one's own, that have inserted events and not ended."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITING)
        return {name for (name,) in cursor.fetchall()}


def pages(
    *, after: int, through: int, among: QuerySet[AuditEvent] | None = None
) -> Iterator[tuple[list[AuditEvent], int]]:
    """Yield the events after one number and up to another, in order, page by page, with the number reached.

    Only those ``among`` a query, where one is given. A page may be empty: the number still moves on.
    """
    rows = AuditEvent.objects.all() if among is None else among
    stretch = _PAGE
    while after < through:
        upper = min(through, after + stretch)
        found = list(rows.filter(number__gt=after, number__lte=upper).order_by("number")[:_PAGE])
        is_full = len(found) == _PAGE
        after = found[-1].number if is_full else upper
        yield found, after
        # Numbers without an event that is wanted cost little: what is rare is looked for in longer stretches.
        stretch = max(stretch // 2, _PAGE) if is_full else min(stretch * 2, _LONGEST_STRETCH)


def wanted(actions: Iterable[str]) -> QuerySet[AuditEvent]:
    """Return the events with these actions; all without any."""
    named = list(actions)
    return AuditEvent.objects.filter(action__in=named) if named else AuditEvent.objects.all()
