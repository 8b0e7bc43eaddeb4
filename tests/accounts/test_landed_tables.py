"""A hospital that ran the release before: what it had typed is there after the migration, to the last network."""

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.portal.processes import ROOT, python

#: The last migrations of the release in which outbound hosts belonged to images.
LANDED = (("accounts", "0004"), ("imaging", "0006"))
COLUMNS = ("host", "port", "purpose", "networks", "certificates", "is_active", "changed_at")
ROW = (
    *("hooks.hospital.example", 8443, "reports to the record", ["10.20.0.0/16", "fd00::/8"]),
    *("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", False, "2026-03-02 10:11:12+00"),
)

Migrate = Callable[..., str]


@pytest.fixture
def database() -> Iterator[str]:
    """The owner's address of a database that is empty."""
    owner = os.environ["DATABASE_OWNER_URL"]
    named = f"{os.environ.get('TEST_DATABASE_NAME', 'test_negatoscope')}_{os.getpid()}_landed"
    name = sql.Identifier(named)
    with psycopg.connect(owner, autocommit=True) as maintenance:
        maintenance.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        yield make_conninfo(owner, dbname=named)
    finally:
        with psycopg.connect(owner, autocommit=True) as maintenance:
            maintenance.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def migrate(database: str, tmp_path: Any) -> Migrate:
    """`migrate("imaging", "0006")`: as an administrator does."""
    named = conninfo_to_dict(database)["dbname"]

    def at(address: str) -> str:
        plain, mark, question = address.partition("?")
        return f"{plain.rpartition('/')[0]}/{named}{mark}{question}"

    told = {name: at(os.environ[name]) for name in ("DATABASE_URL", "DATABASE_OWNER_URL")}

    def run(*words: str) -> str:
        done = subprocess.run(
            python("manage.py", "migrate", "--verbosity", "0", *words),
            cwd=ROOT,
            env={**os.environ, **told, "DATA_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_listed_host_moves_with_its_networks_and_certificates(database: str, migrate: Migrate) -> None:
    for app, number in LANDED:
        migrate(app, number)
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    with psycopg.connect(database, autocommit=True) as owner:
        values = sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS))
        owner.execute(sql.SQL("INSERT INTO imaging_outboundhost ({}) VALUES ({})").format(columns, values), ROW)
        before = owner.execute(sql.SQL("SELECT {} FROM imaging_outboundhost").format(columns)).fetchall()
    migrate()
    with psycopg.connect(database, autocommit=True) as owner:
        assert owner.execute(sql.SQL("SELECT {} FROM accounts_outboundhost").format(columns)).fetchall() == before
        assert before[0][:6] == ROW[:6]
        assert owner.execute("SELECT to_regclass('imaging_outboundhost')").fetchone() == (None,)
        # The next one that is typed gets a number of its own.
        owner.execute(
            sql.SQL("INSERT INTO accounts_outboundhost ({}) VALUES ({})").format(columns, values), ("b", *ROW[1:])
        )
        assert owner.execute("SELECT count(DISTINCT id) FROM accounts_outboundhost").fetchone() == (2,)
