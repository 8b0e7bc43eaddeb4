"""A clock for what a page writes anew with the time: ages in minutes, and the versions of a page that follow them."""

import datetime as dt

import pytest
from django.utils import timezone

# The longest time for which a page tells the same ages.
_INTERVAL = 300


@pytest.fixture
def early_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the server's clock to where a minute, and every longer interval, has just begun: none ends in the test."""
    now = timezone.now
    ahead = dt.timedelta(seconds=_INTERVAL - now().timestamp() % _INTERVAL)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now() + ahead)
