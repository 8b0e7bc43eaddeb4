"""Figures as rows and shapes of a page: bars of whole units, and a field of hours in six shades. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import plots
from imaging.orders.figures import policies
from imaging.orders.figures.selectors import Group, Times, Waiting
from imaging.orders.models import ExamRequest

#: Shades of the field of hours beyond "none".
_SHADES: Final = 5
#: More bars than this cannot be told apart: days become weeks.
_MOST_BARS: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table with its bar: the median, and up to the ninth decile, in units of ``plots.WIDTH``."""

    label: str
    count: int
    median: str
    nine_of_ten: str
    median_width: int
    whole_width: int
    group: Group | None = None
    absent_share: str = ""


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A state with how many wait in it, by age; widths of the bar in units of ``plots.WIDTH``."""

    label: str
    counts: tuple[int, ...]
    total: int
    since: str
    parts: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour of one weekday: its place, how many, and its shade from 0 (none)."""

    x: int
    y: int
    count: int
    shade: int
    label: str


@dataclass(frozen=True, slots=True)
class Field:
    """Requests by weekday and hour: cells of 12 by 12 units, and the same as rows of a table."""

    cells: tuple[Cell, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    sentence: str


def _width(part: float | None, most: float) -> int:
    return max(round(part * plots.WIDTH / most), 2) if part and most else 0


def steps(found: Mapping[str, Times]) -> list[Row]:
    """The steps in the order of the way, on one scale; the last is the whole."""
    most = max((times.nine_of_ten or 0 for times in found.values()), default=0)
    return [_row(str(step.label), found[step.key], most) for step in policies.STEPS]


def groups(found: Sequence[Group], label: Callable[[Group], str]) -> list[Row]:
    """What is compared, on one scale."""
    most = max((group.times.nine_of_ten or 0 for group in found), default=0)
    return [_row(label(group), group.times, most, group) for group in found]


def _row(label: str, times: Times, most: float, group: Group | None = None) -> Row:
    return Row(
        label=label,
        count=times.count,
        median=policies.duration(times.median),
        nine_of_ten=policies.duration(times.nine_of_ten),
        median_width=_width(times.median, most),
        whole_width=_width(times.nine_of_ten, most),
        group=group,
        absent_share=policies.share(group.absent, group.booked) if group else "",
    )


def backlog(found: Iterable[Waiting]) -> list[WaitingRow]:
    """The states that have something waiting in them, or may have."""
    rows = list(found)
    most = max((row.total for row in rows), default=0)
    return [_waiting(row, most) for row in rows]


def _waiting(row: Waiting, most: int) -> WaitingRow:
    parts, x = [], 0
    for age, count in enumerate(row.counts):
        width = _width(count, most)
        if width:
            parts.append((age, x, min(width, plots.WIDTH - x)))
            x += width
    since = date_format(row.oldest, "SHORT_DATETIME_FORMAT") if row.oldest else "–"
    return WaitingRow(str(ExamRequest.State(row.state).label), row.counts, row.total, since, tuple(parts))


def days(found: Sequence[tuple[date, int, int]]) -> plots.Plot:
    """Requests by the day on which they were asked for, or by the week of a long period: those reported, the rest above."""
    pace = 7 if len(found) > _MOST_BARS else 1
    spans = [found[start : start + pace] for start in range(0, len(found), pace)]
    values = [
        (
            date_format(span[0][0], "SHORT_DATE_FORMAT"),
            sum(day[2] for day in span),
            sum(day[1] - day[2] for day in span),
        )
        for span in spans
    ]
    told = {"count": sum(day[1] for day in found), "most": max((one + rest for _label, one, rest in values), default=0)}
    sentence = (
        _("%(count)d in all, at most %(most)d in one week; the solid part is reported")
        if pace > 1
        else _("%(count)d in all, at most %(most)d on one day; the solid part is reported")
    )
    return plots.Plot(
        key="days",
        title=_("Requests per week") if pace > 1 else _("Requests per day"),
        sentence=sentence % told,
        columns=(_("From") if pace > 1 else _("Day"), _("Reported"), _("Not yet reported")),
        bars=plots.standing(values),
        address="",
    )


def hours(found: Mapping[tuple[int, int], int]) -> Field:
    """When requests are made, by weekday and hour of the reader's zone."""
    most = max(found.values(), default=0)
    cells, rows = [], []
    for day, label in enumerate(policies.WEEKDAYS, 1):
        counts = tuple(found.get((day, hour), 0) for hour in range(24))
        rows.append((str(label), counts))
        for hour, count in enumerate(counts):
            shade = -(-count * _SHADES // most) if most else 0
            cells.append(Cell(hour * 12, (day - 1) * 12, count, shade, f"{label} {hour:02d}:00"))
    busiest = max(found, key=lambda place: found[place], default=None)
    sentence = _("No request in this time")
    if busiest is not None:
        told = {"day": policies.WEEKDAYS[busiest[0] - 1], "hour": f"{busiest[1]:02d}:00", "count": most}
        sentence = _("Most on %(day)s at %(hour)s: %(count)d") % told
    return Field(tuple(cells), tuple(rows), sentence)
