"""What every test stands on: a real database seen through the application's role, and a data folder of its own."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections
from django.test import TransactionTestCase
from redis.exceptions import RedisError

from accounts.audit import coalescing
from imaging.dicomweb import kept_answers
from imaging.studies.reading import decisions, metadata
from tests import answers_under_way

pytest_plugins = [
    "tests.peers",
    "tests.chromium",
    "tests.cast",
    "tests.studies_in_archive",
    "tests.web_servers",
    "tests.receivers",
]

_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


def _owner_connection() -> "psycopg.Connection[Any]":
    url = psycopg.conninfo.make_conninfo(os.environ["DATABASE_OWNER_URL"], dbname=connection.settings_dict["NAME"])
    return psycopg.connect(url, autocommit=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Create and migrate the test database as its owner; `django_db_setup` then hands it to the application's role."""
    owner, default = connections["owner"].settings_dict, connections["default"].settings_dict
    settings.TEST_APP_LOGIN = (default["USER"], default["PASSWORD"])
    default.update({name: owner[name] for name in ("USER", "PASSWORD")})
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    named = os.environ.get("TEST_DATABASE_NAME", "test_negatoscope")
    default["TEST"]["NAME"] = f"{named}_{worker}" if worker else named


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Tests see what a serving process sees: the application's role, which owns nothing."""
    default = connections["default"]
    owner_login = {name: default.settings_dict[name] for name in ("USER", "PASSWORD")}
    user, password = settings.TEST_APP_LOGIN
    with django_db_blocker.unblock():
        default.close()
        default.settings_dict.update({"USER": user, "PASSWORD": password})
        connections["owner"].settings_dict["NAME"] = default.settings_dict["NAME"]
    yield
    with django_db_blocker.unblock():
        default.close()
        connections["owner"].close()
        default.settings_dict.update(owner_login)


def _empty_all_tables(self: TransactionTestCase) -> None:
    """Clean up after a test with real transactions, as the owner: the application's role may not truncate."""
    answers_under_way.wait()  # one that holds some tables and wants others would be in each other's way with us
    with _owner_connection() as owner:
        tables = [
            name
            for (name,) in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            if name not in _KEPT
        ]
        owner.execute("SET session_replication_role = replica")  # append-only triggers stand aside for the tests' owner
        owner.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE".encode())


@pytest.fixture(autouse=True, scope="session")
def _clean_as_owner() -> None:
    answers_under_way.listen()
    TransactionTestCase._fixture_teardown = _empty_all_tables  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Each test is a new process for headers kept in memory by primary key: keys begin anew when tables are emptied."""
    metadata.remembered.clear()
    coalescing.forget_all()
    # The places of downloads are kept by primary key too, in the cache of all processes.
    with contextlib.suppress(RedisError):
        cache.clear()
    decisions.remembered.clear()
    kept_answers.remembered.clear()


@pytest.fixture
def data_dir(tmp_path: Path, settings: Any) -> Path:
    """A data folder of the test's own: spool and tiers lie in it."""
    settings.DATA_DIR = tmp_path
    settings.SPOOL_DIR = tmp_path / "spool"
    settings.STORAGES = {
        **settings.STORAGES,
        "tier-online": {
            "BACKEND": "imaging.storage.backends.FilesystemTier",
            "OPTIONS": {"location": tmp_path / "tiers" / "online"},
        },
    }
    return tmp_path
