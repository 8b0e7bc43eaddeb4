"""Figures of a day are those of the reader's day, whatever the clock does."""

import datetime as dt
import zoneinfo
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.roles import Door
from imaging.ingest import arrivals
from imaging.ingest.models import Receipt

pytestmark = pytest.mark.django_db

Clock = Callable[[dt.datetime], None]
PARIS = zoneinfo.ZoneInfo("Europe/Paris")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """`clock(moment)` stops the clock there."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


def came(at: str, **counts: int) -> None:
    """What a device handed over in the hour that begins at this moment (UTC)."""
    hour = dt.datetime.fromisoformat(at).replace(tzinfo=dt.UTC)
    Receipt.objects.create(hour=hour, door=Door.DIMSE, sender="CT", last_at=hour, **counts)


def test_the_hour_that_comes_twice_counts_both(clock: Clock) -> None:
    with timezone.override(PARIS):
        clock(dt.datetime(2026, 10, 25, 12, 0, tzinfo=dt.UTC))
        came("2026-10-24T22:00", new=1)
        came("2026-10-25T00:00", new=2)
        came("2026-10-25T01:00", new=3, refused=1)
        came("2026-10-25T22:00", new=4)
        came("2026-10-25T23:00", new=5)
        hours = {timezone.localtime(at).hour: found for at, found in arrivals.today_by_hour()}
    assert len(hours) == 24
    assert {hour: found.taken for hour, found in hours.items() if found.taken} == {0: 1, 2: 5, 23: 4}
    assert hours[2].refused == 1


def test_the_day_of_a_device_begins_at_the_midnight_of_who_looks(clock: Clock) -> None:
    with timezone.override(PARIS):
        clock(dt.datetime(2026, 7, 1, 23, 0, tzinfo=dt.UTC))
        came("2026-07-01T21:00", new=7)
        came("2026-07-01T22:00", new=1, duplicate=2)
        assert dict(arrivals.today_of_sender("CT")) == {
            "new": 1,
            "duplicate": 2,
            "conflict": 0,
            "quarantined": 0,
            "refused": 0,
        }
