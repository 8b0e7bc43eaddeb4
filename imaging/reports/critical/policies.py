"""Until when a critical finding has to be acknowledged, and what happens when it is not: pure rules."""

from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

#: Red within half an hour, orange within six hours, yellow within three days.
WITHIN: Final = MappingProxyType(
    {"red": timedelta(minutes=30), "orange": timedelta(hours=6), "yellow": timedelta(days=3)}
)
#: Part of the time after which it is reminded of once more, and then passed on.
_AGAIN: Final = 0.5


class Due(StrEnum):
    """What is to be done now."""

    NOTHING = "nothing"
    REMIND = "remind"
    ESCALATE = "escalate"


def due_at(raised_at: datetime, level: str) -> datetime:
    """When it has to be known."""
    return raised_at + WITHIN[level]


def due(now: datetime, *, raised_at: datetime, due_at: datetime, reminders: int, is_escalated: bool) -> Due:
    """Remind when the time is over, pass it on when half as much again has gone by, and go on reminding who raised it."""
    step = (due_at - raised_at) * _AGAIN
    if now < due_at:
        return Due.NOTHING
    if reminders == 0:
        return Due.REMIND
    if not is_escalated:
        return Due.ESCALATE if now >= due_at + step else Due.NOTHING
    return Due.REMIND if now >= due_at + step * (reminders + 1) else Due.NOTHING
