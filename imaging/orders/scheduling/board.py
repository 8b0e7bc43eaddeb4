"""The calendar of rooms as a page shows it: a day of all rooms side by side, or a week of one, and what waits for a place.

Places are minutes since the day began at the room's site, true minutes: when the clocks change a day has 1,380 or 1,500.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from imaging.orders.models import Downtime, Room, ScheduledStep
from imaging.orders.requesting import facts
from imaging.orders.requesting.facts import Line
from imaging.orders.requesting.policies import Asker
from imaging.orders.scheduling import selectors
from imaging.orders.scheduling.places import Hours, Span, day_span, open_spans

#: What is shown of a day at least, in minutes, where no room is open and nothing is booked.
_USUAL: Final = (8 * 60, 18 * 60)
_HOUR: Final = 60
_DAYS: Final = 7
#: What a service moves: who is here already may still be taken to another room.
_MOVABLE: Final = frozenset({ScheduledStep.Status.SCHEDULED, ScheduledStep.Status.ARRIVED})

RowT = TypeVar("RowT", ScheduledStep, Downtime)


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a column: from which minute of the day, for how many; ``words`` say why it is closed."""

    start: int
    length: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A booked step. ``line`` is None for a request that the reader does not see: the place is taken, by whom is not told."""

    step: ScheduledStep
    line: Line | None
    place: Place
    may_move: bool


@dataclass(frozen=True, slots=True)
class Column:
    """One day of one room. ``starts`` is when its day begins."""

    room: Room
    day: dt.date
    starts: dt.datetime
    zone: str
    opened: list[Place]
    downs: list[Place]
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class Hour:
    """A line of the grid, by what the clock of the site says then."""

    minute: int
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Board:
    """Columns with the minutes between which they are shown, and the hours between."""

    columns: list[Column]
    first: int
    last: int
    hours: list[Hour]


def of_day(person: Asker, rooms: Sequence[Room], day: dt.date) -> Board:
    """All rooms on one day."""
    return _board(person, [(room, day) for room in rooms])


def of_week(person: Asker, room: Room, day: dt.date) -> Board:
    """One room from the Monday of a day's week on."""
    monday = day - dt.timedelta(days=day.weekday())
    return _board(person, [(room, monday + dt.timedelta(days=ahead)) for ahead in range(_DAYS)])


def _board(person: Asker, wanted: Sequence[tuple[Room, dt.date]]) -> Board:
    if not wanted:
        return Board([], *_USUAL, [])
    spans = [day_span(day, room.department.site.zone) for room, day in wanted]
    whole = Span(min(span.starts for span in spans), max(span.ends for span in spans))
    rooms = {room.pk: room for room, _day in wanted}.values()
    steps = _by_room(selectors.steps_in(rooms, whole))
    seen = selectors.seen_of(person, [step for row in steps.values() for step in row])
    hours = selectors.hours_of(rooms)
    downs = _by_room(selectors.downtimes_in(rooms, whole))
    columns = [
        _column(room, day, span, [step for step in steps[room.pk] if _lies_in(step, span)], seen, hours[room.pk])
        for (room, day), span in zip(wanted, spans, strict=True)
    ]
    for column, span in zip(columns, spans, strict=True):
        closed = [down for down in downs[column.room.pk] if _lies_in(down, span)]
        column.downs.extend(_place(span, down.starts_at, down.ends_at, down.reason) for down in closed)
    first, last = _bounds(columns)
    start = columns[0].starts.astimezone(wanted[0][0].department.site.zone)
    marks = [
        Hour(minute, (start.astimezone(dt.UTC) + dt.timedelta(minutes=minute)).astimezone(start.tzinfo))
        for minute in range(first, last, _HOUR)
    ]
    return Board(columns, first, last, marks)


def _column(
    room: Room, day: dt.date, span: Span, steps: Iterable[ScheduledStep], seen: frozenset[int], hours: Sequence[Hours]
) -> Column:
    zone = room.department.site.zone
    blocks = [
        Block(
            step,
            facts.line(step.request) if step.request_id in seen else None,
            _place(span, step.starts_at, step.ends_at),
            step.status in _MOVABLE and step.request_id in seen,
        )
        for step in steps
    ]
    opened = [_place(span, one.starts, one.ends) for one in open_spans(hours, day, zone)]
    return Column(room, day, span.starts, room.department.site.time_zone, opened, [], blocks)


def _place(span: Span, starts: dt.datetime, ends: dt.datetime, words: str = "") -> Place:
    begin, end = max(starts, span.starts), min(ends, span.ends)
    return Place(_minutes(begin - span.starts), max(_minutes(end - begin), 1), words)


def _minutes(length: dt.timedelta) -> int:
    return int(length.total_seconds() // 60)


def _bounds(columns: Iterable[Column]) -> tuple[int, int]:
    """Whole hours around everything that is open, booked or down; a day that is down throughout is shown whole."""
    places = [place for one in columns for place in (*one.opened, *one.downs, *(block.place for block in one.blocks))]
    if not places:
        return _USUAL
    first = min(place.start for place in places) // _HOUR * _HOUR
    last = -(-max(place.start + place.length for place in places) // _HOUR) * _HOUR
    return first, last


def _lies_in(row: ScheduledStep | Downtime, span: Span) -> bool:
    return row.starts_at < span.ends and row.ends_at > span.starts


def _by_room(rows: Iterable[RowT]) -> dict[int, list[RowT]]:
    found: dict[int, list[RowT]] = defaultdict(list)
    for row in rows:
        found[row.room_id].append(row)
    return found
