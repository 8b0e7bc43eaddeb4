"""Range matching of dates and times (PS3.4 section C.2.2.2.5): text of VR DA, TM or DT to the span that it means.

A value of less precision means the whole of it: the hour ``10`` lasts until the microsecond before eleven.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import TypeVar

#: A day, a time of day or a moment.
EndT = TypeVar("EndT", date, time, datetime)

#: The older form with points is still sent (PS3.5 section 6.2, DA, note 1).
_DAY = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:\.(\d{1,6}))?)?)?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?)?)?)?(?:([+-])(\d{2})(\d{2}))?",
    re.ASCII,
)
#: Where a range of DT is cut: before or after a hyphen that is no time zone's.
_MOMENTS = re.compile(r"([\d.]*(?:[+-]\d{4})?)-([\d.]*(?:[+-]\d{4})?)", re.ASCII)
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Days:
    """Days from first to last, both included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Times:
    """Times of day from first to last, both included, over midnight when the last comes first; None is open."""

    first: time | None
    last: time | None


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments from first to last, both included; None is open. Without a time zone they are the archive's local time."""

    first: datetime | None
    last: datetime | None


def parse(kind: str, text: str) -> Days | Times | Moments:
    """The span that a value of VR ``kind`` means. Raises ``ValueError`` with what it should have been."""
    if kind == "DA":
        wanted = "date (YYYYMMDD) or range of dates"
        days = Days(*_ends(text, _day, wanted))
        _check_forwards(days.first, days.last, wanted)
        return days
    if kind == "TM":
        return Times(*_ends(text, _time, "time (HHMMSS) or range of times"))
    return Moments(*_moments(text))


def together(days: Days, times: Times) -> Moments:
    """One span from the first time of the first day to the last time of the last day (combined matching)."""
    first = datetime.combine(days.first, times.first or time.min) if days.first else None
    last = datetime.combine(days.last, times.last or time.max) if days.last else None
    return Moments(first, last)


def _ends(text: str, read: Callable[[str, str], tuple[EndT, EndT]], wanted: str) -> tuple[EndT | None, EndT | None]:
    first, hyphen, last = text.partition("-")
    first, last = first.strip(), last.strip()
    if not hyphen:
        return read(first, wanted)
    if not (first or last):
        raise ValueError(wanted)
    return read(first, wanted)[0] if first else None, read(last, wanted)[1] if last else None


def _check_forwards(begin: EndT | None, end: EndT | None, wanted: str) -> None:
    if begin is not None and end is not None and begin > end:
        raise ValueError(f"{wanted}: it ends before it begins")


def _day(text: str, wanted: str) -> tuple[date, date]:
    found = _DAY.fullmatch(text)
    if found is None:
        raise ValueError(wanted)
    try:
        day = date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        raise ValueError(wanted) from None
    return day, day


def _time(text: str, wanted: str) -> tuple[time, time]:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(wanted)
    hour, minute, second, fraction = found.groups()
    try:
        first = time(int(hour), int(minute or 0), min(int(second or 0), 59), _microseconds(fraction, "0"))
        last = time(int(hour), int(minute or 59), min(int(second or 59), 59), _microseconds(fraction, "9"))
    except ValueError:
        raise ValueError(wanted) from None
    return first, last


def _microseconds(fraction: str | None, rest: str) -> int:
    return int((fraction or "").ljust(6, rest))


def _moments(text: str) -> tuple[datetime | None, datetime | None]:
    wanted = "date and time (YYYYMMDDHHMMSS) or range of them"
    if _MOMENT.fullmatch(text) and (alone := _moment(text)) is not None:
        return alone
    found = _MOMENTS.fullmatch(text)
    if found is None or not (found[1] or found[2]):
        raise ValueError(wanted)
    first, last = (_moment(part) if part else (None, None) for part in found.groups())
    if first is None or last is None:
        raise ValueError(wanted)
    span = (first[0], last[1])
    if span[0] and span[1] and (span[0].tzinfo is None) != (span[1].tzinfo is None):
        raise ValueError(f"{wanted}: both ends with a time zone, or neither")
    _check_forwards(*span, wanted)
    return span


def _moment(text: str) -> tuple[datetime, datetime] | None:
    """First and last microsecond of a moment; None for what is none."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    zone = None
    if sign:
        delta = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
        if not _WEST <= delta <= _EAST:
            return None
        zone = timezone(delta)
    try:
        last_day = int(day or calendar.monthrange(int(year), int(month or 12))[1])
        seconds = min(int(second or 0), 59), min(int(second or 59), 59)
        first = datetime(
            *(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), seconds[0]),
            _microseconds(fraction, "0"),
            tzinfo=zone,
        )
        last = datetime(
            *(int(year), int(month or 12), last_day, int(hour or 23), int(minute or 59), seconds[1]),
            _microseconds(fraction, "9"),
            tzinfo=zone,
        )
    except (ValueError, calendar.IllegalMonthError):
        return None
    return first, last
