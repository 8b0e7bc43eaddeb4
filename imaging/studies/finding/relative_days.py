"""Days of a reader's own time zone: when they begin, and those that stay relative in a saved address or a script.

`7d` is the last seven days of whenever it is asked.
"""

import datetime as dt
import re
from typing import Final

from django.utils import timezone

#: Those that lists offer by name, with how many days before today they begin.
OFFERED: Final = {"today": 0, "yesterday": 1, "7d": 6, "30d": 29, "365d": 364}
_DAYS_BACK: Final = re.compile(r"([1-9][0-9]{0,3})d")
_HOURS_BACK: Final = re.compile(r"([1-9][0-9]{0,3})h")


def days_back(text: str) -> int | None:
    """How many days before today a relative day begins: `today`, `yesterday`, `14d`; None for anything else."""
    if text in OFFERED:
        return OFFERED[text]
    found = _DAYS_BACK.fullmatch(text)
    return int(found[1]) - 1 if found else None


def hours_back(text: str) -> int | None:
    """How many hours before now a relative time begins: `24h`; None for anything else."""
    found = _HOURS_BACK.fullmatch(text)
    return int(found[1]) if found else None


def beginning(text: str) -> dt.date | dt.datetime:
    """The day of `2026-11-20` or of a relative one, in the current time zone; for hours the moment. Raises ValueError."""
    hours, days = hours_back(text), days_back(text)
    if hours is not None:
        return timezone.now().replace(second=0, microsecond=0) - dt.timedelta(hours=hours)
    return dt.date.fromisoformat(text) if days is None else timezone.localdate() - dt.timedelta(days=days)


def midnight(day: dt.date) -> dt.datetime:
    """The moment at which a day begins in the current time zone."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))
