"""How pytest-xdist shares the tests out among its workers.

The tests of one file stay together, as their fixtures are made once per file; so do all journeys, which share one running
hospital. What takes long begins first, so that no worker is left alone with it at the end.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_TOGETHER = ("tests/journeys/",)
#: From the longest to the shortest.
_MARKS = ("processes", "browser", "conformance", "plans")


class _FilesThenFolders(LoadScopeScheduling):  # type: ignore[misc]
    """One file at a time for a worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in _TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Take the place of the schedulers of pytest-xdist."""
    config.option.loadscopereorder = False
    return _FilesThenFolders(config, log)


def _length(item: pytest.Item) -> Sequence[bool]:
    database = item.get_closest_marker("django_db")
    has_real_transactions = database is not None and bool(database.kwargs.get("transaction"))
    is_journey = item.nodeid.startswith(_TOGETHER)
    return [not is_journey, *(item.get_closest_marker(mark) is None for mark in _MARKS), not has_real_transactions]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring what takes long to the front."""
    if hasattr(config, "workerinput"):
        items.sort(key=_length)
