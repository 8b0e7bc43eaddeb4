"""A second database with the large archive, beside the tests' own, for all measurements of a run.

`LARGE_ARCHIVE_STUDIES` names another size than a million. It is dropped when the run ends.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from psycopg import sql

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Right, Role
from accounts.scope import Scope
from tests import large_archive
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
from tests.factories.arrivals import uid

STUDIES: Final = int(os.environ.get("LARGE_ARCHIVE_STUDIES", "1000000"))
DEPARTMENTS: Final = 40
#: Of the reader: the largest, a middling and a small one.
HELD: Final = ("large-0", "large-5", "large-20")


@pytest.fixture(scope="session")
def large_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of the database."""
    with django_db_blocker.unblock(), copied("large") as name:
        with using(name):
            departments = [DepartmentFactory.create(code=f"large-{number}").pk for number in range(DEPARTMENTS)]
            with large_archive.owner_of(name) as owner:
                large_archive.load(owner, departments=departments, studies=STUDIES)
        yield name


@contextmanager
def copied(ending: str) -> Iterator[str]:
    """Copy the tests' empty database under a name with this ending; dropped at the end."""
    small = connection.settings_dict["NAME"]
    name = f"{small}_{ending}"
    for each in connections.all():
        each.close()
    drop(name)
    with _maintenance() as maintenance:
        copy = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(small))
        maintenance.execute(copy)
    try:
        yield name
    finally:
        drop(name)


def drop(name: str) -> None:
    """Drop a database of a measurement. FORCE would be refused while the database is vacuumed, which is not ours to end."""
    with _maintenance() as maintenance:
        maintenance.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend'",
            [name],
        )
        maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _maintenance() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)


@contextmanager
def using(database: str) -> Iterator[None]:
    """Work in another database of the same server."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@pytest.fixture
def large_archive_in_use(large_database: str) -> Iterator[None]:
    """All that follows in this test happens in the large archive."""
    with using(large_database):
        yield


@pytest.fixture
def scope(large_archive_in_use: None) -> Scope:
    """A reader of three of the forty departments."""
    rights = frozenset({Right.LIST, Right.VIEW})
    held = Department.objects.filter(code__in=HELD)
    return Scope(principal=SYSTEM, department_rights=frozenset((row.pk, rights) for row in held))


@pytest.fixture
def radiologist(large_archive_in_use: None) -> User:
    """A person with the same three departments."""
    user = UserFactory.create(username=f"reader-{uid()[-12:]}")
    for department in Department.objects.filter(code__in=HELD):
        MembershipFactory.create(user=user, department=department, role=Role.RADIOLOGIST)
    return user


@pytest.fixture
def browser(radiologist: User) -> Client:
    """Where that person has signed in."""
    client = Client()
    client.force_login(radiologist)
    return client
