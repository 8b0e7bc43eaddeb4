"""How pytest-xdist shares the tests out among its workers.

The tests of one file stay together, as their fixtures are made once per file; so do all journeys, which share one running
hospital. What takes long begins first, so that no worker is left alone with it at the end. A test that is marked `alone`
measures how long something takes: the other workers begin nothing while it runs.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests import ports, servers

_TOGETHER = "tests/journeys/"
#: From the longest to the shortest.
_MARKS = ("processes", "browser", "conformance", "plans")


class _FileByFile(LoadScopeScheduling):  # type: ignore[misc]
    """One file at a time for a worker, in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER if nodeid.startswith(_TOGETHER) else nodeid.partition("::")[0]


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors for `-n auto`: many tests wait for servers and browsers."""
    return min(len(os.sched_getaffinity(0)) + 1, ports.WORKERS)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Take the place of the schedulers of pytest-xdist."""
    config.option.loadscopereorder = False
    return _FileByFile(config, log)


def _brevity(item: pytest.Item) -> list[bool]:
    database = item.get_closest_marker("django_db")
    has_real_transactions = database is not None and bool(database.kwargs.get("transaction"))
    is_marked = [item.get_closest_marker(mark) is not None for mark in _MARKS]
    return [not sign for sign in (item.nodeid.startswith(_TOGETHER), *is_marked, has_real_transactions)]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring what takes long to the front."""
    if hasattr(config, "workerinput"):
        items.sort(key=_brevity)


@contextmanager
def _turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Keep the room with others, or alone. Who wants it alone holds the door meanwhile, or others would never stop coming."""
    with (folder / "door").open("a") as door, (folder / "room").open("a") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Wait for a turn before anything of a test begins."""
    with _turn(servers.folder(), alone=item.get_closest_marker("alone") is not None):
        return (yield)
