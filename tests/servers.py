"""Starts the real PostgreSQL and Redis for the tests, before Django reads its settings.

Loaded as an early pytest plugin (`-p tests.servers`). Where DATABASE_URL, DATABASE_OWNER_URL and BROKER_URL are set,
those servers are used.

A worker of pytest-xdist makes a database of its own in the PostgreSQL of its parent (tests/conftest.py names it), and has a
data folder and a Redis to itself: tests clear the cache and look into queues.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_STARTED = "NEGATOSCOPE_TEST_SERVERS"


def folder() -> Path:
    """The folder of this run: its workers find it in the same place, and it is gone at the end."""
    return Path(os.environ[_STARTED])


def _start() -> None:
    made = Path(tempfile.mkdtemp(prefix="negatoscope-tests-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    data_dir = made / "data"
    data_dir.mkdir(mode=0o700)
    os.environ.update(
        {
            _STARTED: str(made),
            "ENV_FILE": "",
            "PORTAL_MODE": "demo",
            "DATA_DIR": str(data_dir),
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        }
    )
    if "DATABASE_URL" not in os.environ:
        from portal.embedded import postgres

        # A benchmark's commits reach the disk, as a hospital's do; a test's need not.
        settings = {} if "NEGATOSCOPE_DURABLE" in os.environ else postgres.HASTY
        server = postgres.start(data_dir, settings=settings, for_tests=True)
        atexit.register(server.stop)
        os.environ.update({"DATABASE_URL": server.app_url, "DATABASE_OWNER_URL": server.owner_url})
    if "BROKER_URL" not in os.environ:
        _start_redis(data_dir)


def _start_for_worker(worker: str) -> None:
    data_dir = folder() / worker
    data_dir.mkdir(mode=0o700, exist_ok=True)
    os.environ["DATA_DIR"] = str(data_dir)
    _start_redis(data_dir)


def _start_redis(data_dir: Path) -> None:
    from portal.embedded import redis

    server = redis.start(data_dir)
    atexit.register(server.stop)
    os.environ.update({"BROKER_URL": server.broker_url, "CACHE_URL": server.url})


if _STARTED not in os.environ:
    _start()
elif "PYTEST_XDIST_WORKER" in os.environ:
    _start_for_worker(os.environ["PYTEST_XDIST_WORKER"])
