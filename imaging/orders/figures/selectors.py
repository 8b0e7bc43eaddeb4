"""The figures, aggregated by the database: one statement reads the requests of a period once and answers all about it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from imaging.orders.figures import policies
from imaging.orders.models import Priority, Procedure

_GROUPS: Final[Mapping[str, str]] = {
    "modality": "modality",
    "performing": "performing_department_id",
    "requesting": "requesting_department_id",
    "priority": "priority",
    "hour": "hour",
    "weekday": "weekday",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which departments (primary keys; those that perform), what, over which days and by what. Empty means all."""

    departments: frozenset[int]
    period: str = "30d"
    by: str = "modality"
    modality: str = ""
    priority: Priority | None = None

    @property
    def days(self) -> int:
        """Days back, today among them."""
        return policies.PERIODS[self.period][0]


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took: how often it was measured, and the seconds that half and nine of ten did not exceed."""

    count: int
    median: float | None
    nine_of_ten: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The requests of one modality, department, priority, hour or weekday (``key``; None where it is not said)."""

    key: Any
    asked: int
    booked: int
    absent: int
    ended: int
    times: Times


@dataclass(frozen=True, slots=True)
class Figures:
    """All about a period. ``hours`` counts requests by (weekday 1 to 7, hour)."""

    asked: int
    reported: int
    booked: int
    absent: int
    steps: Mapping[str, Times]
    groups: Sequence[Group]
    days: Sequence[tuple[date, int, int]]
    hours: Mapping[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one state now: how many of each age, and since when the oldest does."""

    state: str
    counts: tuple[int, ...]
    oldest: datetime | None

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.counts)


_CHOSEN: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT request.state, request.priority, request.performing_department_id, request.requesting_department_id,
               request.requested_at, request.vetted_at, request.scheduled_at, request.arrived_at, request.started_at,
               request.completed_at, request.reported_at, request.acknowledged_at, procedure.modality,
               date_part('hour', request.requested_at AT TIME ZONE %(zone)s)::int AS hour,
               date_part('isodow', request.requested_at AT TIME ZONE %(zone)s)::int AS weekday,
               (request.requested_at AT TIME ZONE %(zone)s)::date AS day
        FROM imaging_examrequest request LEFT JOIN imaging_procedure procedure ON procedure.id = request.procedure_id
        WHERE request.performing_department_id = ANY(%(departments)s)
          AND request.requested_at >= %(since)s AND request.requested_at < %(until)s
          AND request.state <> 'draft'
          AND (%(modality)s = '' OR procedure.modality = %(modality)s)
          AND (%(priority)s::int IS NULL OR request.priority = %(priority)s::int)
    )
"""
_COUNTS: Final = """
    count(*), count(*) FILTER (WHERE scheduled_at IS NOT NULL),
    count(*) FILTER (WHERE state = 'no_show'),
    count(*) FILTER (WHERE state IN ('refused', 'discontinued', 'cancelled')),
    count(*) FILTER (WHERE reported_at IS NOT NULL)
"""
_BACKLOG: Final = """
    SELECT state, width_bucket(date_part('epoch', %(now)s - since), %(ages)s::float8[]) AS age, count(*), min(since)
    FROM (
        SELECT request.state, CASE request.state {since} END AS since
        FROM imaging_examrequest request LEFT JOIN imaging_procedure procedure ON procedure.id = request.procedure_id
        WHERE request.performing_department_id = ANY(%(departments)s) AND request.state = ANY(%(states)s)
          AND (%(modality)s = '' OR procedure.modality = %(modality)s)
          AND (%(priority)s::int IS NULL OR request.priority = %(priority)s::int)
    ) waiting
    WHERE since IS NOT NULL
    GROUP BY state, age
"""


def _times(begins: str, ends: str) -> str:
    """SQL of how often, and the median and ninth decile in seconds; a step taken back and taken anew may end before it began."""
    is_whole = f"FILTER (WHERE {ends} >= {begins})"
    # date_part gives float8: extract gives numeric, which costs three times as much to sort.
    seconds = f"date_part('epoch', {ends} - {begins})"
    return f"count(*) {is_whole}, percentile_disc(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY {seconds}) {is_whole}"


def _statement(by: str) -> str:
    steps = ", ".join(f"jsonb_build_array({_times(step.begins, step.ends)})" for step in policies.STEPS)
    whole = policies.STEPS[-1]
    group = _GROUPS[by]
    return f"""{_CHOSEN}
        SELECT
            (SELECT jsonb_build_array(jsonb_build_array({_COUNTS}), {steps}) FROM chosen),
            (SELECT coalesce(jsonb_agg(found.told), '[]') FROM (
                SELECT jsonb_build_array({group}, {_COUNTS}, {_times(whole.begins, whole.ends)}) AS told
                FROM chosen GROUP BY {group} ORDER BY {"count(*) DESC," if by not in {"hour", "weekday", "priority"} else ""} {group}
            ) found),
            (SELECT coalesce(jsonb_agg(jsonb_build_array(day, asked, reported)), '[]') FROM (
                SELECT day, count(*) AS asked, count(reported_at) AS reported FROM chosen GROUP BY day
            ) found),
            (SELECT coalesce(jsonb_agg(jsonb_build_array(weekday, hour, asked)), '[]') FROM (
                SELECT weekday, hour, count(*) AS asked FROM chosen GROUP BY weekday, hour
            ) found)
    """  # noqa: S608 -- composed of names that stand in this module


def figures(asked: Asked) -> Figures:
    """Return how things went in a period, by the moment at which they were asked for."""
    zone = timezone.get_current_timezone_name()
    today = timezone.localdate()
    first = today - timedelta(days=asked.days - 1)
    since = timezone.make_aware(datetime.combine(first, datetime.min.time()))
    values = {**_narrowed(asked), "zone": zone, "since": since, "until": timezone.now()}
    with connection.cursor() as cursor:
        cursor.execute(_statement(asked.by), values)
        told = [json.loads(part) if isinstance(part, str) else part for part in cursor.fetchone()]
    (counts, *steps), groups, days, hours = told
    by_day = {date.fromisoformat(day): (number, reported) for day, number, reported in days}
    return Figures(
        asked=counts[0],
        booked=counts[1],
        absent=counts[2],
        reported=counts[4],
        steps={step.key: _read(*entry) for step, entry in zip(policies.STEPS, steps, strict=True)},
        groups=[
            Group(key, number, booked, absent, ended, _read(measured, both))
            for key, number, booked, absent, ended, _reported, measured, both in groups
        ],
        days=[(day, *by_day.get(day, (0, 0))) for day in (first + timedelta(days=n) for n in range(asked.days))],
        hours={(weekday, hour): number for weekday, hour, number in hours},
    )


def _read(count: int, both: Sequence[float] | None) -> Times:
    return Times(count, *both) if both else Times(count, None, None)


def backlog(asked: Asked) -> list[Waiting]:
    """Return what waits now, state by state in the order of the way; the period plays no part."""
    now = timezone.now()
    cases = " ".join(f"WHEN '{state}' THEN request.{column}" for state, column in policies.OPEN.items())
    values = {
        **_narrowed(asked),
        "states": [str(state) for state in policies.OPEN],
        "ages": list(policies.AGES),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG.format(since=cases), values)
        rows = cursor.fetchall()
    return [_waiting(str(state), rows) for state in policies.OPEN]


def _waiting(state: str, rows: Iterable[tuple[str, int, int, datetime]]) -> Waiting:
    counts = [0] * (len(policies.AGES) + 1)
    oldest: list[datetime] = []
    for found, age, number, since in rows:
        if found == state:
            counts[max(age, 0)] += number
            oldest.append(since)
    return Waiting(state, tuple(counts), min(oldest, default=None))


def _narrowed(asked: Asked) -> dict[str, Any]:
    return {
        "departments": sorted(asked.departments),
        "modality": asked.modality,
        "priority": None if asked.priority is None else int(asked.priority),
    }


def modalities() -> list[str]:
    """Return the modalities of the catalogue."""
    return sorted(Procedure.objects.order_by().values_list("modality", flat=True).distinct())
