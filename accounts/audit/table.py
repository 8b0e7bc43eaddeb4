"""How rows come into the audit table: by its two functions in the database, one round trip each.

They insert behind a savepoint of their own, so that a table which refuses takes nothing of the caller's transaction along.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection

#: A row as plain JSON: the columns by name; `departments` may be None, and is then looked up.
Row = dict[str, Any]

#: What `write_once` answers when the event is on record already.
KNOWN: Final = "known"


def write(rows: Sequence[Row]) -> str:
    """Insert these rows; return "", or the SQLSTATE of what the table said. Rows that are there already stay as they are."""
    return _asked("SELECT accounts_audit_write(%s::jsonb)", [json.dumps(list(rows))])


def write_once(row: Row, *, lock: int, since: datetime) -> str:
    """Insert the row unless the same was recorded since then: :data:`KNOWN`. Else as :func:`write`."""
    return _asked("SELECT accounts_audit_write_once(%s, %s, %s::jsonb)", [lock, since, json.dumps(row)])


def _asked(question: str, values: list[Any]) -> str:
    with connection.cursor() as cursor:
        cursor.execute(question, values)
        return str(cursor.fetchone()[0])
