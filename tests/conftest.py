"""What every test stands on: a real database seen through the application's role, and a data folder of its own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from tests import emptying, memories

pytest_plugins = [
    "tests.sharing_out",
    "tests.peers",
    "tests.chromium",
    "tests.cast",
    "tests.clocks",
    "tests.studies_in_archive",
    "tests.web_servers",
    "tests.receivers",
    "tests.shared_links",
    "tests.partner_archives",
]


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
        emptying.owner.close()
        _hang_up_on_threads()
        default.settings_dict.update(owner_login)


def _hang_up_on_threads() -> None:
    """Close what threads of the tests' own servers still hold open, so that the database can be dropped."""
    url = psycopg.conninfo.make_conninfo(
        os.environ["DATABASE_URL"], dbname=connections["default"].settings_dict["NAME"]
    )
    with psycopg.connect(url, autocommit=True) as app:
        app.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True, scope="session")
def _clean_as_owner() -> None:
    emptying.install()


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """Each test is a new process for headers kept in memory by primary key: keys begin anew when tables are emptied."""
    memories.forget()


@pytest.fixture(autouse=True)
def _downloads_given_back() -> Iterator[None]:
    """A test that leaves a download open takes its place away from all that follow, which fail far from the cause."""
    yield
    assert memories.free_downloads() == settings.DOWNLOADS, "a download was not read to its end, nor closed"


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
