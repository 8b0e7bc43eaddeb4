"""A bound on what one search may cost the database: past it the reader is asked to narrow it, and nobody else waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

SEARCH_SECONDS: Final = 10.0
_SET_AND_TELL: Final = (
    "WITH before AS MATERIALIZED (SELECT current_setting('statement_timeout') AS value)"
    " SELECT value, set_config('statement_timeout', %s, true) FROM before"
)


class SearchTooBroad(Exception):
    """The search took longer than it may."""


@contextmanager
def time_limit(seconds: float = SEARCH_SECONDS) -> Iterator[None]:
    """Let each statement inside take so many seconds. Raises ``SearchTooBroad`` when one takes longer."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(_SET_AND_TELL, [str(int(seconds * 1000))])
                before = cursor.fetchone()[0]
            yield
            # Within a transaction of the caller's, the bound must not outlive this search.
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [before])
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooBroad from error
        raise
