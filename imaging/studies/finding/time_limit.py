"""A bound on what one search may cost the database: past it the reader is asked to narrow it, and nobody else waits."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

SEARCH_SECONDS = 10.0
#: What is counted beside a list may take so long: without the number, the list is shown all the same.
COUNT_SECONDS = 2.0
_SET_AND_TELL: Final = (
    "WITH before AS MATERIALIZED (SELECT current_setting('statement_timeout') AS value)"
    " SELECT value, set_config('statement_timeout', %s, true) FROM before"
)
_SET: Final = "SELECT set_config('statement_timeout', %s, true)"
#: The database is told anew what is left when this part of it is gone: quick searches cost no further round trips.
_STALE: Final = 0.8


class SearchTooBroad(Exception):
    """The search took longer than it may."""


class _Clock:
    """Bounds each statement by what is left for all of them."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._allowed = seconds

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise SearchTooBroad
        if left < self._allowed * _STALE and sql != _SET:
            self._allowed = left
            with connection.cursor() as cursor:
                cursor.execute(_SET, [_milliseconds(left)])
        return execute(sql, params, many, context)


@contextmanager
def time_limit(seconds: float | None = None) -> Iterator[None]:
    """Let the statements inside take so many seconds together, ``SEARCH_SECONDS`` unless told.

    Raises ``SearchTooBroad`` when they take longer.
    """
    seconds = SEARCH_SECONDS if seconds is None else seconds
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_SET_AND_TELL, [_milliseconds(seconds)])
                before = cursor.fetchone()[0]
            with connection.execute_wrapper(_Clock(seconds)):
                yield
            # Within a transaction of the caller's, the bound must not outlive this search.
            with connection.cursor() as cursor:
                cursor.execute(_SET, [before])
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooBroad from error
        raise


def _milliseconds(seconds: float) -> str:
    """As the database takes it: none would mean no bound."""
    return str(max(1, int(seconds * 1000)))
