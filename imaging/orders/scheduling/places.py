"""Where a room has free places: pure rules over spans of time, in the zone of the room's site."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

_MIDNIGHT = dt.time(0)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From a moment up to, and without, another; both aware."""

    starts: dt.datetime
    ends: dt.datetime

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a moment."""
        return self.starts < other.ends and other.starts < self.ends


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours of one weekday (Monday is 0); closing at midnight is the end of that day."""

    weekday: int
    opens: dt.time
    closes: dt.time


def day_span(day: dt.date, zone: ZoneInfo) -> Span:
    """A whole day of a site, of 23 or 25 hours when the clocks change; in UTC, so that lengths are true lengths."""
    return Span(_moment(day, _MIDNIGHT, zone), _moment(day + dt.timedelta(days=1), _MIDNIGHT, zone))


def open_spans(hours: Iterable[Hours], day: dt.date, zone: ZoneInfo) -> list[Span]:
    """When a room is open on a day, in order, spans that touch or overlap joined to one."""
    spans = []
    for one in hours:
        if one.weekday != day.weekday():
            continue
        last = day + dt.timedelta(days=1) if one.closes == _MIDNIGHT else day
        span = Span(_moment(day, one.opens, zone), _moment(last, one.closes, zone))
        if span.starts < span.ends:
            spans.append(span)
    return _joined(spans)


def is_open(span: Span, opened: Iterable[Span]) -> bool:
    """Whether the whole of a span lies within one opening."""
    return any(one.starts <= span.starts and span.ends <= one.ends for one in opened)


def free_places(
    opened: Sequence[Span], taken: Sequence[Span], *, length: dt.timedelta, grid: dt.timedelta, since: dt.datetime
) -> Iterator[Span]:
    """Places of ``length`` that begin on the grid of an opening, none before ``since``, none over what is taken."""
    if length <= dt.timedelta(0) or grid <= dt.timedelta(0):
        raise ValueError("a place and the grid have a length")
    busy = _joined(taken)
    for one in opened:
        starts = one.starts
        while starts + length <= one.ends:
            place = Span(starts, starts + length)
            if starts >= since and not any(place.overlaps(other) for other in busy):
                yield place
            starts += grid


def _moment(day: dt.date, clock: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, clock, tzinfo=zone).astimezone(dt.UTC)


def _joined(spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in sorted(spans):
        if joined and span.starts <= joined[-1].ends:
            joined[-1] = Span(joined[-1].starts, max(joined[-1].ends, span.ends))
        else:
            joined.append(span)
    return joined
