"""Who reads a study, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from imaging.reports.reading import policies
from imaging.reports.reading.policies import Pressure, Route, Target, ToRead

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_the_department_that_made_a_study_reads_it_without_a_route() -> None:
    assert policies.reader_of(ToRead(modality="CT", performed_by=7), []) == policies.Reader(7, "")


def test_the_first_route_that_fits_says_who_reads() -> None:
    routes = [
        Route(modality="MR", read_by=1),
        Route(modality="CT", body_part_examined="HEAD", read_by=2, subspecialty="neuro"),
        Route(read_by=3),
    ]
    head = ToRead(modality="ct", body_part_examined="head", performed_by=7)
    assert policies.reader_of(head, routes) == policies.Reader(2, "neuro")
    assert policies.reader_of(ToRead(modality="DX", performed_by=7), routes).department == 3


def test_a_route_may_say_that_a_study_is_not_read() -> None:
    routes = [Route(modality="OP", is_read=False)]
    assert policies.reader_of(ToRead(modality="OP", performed_by=7), routes).is_read is False


def test_the_target_that_names_most_sets_the_clock() -> None:
    targets = [
        Target(priority=0, minutes=60),
        Target(priority=0, modality="CT", minutes=45),
        Target(priority=0, department=7, minutes=90),
        Target(priority=0, department=7, modality="CT", minutes=30),
        Target(priority=2, modality="CT", minutes=999),
    ]
    stat = ToRead(modality="CT", priority=0)
    assert policies.minutes_for(stat, 7, targets) == 30
    assert policies.minutes_for(stat, 8, targets) == 45
    assert policies.minutes_for(ToRead(modality="MR", priority=0), 7, targets) == 90


@pytest.mark.parametrize(("priority", "minutes"), [(0, 60), (1, 240), (2, 1440), (9, 1440)])
def test_without_targets_a_study_has_an_hour_four_or_a_day(priority: int, minutes: int) -> None:
    assert policies.minutes_for(ToRead(priority=priority), None, []) == minutes


@pytest.mark.parametrize(
    ("passed", "shown"),
    [(0, Pressure.CALM), (44, Pressure.CALM), (45, Pressure.PRESSING), (59, Pressure.PRESSING), (60, Pressure.LATE)],
)
def test_a_clock_presses_in_the_last_quarter_of_its_time(passed: int, shown: Pressure) -> None:
    due = NOON + timedelta(minutes=60)
    assert policies.pressure(NOON, due, NOON + timedelta(minutes=passed)) is shown
