"""The keys of one page of a study list, cut by key, never by offset; and how many studies there are, where that is known.

Two ways, for every order and every filter. What few rows satisfy is found first, by the index of the filter, and sorted;
as long as that is little work it is also counted. What many rows satisfy, or all, is read in order from each department's
index until the page is full. A study that lies in several departments has the same keys in all, and is taken once. Rows
whose sort key is blank come last in both directions: they are a part of the list of their own, ordered by study.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import F, Q, QuerySet, TextField, Value
from django.db.models.functions import NullIf

from accounts.scope import Scope
from imaging.studies.finding import list_conditions, list_rows
from imaging.studies.finding.list_cursor import Key, Place
from imaging.studies.finding.list_filters import EVERYTHING, Order, StudyFilters
from imaging.studies.finding.matching import Rows
from imaging.studies.finding.statements import compiled

#: So many rows are found first and sorted: beyond, a page is reached sooner in order.
FEW: Final = 12_000
#: How far a guess of the database is trusted that many rows have a text: passing over those that have not is dear.
_DOUBT: Final = 2
_MOST_OFFSET: Final = 1_000_000
_NEVER_BLANK: Final = frozenset({"study_at", "last_received_at", "series_count", "instance_count"})

_FOUND: Final = """
    WITH found (key, study_id) AS MATERIALIZED ({rows} LIMIT %s),
         told AS (SELECT count(*) AS rows, count(DISTINCT study_id) AS studies FROM found),
         page AS (SELECT key, study_id FROM found WHERE {beyond} GROUP BY key, study_id ORDER BY {order} LIMIT %s OFFSET %s)
    SELECT told.rows, told.studies, key, study_id FROM told LEFT JOIN page ON true ORDER BY {order}
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys in the list's order, and whether more follow in the direction of reading.

    ``total`` counts the studies of all pages; it is None where nobody had to look, and "at least" unless it ``is_exact``.
    """

    keys: list[Key]
    more: bool
    total: int | None = None
    is_exact: bool = False


def keys(
    scope: Scope, filters: StudyFilters, order: Order, place: Place | None, *, limit: int, offset: int = 0
) -> Keys:
    """Up to ``limit`` keys after the place."""
    offset = max(0, min(offset, _MOST_OFFSET))
    found = Keys([], more=False)
    if filters != EVERYTHING:
        found = _found_first(scope, filters, order, place, limit=limit, offset=offset)
        if found.is_exact:
            return found
    in_order = _in_order(scope, filters, order, place, limit + offset + 1)
    page = in_order[offset : offset + limit]
    if place is not None and place.backwards:
        page.reverse()
    return Keys(page, more=len(in_order) > limit + offset, total=found.total)


def _found_first(
    scope: Scope, filters: StudyFilters, order: Order, place: Place | None, *, limit: int, offset: int
) -> Keys:
    """The page out of all rows that satisfy the filters; without keys, and not exact, when these are not few."""
    column = order.column
    sources = []
    held = list_rows.departments(scope, filters)
    if held:
        sources.append(_bare(list_rows.placements(scope, filters, held), column, "study_id", Rows.PLACEMENT))
    if list_rows.needs_studies(scope, filters):
        sources.append(_bare(list_rows.studies(scope, filters), column, "pk", Rows.STUDY))
    backwards = place is not None and place.backwards
    direction = "DESC" if order.descending != backwards else "ASC"
    beyond, values = _beyond(place, "<" if order.descending != backwards else ">")
    found = [pair for source in sources if (pair := compiled(source))]
    if not found:
        return Keys([], more=False, total=0, is_exact=True)
    if sum(_guessed(*pair) for pair in found) > FEW * (_DOUBT if filters.has_text else 1):
        return Keys([], more=False)
    statement = _FOUND.format(
        rows=" UNION ALL ".join(sql for sql, _ in found),
        beyond=beyond,
        order=f"(key IS NULL) {'DESC' if backwards else 'ASC'}, key {direction}, study_id {direction}",
    )
    parameters = [value for _, given in found for value in given]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, FEW + 1, *values, limit + 1, offset])
        rows = cursor.fetchall()
    if rows[0][0] > FEW:
        return Keys([], more=False, total=rows[0][1])
    page = [Key(value, study_id) for _, _, value, study_id in rows if study_id is not None]
    more, page = len(page) > limit, page[:limit]
    return Keys(page[::-1] if backwards else page, more=more, total=rows[0][1], is_exact=True)


def _guessed(statement: str, parameters: tuple[Any, ...]) -> int:
    """How many rows the database expects, by its statistics."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        plan = cursor.fetchone()[0]
    return int((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _bare(rows: QuerySet[Any], name: str, study: str, kind: Rows) -> QuerySet[Any]:
    """The keys of rows in no order; None for a blank one."""
    path = list_conditions.column(name, kind)
    key = (
        F(path)
        if name in _NEVER_BLANK or name == "birth_date"
        else NullIf(F(path), Value(""), output_field=TextField())
    )
    bare: QuerySet[Any] = rows.order_by().annotate(key=key, listed=F(study)).values_list("key", "listed")
    return bare


def _beyond(place: Place | None, comparison: str) -> tuple[str, list[Any]]:
    """The condition that a row lies beyond the place in the direction of reading."""
    if place is None:
        return "true", []
    if place.value is None:
        blank = f"key IS NULL AND study_id {comparison} %s"
        return (f"(key IS NOT NULL OR ({blank}))" if place.backwards else blank), [place.study_id]
    told = f"(key, study_id) {comparison} (%s, %s)"
    return (told if place.backwards else f"(key IS NULL OR {told})"), [place.value, place.study_id]


@dataclass(frozen=True, slots=True)
class _Part:
    """What is read of the list in one go: the rows with a sort key, or those without one; from a place on."""

    order: Order
    place: Place | None
    is_blank: bool
    backwards: bool

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first in the direction of reading."""
        return self.order.descending != self.backwards

    def of(self, rows: QuerySet[Any], kind: Rows, study: str) -> QuerySet[Any]:
        """The keys of these rows, in order; ``study`` is the path of the study's primary key."""
        name = self.order.column
        column = list_conditions.column(name, kind)
        sign, comparison = ("-", "lt") if self.descending else ("", "gt")
        if name not in _NEVER_BLANK:
            rows = rows.filter(_blank(name, column) if self.is_blank else _told(name, column))
        if self.is_blank:
            if self.place is not None:
                rows = rows.filter(**{f"{study}__{comparison}": self.place.study_id})
            return rows.order_by(f"{sign}{study}").values_list(column, study)
        if self.place is not None:
            # The first condition alone bounds the index scan; the second sorts out the ties.
            value = self.place.value
            rows = rows.filter(
                Q(**{f"{column}__{comparison}e": value}),
                Q(**{f"{column}__{comparison}": value}) | Q(**{f"{study}__{comparison}": self.place.study_id}),
            )
        return rows.order_by(f"{sign}{column}", f"{sign}{study}").values_list(column, study)


def _blank(name: str, path: str) -> Q:
    return Q(**{f"{path}__isnull": True}) if name == "birth_date" else Q(**{path: ""})


def _told(name: str, path: str) -> Q:
    # Greater than nothing, not unequal: that is a range of the index.
    return Q(**{f"{path}__isnull": False}) if name == "birth_date" else Q(**{f"{path}__gt": ""})


def _in_order(scope: Scope, filters: StudyFilters, order: Order, place: Place | None, wanted: int) -> list[Key]:
    """The next rows in the direction of reading."""
    found: list[Key] = []
    for part in _parts(order, place):
        if len(found) < wanted:
            found += _merged(scope, filters, part, wanted - len(found))
    return found


def _parts(order: Order, place: Place | None) -> Iterator[_Part]:
    """The parts of the list that are left, in the direction of reading."""
    backwards = place is not None and place.backwards
    here = place is not None and place.value is None
    if order.column in _NEVER_BLANK:
        yield _Part(order, place, is_blank=False, backwards=backwards)
        return
    for is_blank in (True, False) if backwards else (False, True):
        if place is None or is_blank is here:
            yield _Part(order, place, is_blank=is_blank, backwards=backwards)
        elif is_blank is not backwards:
            # The other part follows as a whole; the one that lies behind is not read again.
            yield _Part(order, None, is_blank=is_blank, backwards=backwards)


def _merged(scope: Scope, filters: StudyFilters, part: _Part, wanted: int) -> list[Key]:
    """The first keys of a part over all departments, each study once."""
    sources = []
    for department in list_rows.departments(scope, filters):
        rows = list_rows.placements(scope, filters, [department])
        sources.append(part.of(rows, Rows.PLACEMENT, "study_id"))
    if list_rows.needs_studies(scope, filters):
        sources.append(part.of(list_rows.studies(scope, filters), Rows.STUDY, "pk"))
    found: list[tuple[Any, int]] = []
    for source in sources:
        found += source[:wanted]
    found = list(dict.fromkeys(found))
    found.sort(key=lambda key: key[1] if part.is_blank else key, reverse=part.descending)
    return [Key(None if part.is_blank else value, study_id) for value, study_id in found[:wanted]]
