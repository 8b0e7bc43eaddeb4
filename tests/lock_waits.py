"""Waiting until a job over another connection waits for a lock that the test holds."""

import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from django.db import connection

_ASKED = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"


def until_it_waits(job: Future[Any]) -> None:
    """Return once somebody waits for a lock of this database; a job that ends without waiting fails at once, with its error."""
    deadline = time.monotonic() + 60
    while not _somebody_waits():
        with suppress(TimeoutError):
            raise AssertionError(f"it waited for no lock, and came to {job.result(timeout=0.05)!r}")
        assert time.monotonic() < deadline, "nobody waits for a lock"


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # Within a transaction the first answer would be the last: who connects later would never be seen.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(_ASKED)
        return bool(cursor.fetchone()[0])
