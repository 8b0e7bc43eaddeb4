"""The archive's own speed: instances registered per second."""

import dataclasses
import time
from pathlib import Path

import pytest

from accounts.actor import SYSTEM
from imaging.studies import services as studies
from tests.factories.accounts import DepartmentFactory
from tests.factories.arrivals import dataset, incoming, uid

pytestmark = pytest.mark.django_db(transaction=True)

RATE = 500.0


@pytest.mark.parametrize("size", [50, 200])
def test_instances_are_registered_fast(size: int, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    department, study, series = DepartmentFactory.create(), uid(), uid()
    items = [
        incoming(
            dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number),
            data_dir / "spool",
            department,
        )
        for number in range(801)
    ]
    studies.register(items[:1], actor=SYSTEM)
    rest = [dataclasses.replace(item, placements=()) for item in items[1:]]
    started = time.perf_counter()
    for first in range(0, len(rest), size):
        studies.register(rest[first : first + size], actor=SYSTEM)
    rate = len(rest) / (time.perf_counter() - started)
    with capsys.disabled():
        print(f"\nregistered in batches of {size}: {rate:.0f} instances/s; target {RATE:.0f}")
    assert rate >= RATE
