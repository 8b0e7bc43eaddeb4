"""The study list, in any order it offers, page by page, at the cost of a page (DESIGN 4, "Placement and scope").

A department's list is a range scan over its placements, which carry the sort keys. The lists of several departments are
the first rows of each, merged; a study that lies in several of them has the same keys in all, and is shown once. Pages
are cut by key, never by offset.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies import list_cursor, list_rows, list_scan
from imaging.studies.list_filters import EVERYTHING, Order, Status, StudyFilters
from imaging.studies.models import Placement, Study

__all__ = [
    "COUNTED",
    "Order",
    "Page",
    "Status",
    "StudyFilters",
    "StudyRow",
    "Total",
    "study_count",
    "study_list",
    "study_list_version",
    "study_pages",
]

#: Up to here the number of studies that a free text finds is counted at once.
COUNTED = 10_000
_MOST_ROWS = 500
#: What a line of the list shows of its study, beside what the study's version tells of.
_SHOWN = (
    *("pk", "version", "thumbnail_id", "status", "sensitivity"),
    *("patient__patient_name", "patient__patient_id", "patient__birth_date", "patient__sex"),
)


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study of the list, with its patient and the reader's departments that have it."""

    study: Study
    departments: tuple[Department, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``next`` and ``previous`` are opaque cursors, empty at the ends.

    ``total`` is exact, but for a free text that finds many: then ``has_exact_total`` is False, and it means "more than".
    """

    rows: list[StudyRow] = field(default_factory=list)
    next: str = ""
    previous: str = ""
    total: int = 0
    has_exact_total: bool = True


@dataclass(frozen=True, slots=True)
class Total:
    """How many studies a list has; "at least" where it is not exact."""

    number: int
    is_exact: bool


def study_list(
    scope: Scope,
    filters: StudyFilters = EVERYTHING,
    *,
    order: Order = Order.LATEST,
    cursor: str = "",
    offset: int = 0,
    limit: int = 50,
) -> Page:
    """One page of the studies that ``scope`` may list; a cursor that cannot be read gives the first page.

    ``offset`` skips rows after the cursor's place, at their cost: pages are turned by cursor.
    """
    limit = max(1, min(limit, _MOST_ROWS))
    place = list_cursor.read(cursor, order)
    keys, more = list_scan.keys(scope, filters, order, place, limit=limit, offset=offset)
    total = study_count(scope, filters)
    backwards = place is not None and place.backwards
    has_next, has_previous = (True, more) if backwards else (more, place is not None or offset > 0)
    return Page(
        rows=_rows(scope, [key.study_id for key in keys]),
        next=list_cursor.written(keys[-1], order, backwards=False) if keys and has_next else "",
        previous=list_cursor.written(keys[0], order, backwards=True) if keys and has_previous else "",
        total=total.number,
        has_exact_total=total.is_exact,
    )


def study_pages(
    scope: Scope, filters: StudyFilters = StudyFilters(), *, order: Order = Order.LATEST, limit: int = _MOST_ROWS
) -> Iterator[list[StudyRow]]:
    """The whole list, a page at a time and uncounted: for what leaves the portal row by row, in flat memory."""
    cursor, more = "", True
    while more:
        place = list_cursor.read(cursor, order)
        keys, more = list_scan.keys(scope, filters, order, place, limit=limit)
        if keys:
            yield _rows(scope, [key.study_id for key in keys])
            cursor = list_cursor.written(keys[-1], order, backwards=False)


def study_count(scope: Scope, filters: StudyFilters = EVERYTHING, *, exact: bool = False) -> Total:
    """How many studies ``study_list`` has on all its pages, each once.

    Exact whenever an index can tell; with a free text only up to ``COUNTED``, unless ``exact`` asks for the rest too.
    """
    held = list_rows.departments(scope, filters)
    counted = list_rows.placements(scope, filters, held).order_by()
    # One department has a study once: only several make it worth to look for doubles.
    ids: Any = counted.values("study_id") if len(held) == 1 else counted.values("study_id").distinct()
    if list_rows.needs_studies(scope, filters):
        named = list_rows.studies(scope, filters).order_by().values("pk")
        ids = ids.union(named) if held else named
    if exact or not (filters.search or filters.referring or filters.attributes):
        return Total(ids.count(), is_exact=True)
    number = ids[: COUNTED + 1].count()
    return Total(min(number, COUNTED), is_exact=number <= COUNTED)


def study_list_version(
    scope: Scope,
    filters: StudyFilters = EVERYTHING,
    *,
    order: Order = Order.LATEST,
    cursor: str = "",
    limit: int = 50,
) -> str:
    """A value that changes whenever the rows of the same page of ``study_list`` would look different.

    Cheap, as lists ask for it every few seconds: it counts nothing, so that a change on other pages alone leaves it.
    """
    limit = max(1, min(limit, _MOST_ROWS))
    keys, more = list_scan.keys(scope, filters, order, list_cursor.read(cursor, order), limit=limit)
    ids = [key.study_id for key in keys]
    shown = Study.objects.filter(pk__in=ids).values_list(*_SHOWN)
    placed = _placements(scope, ids).values_list("pk", "department__name", "department__code")
    seen = ({row[0]: row for row in shown}, ids, more, sorted(placed))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def _placements(scope: Scope, ids: Sequence[int]) -> QuerySet[Placement]:
    return Placement.objects.visible_to(scope).filter(study__in=ids, department__in=scope.departments_with(Right.LIST))


def _rows(scope: Scope, ids: Sequence[int]) -> list[StudyRow]:
    studies = Study.objects.filter(pk__in=ids).select_related("patient", "thumbnail").in_bulk()
    departments: dict[int, list[Department]] = {}
    for row in _placements(scope, ids).select_related("department").order_by("placed_at", "pk"):
        departments.setdefault(row.study_id, []).append(row.department)
    return [StudyRow(studies[pk], tuple(departments.get(pk, ()))) for pk in ids if pk in studies]
