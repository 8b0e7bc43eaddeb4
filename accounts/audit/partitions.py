"""Months of the audit table, added ahead of time by the role that owns it."""

from dataclasses import dataclass

from django.conf import settings
from django.db import connections, transaction

#: Moves the rows of the default partition to the months that were missing: a month cannot be added
#: while the default partition holds rows of it, and no trigger lets them be deleted.
_EMPTY_DEFAULT = """
ALTER TABLE accounts_auditevent DETACH PARTITION accounts_auditevent_default;
ALTER TABLE accounts_auditevent_default RENAME TO accounts_auditevent_stray;
ALTER INDEX accounts_auditevent_default_pkey RENAME TO accounts_auditevent_stray_pkey;
CREATE TABLE accounts_auditevent_default PARTITION OF accounts_auditevent DEFAULT;
"""
_RETURN_STRAY = """
INSERT INTO accounts_auditevent SELECT * FROM accounts_auditevent_stray;
DROP TABLE accounts_auditevent_stray;
"""


@dataclass(frozen=True, slots=True)
class Added:
    """What :func:`add_months` did: the partitions it made, and how many stray rows it moved."""

    partitions: tuple[str, ...]
    moved: int


def add_months(*, months: int, using: str = "owner") -> Added:
    """Make the partitions of the current month and the ``months`` after it, where they are missing.

    ``using`` names the database alias of the owner. Rows that had fallen into the default partition
    move to the months they belong to.
    """
    app_role = settings.DATABASE_APP_ROLE
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        # Two runs at once would both find a month missing.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('accounts_audit_partitions'))")
        cursor.execute("SELECT count(*) FROM accounts_auditevent_default")
        stray = int(cursor.fetchone()[0])
        if stray:
            cursor.execute(_EMPTY_DEFAULT)
            cursor.execute(
                "SELECT accounts_audit_protect('accounts_auditevent_default'::regclass, %s)",
                [app_role],
            )
            cursor.execute(
                "SELECT DISTINCT accounts_audit_add_month((at AT TIME ZONE 'UTC')::date, %s)"
                " FROM (SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS at"
                " FROM accounts_auditevent_stray) AS months",
                [app_role],
            )
            cursor.execute(_RETURN_STRAY)
        cursor.execute(
            "SELECT to_char(month, 'YYYY-MM') FROM ("
            "  SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n) AS month"
            "  FROM generate_series(0, %s) AS n) AS wanted"
            " WHERE accounts_audit_add_month(month::date, %s) ORDER BY month",
            [months, app_role],
        )
        return Added(partitions=tuple(row[0] for row in cursor.fetchall()), moved=stray)
