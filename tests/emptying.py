"""Empties the database after a test with real transactions, in a few milliseconds.

TRUNCATE makes new files for every table and index, however little they held: some 75 ms for all of ours, and most tests
leave a handful of rows. So the rows of the tables that hold any are deleted, and everything is truncated only once a table
has grown large, by the rows of one test or by what the deleted ones of many left behind.
"""

import os
from typing import Any, LiteralString, cast

import psycopg
from django.db import connection
from django.test import TransactionTestCase

from tests import answers_under_way

_KEPT = ["django_migrations", "django_content_type", "auth_permission"]

#: Bytes of one table.
_LARGE = 8 * 2**20

_TABLES = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> ALL (%s)
"""
_LARGEST = """
    SELECT max(pg_relation_size(oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> ALL (%s)
"""
_BEGIN_SEQUENCES_ANEW = """
    SELECT setval(sequence.seqrelid, sequence.seqstart, false)
    FROM pg_sequence AS sequence
    JOIN pg_depend AS owned ON owned.objid = sequence.seqrelid AND owned.classid = 'pg_class'::regclass
    JOIN pg_class AS used ON used.oid = owned.refobjid AND owned.deptype IN ('a', 'i')
    WHERE used.relnamespace = 'public'::regnamespace AND used.relname <> ALL (%s)
    AND pg_sequence_last_value(sequence.seqrelid) IS NOT NULL
"""


def _sql(text: str) -> LiteralString:
    """Names of our own tables, as the database spells them."""
    return cast(LiteralString, text)


class _Owner:
    """The owner's connection to the test database, kept open: the application's role may not truncate."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._tables: list[str] = []

    def _connected(self) -> "psycopg.Connection[Any]":
        if self._connection is None or self._connection.closed:
            url = os.environ["DATABASE_OWNER_URL"]
            conninfo = psycopg.conninfo.make_conninfo(url, dbname=connection.settings_dict["NAME"])
            self._connection = psycopg.connect(conninfo, autocommit=True)
            # Triggers stand aside for the tests' owner: those of what is append-only, and of foreign keys.
            self._connection.execute("SET session_replication_role = replica")
            self._tables = [name for (name,) in self._connection.execute(_TABLES, [_KEPT])]
        return self._connection

    def empty(self) -> None:
        """Delete every row of ours and begin every sequence anew."""
        owner = self._connected()
        (largest,) = owner.execute(_LARGEST, [_KEPT]).fetchone() or (0,)
        if largest > _LARGE:
            owner.execute(_sql(f"TRUNCATE {', '.join(self._tables)} RESTART IDENTITY CASCADE"))
            return
        questions = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in self._tables)
        with owner.transaction():
            for (name,) in owner.execute(_sql(" UNION ALL ".join(questions))).fetchall():
                owner.execute(_sql(f"DELETE FROM {name}"))
            owner.execute(_BEGIN_SEQUENCES_ANEW, [_KEPT])

    def close(self) -> None:
        """Let go of the database, so that it can be dropped."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


owner = _Owner()


def _after_a_test(self: TransactionTestCase) -> None:
    answers_under_way.wait()  # one that holds some tables and wants others would be in each other's way with us
    owner.empty()


def install() -> None:
    """Clean up in this way instead of Django's, which would have to own the tables."""
    answers_under_way.listen()
    TransactionTestCase._fixture_teardown = _after_a_test  # type: ignore[method-assign]
