"""Reading the audit in the order in which it came to the table, without missing a row.

Numbers are drawn when an event is inserted and become visible when its transaction commits: number 8 may be there before
number 7. Reading stops at the number up to which every transaction has ended (see the function `accounts_audit_write`,
which gets its transaction's identity before it draws a number).
"""

import time
from collections.abc import Iterable, Iterator
from typing import Final

from django.db import connection

from accounts.audit.models import AuditEvent

#: Rows of one question, and how far an empty stretch of numbers is skipped at once.
_PAGE: Final = 1000
_LONGEST_STRETCH: Final = 1 << 30
_PATIENCE: Final = 5.0
_LOOK_EVERY: Final = 0.05


def last_number() -> int:
    """Return the number that was drawn last; 0 before the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM accounts_auditevent_number_seq")
        return int(cursor.fetchone()[0])


def settled_through(*, patience: float = _PATIENCE) -> int:
    """Return a number up to which nothing can come any more; -1 when transactions still run after ``patience`` seconds.

    To be called outside of a transaction: one's own would be waited for.
    """
    last = last_number()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::numeric::bigint")
        mine = int(cursor.fetchone()[0])
    until = time.monotonic() + patience
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric::bigint")
            if int(cursor.fetchone()[0]) > mine:
                return last
        if time.monotonic() >= until:
            return -1
        time.sleep(_LOOK_EVERY)


def pages(*, after: int, through: int, actions: Iterable[str] = ()) -> Iterator[tuple[list[AuditEvent], int]]:
    """Yield the events after one number and up to another, in order, page by page, with the number reached.

    Only those with these actions, where any are named. A page may be empty: the number still moves on.
    """
    wanted, stretch = list(actions), _PAGE
    while after < through:
        upper = min(through, after + stretch)
        rows = AuditEvent.objects.filter(number__gt=after, number__lte=upper).order_by("number")
        if wanted:
            rows = rows.filter(action__in=wanted)
        found = list(rows[:_PAGE])
        after = found[-1].number if len(found) == _PAGE else upper
        yield found, after
        stretch = _PAGE if found else min(stretch * 2, _LONGEST_STRETCH)
