"""An object store of the session, out of its wheel, and tiers that lie in it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import object_store
from tests.object_store import ObjectStore


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """SeaweedFS that nobody stops; each test has a folder of its own in the bucket."""
    store = ObjectStore(tmp_path_factory.mktemp("seaweedfs"))
    store.start()
    yield store
    store.kill()


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[ObjectStore]:
    """SeaweedFS of the test's own, to be killed and started."""
    store = ObjectStore(tmp_path / "seaweedfs")
    store.start()
    yield store
    store.kill()


@pytest.fixture
def keep_in(data_dir: Path, settings: Any) -> Callable[..., None]:
    """Make tiers of stores: ``keep_in(**{"tier-s3": endpoint})``, with other options by ``changes``."""

    def use(changes: dict[str, Any] | None = None, **endpoints: str) -> None:
        made = {
            name.replace("_", "-"): object_store.options(endpoint, data_dir, **(changes or {}))
            for name, endpoint in endpoints.items()
        }
        settings.STORAGES = {**settings.STORAGES, **made}
        settings.STORAGE_COPY_TIERS = tuple(made)
        settings.SPOOL_RESERVE = lambda _total: 0

    return use
