"""Days that stay relative in a saved address or a script: `7d` is the last seven days of whenever it is asked."""

import datetime as dt
import re
from typing import Final

from django.utils import timezone

#: Those that lists offer by name, with how many days before today they begin.
OFFERED: Final = {"today": 0, "yesterday": 1, "7d": 6, "30d": 29, "365d": 364}
_DAYS_BACK: Final = re.compile(r"([1-9][0-9]{0,3})d", re.ASCII)


def days_back(text: str) -> int | None:
    """How many days before today a relative day begins: `today`, `yesterday`, `14d`; None for anything else."""
    if text in OFFERED:
        return OFFERED[text]
    found = _DAYS_BACK.fullmatch(text)
    return int(found[1]) - 1 if found else None


def day(text: str) -> dt.date:
    """The day of a text: `2026-11-20`, or a relative one in the current time zone. Raises ValueError."""
    back = days_back(text)
    return dt.date.fromisoformat(text) if back is None else timezone.localdate() - dt.timedelta(days=back)
