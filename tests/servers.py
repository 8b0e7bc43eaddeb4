"""Starts the real PostgreSQL and Redis for the tests, before Django reads its settings.

Loaded as an early pytest plugin (`-p tests.servers`). Where DATABASE_URL, DATABASE_OWNER_URL and BROKER_URL are set,
those servers are used; a worker of pytest-xdist inherits what its parent started.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_STARTED = "NEGATOSCOPE_TEST_SERVERS"


def _start() -> None:
    folder = Path(tempfile.mkdtemp(prefix="negatoscope-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(
        {
            _STARTED: str(os.getpid()),
            "ENV_FILE": "",
            "PORTAL_MODE": "demo",
            "DATA_DIR": str(folder / "data"),
            "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        }
    )
    (folder / "data").mkdir(mode=0o700)
    if "DATABASE_URL" not in os.environ:
        from portal.embedded import postgres

        # A benchmark's commits reach the disk, as a hospital's do; a test's need not.
        settings = {} if "NEGATOSCOPE_DURABLE" in os.environ else postgres.HASTY
        server = postgres.start(folder / "data", settings=settings, for_tests=True)
        atexit.register(server.stop)
        os.environ.update({"DATABASE_URL": server.app_url, "DATABASE_OWNER_URL": server.owner_url})
    if "BROKER_URL" not in os.environ:
        from portal.embedded import redis

        broker = redis.start(folder / "data")
        atexit.register(broker.stop)
        os.environ.update({"BROKER_URL": broker.broker_url, "CACHE_URL": broker.url})


if _STARTED not in os.environ:
    _start()
