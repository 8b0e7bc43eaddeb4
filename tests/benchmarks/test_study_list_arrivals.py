"""What arrivals cost in an archive of a million studies, beside an empty one."""

import dataclasses
import statistics
from pathlib import Path

import pytest
from django.db import connection

from accounts.actor import SYSTEM
from imaging.studies import services as studies
from tests.benchmarks.large_database import STUDIES, using
from tests.benchmarks.timing import spent, verdict
from tests.factories.accounts import DepartmentFactory
from tests.factories.arrivals import dataset, incoming, uid

pytestmark = pytest.mark.django_db(transaction=True)

ARRIVAL = 1.15
ROUNDS = 5


def test_arrivals_cost_the_same_as_in_an_empty_archive(
    large_database: str, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = connection.settings_dict["NAME"]
    used: dict[str, list[float]] = {small: [], large_database: []}
    # The first round is not counted: the process and both databases have yet to read what they then keep.
    for number in range(ROUNDS + 1):
        for database, seconds in used.items():
            with using(database):
                cpu = _registered(data_dir)
            if number:
                seconds.append(cpu)
    empty, large = (statistics.median(used[name]) for name in (small, large_database))
    is_met = large <= empty * ARRIVAL
    with capsys.disabled():
        print(
            f"\n{verdict(is_met)} processor seconds per 1,000 instances, median of {ROUNDS}: {empty:.2f} empty,"
            f" {large:.2f} at {STUDIES} studies, {large / empty:.2f} times; target {ARRIVAL}"
        )
        for name, seconds in (("empty", used[small]), ("large", used[large_database])):
            print(f"         {name}: " + ", ".join(f"{one:.2f}" for one in seconds))
    assert is_met


def _registered(data_dir: Path) -> float:
    """Processor seconds, the database's included, of registering 1,000 instances: twenty studies, in batches of fifty."""
    department = DepartmentFactory.create(code="arrivals")
    batches = []
    for _ in range(20):
        study, series = uid(), uid()
        made = [
            incoming(
                dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number),
                data_dir / "spool",
                department,
            )
            for number in range(50)
        ]
        batches += [made[:1], [dataclasses.replace(item, placements=()) for item in made[1:]]]

    def register() -> None:
        for batch in batches:
            studies.register(batch, actor=SYSTEM)

    return spent(register).cpu
