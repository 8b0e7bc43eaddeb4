"""One demo hospital for all journeys that do not break it: started once, ended at the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.running_portal import RunningPortal, running


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    """The demo hospital, running, with its studies arriving through its DICOM port."""
    folder: Path = tmp_path_factory.mktemp("hospital")
    with running(folder / "var") as portal:
        yield portal
