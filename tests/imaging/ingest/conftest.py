"""A spool of the test's own, and the way in and out of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.models import Department
from imaging.ingest import registrar, services
from imaging.ingest.registrar import Drained
from imaging.ingest.source import Source
from imaging.ingest.spool import Spool
from tests.factories import arrivals

Send = Callable[..., None]


@pytest.fixture
def spool(data_dir: Path, settings: Any) -> Spool:
    """The spool that services use in this test."""
    settings.SPOOL_RESERVE = lambda _total: 0
    return services.spool()


@pytest.fixture
def send(spool: Spool) -> Send:
    """`send(dataset, "CT1", department, …)` hands an object over as that sender, who acts for those departments."""

    def hand_over(made: Dataset | bytes, sender: str = "CT1", *departments: Department) -> None:
        content = made if isinstance(made, bytes) else arrivals.encoded(made)
        source = Source(
            door="dimse",
            sender=sender,
            address="10.0.0.7",
            department_ids=tuple(department.pk for department in departments),
        )
        arrivals.hand_over(content, source)

    return hand_over


@pytest.fixture
def drain(spool: Spool) -> Callable[[], Drained]:
    """`drain()` registers what waits."""
    return lambda: registrar.drain(spool)
