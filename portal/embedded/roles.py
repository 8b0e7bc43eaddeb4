"""The two roles: the owner makes tables, the application works in them and owns nothing."""

from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from portal.embedded.addresses import APP_ROLE, OWNER_ROLE

#: Made by the superuser, so that migrations need no more than the owner's rights.
EXTENSIONS = ("btree_gin", "pg_trgm", "unaccent")

# SELECT, INSERT, UPDATE and DELETE only: TRUNCATE, TRIGGER and REFERENCES stay with the owner, and migrations narrow
# the audit tables further.
_PRIVILEGES = (
    "GRANT USAGE ON SCHEMA public TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT USAGE, SELECT ON SEQUENCES TO {app}",
)

_SET_TRIGGERS_ASIDE = sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {owner}")


def provision(superuser_url: str, *, database: str, passwords: Mapping[str, str], for_tests: bool) -> None:
    """Make roles, database, extensions and privileges as far as they are missing; passwords are set to the given ones.

    `for_tests` lets the owner make databases, which then start with the same extensions and privileges.
    """
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role, password in passwords.items():
            _make_role(
                connection,
                role,
                password,
                may_create_databases=for_tests and role == OWNER_ROLE,
            )
        if for_tests:
            # The tests' owner empties append-only tables between tests, past their triggers.
            connection.execute(_SET_TRIGGERS_ASIDE.format(owner=sql.Identifier(OWNER_ROLE)))
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(OWNER_ROLE))
            )
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(APP_ROLE))
        )
    for name in (database, "template1") if for_tests else (database,):
        with psycopg.connect(_address(superuser_url, name), autocommit=True) as connection:
            _furnish(connection)


def _make_role(
    connection: psycopg.Connection,
    role: str,
    password: str,
    *,
    may_create_databases: bool,
) -> None:
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
    # Hashed here, so that the password is in no statement that a log could keep.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    createdb = sql.SQL("CREATEDB" if may_create_databases else "NOCREATEDB")
    connection.execute(
        sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEROLE {} PASSWORD {}").format(
            sql.Identifier(role), createdb, sql.Literal(verifier)
        )
    )


def _furnish(connection: psycopg.Connection) -> None:
    for extension in EXTENSIONS:
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    for statement in _PRIVILEGES:
        connection.execute(sql.SQL(statement).format(app=sql.Identifier(APP_ROLE), owner=sql.Identifier(OWNER_ROLE)))


def _address(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
