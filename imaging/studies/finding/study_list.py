"""The study list, in any order it offers, page by page, at the cost of a page (DESIGN 4, "Placement and scope").

A department's list is a range scan over its placements, which carry the sort keys. The lists of several departments are
the first rows of each, merged; a study that lies in several of them has the same keys in all, and is shown once. Pages
are cut by key, never by offset.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from django.db.models import QuerySet

from accounts.models import Department
from accounts.scope import Scope
from imaging.studies.finding import list_count, list_cursor, list_scan
from imaging.studies.finding.list_cursor import Place
from imaging.studies.finding.list_filters import EVERYTHING, Order, Status, StudyFilters
from imaging.studies.finding.time_limit import COUNT_SECONDS, SearchTooBroad, time_limit
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
    "study_list_state",
    "study_list_version",
    "whole_list",
]

#: A longer list than this is counted for whoever asks ``study_count``, not with every page.
COUNTED = 10_000
_MOST_ROWS = 500
#: Keys of a whole list that are read in one go.
_MOST_KEYS = 20_000
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

    ``total`` is exact, but for a long list: then ``has_exact_total`` is False, it means "more than", and ``study_count``
    tells the number. ``version`` is what ``study_list_version`` gives while nothing changes.
    """

    rows: list[StudyRow] = field(default_factory=list)
    next: str = ""
    previous: str = ""
    total: int = 0
    has_exact_total: bool = True
    version: str = ""


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
    found = list_scan.keys(scope, filters, order, place, limit=limit, offset=offset)
    keys = found.keys
    total = _total(scope, filters, found)
    backwards = place is not None and place.backwards
    has_next, has_previous = (True, found.more) if backwards else (found.more, place is not None or offset > 0)
    rows, version = _rows_and_version(scope, [key.study_id for key in keys], more=found.more)
    return Page(
        rows=rows,
        next=list_cursor.written(keys[-1], order, backwards=False) if keys and has_next else "",
        previous=list_cursor.written(keys[0], order, backwards=True) if keys and has_previous else "",
        total=total.number,
        has_exact_total=total.is_exact,
        version=version,
    )


def whole_list(
    scope: Scope, filters: StudyFilters = EVERYTHING, *, order: Order = Order.LATEST
) -> tuple[int, Iterator[list[StudyRow]]]:
    """How many studies a list has, and all its rows, some at a time: for what leaves the portal row by row.

    Which studies they are is decided before it returns, so that ``time_limit`` refuses the list before anything is sent.
    What is out of scope by the time its turn comes is left out. Memory: eight bytes a study, and the rows in hand.
    """
    ids, place, more = array("q"), None, True
    while more:
        found = list_scan.keys(scope, filters, order, place, limit=_MOST_KEYS)
        ids.extend(key.study_id for key in found.keys)
        more = found.more and bool(found.keys)
        place = Place(found.keys[-1].value, found.keys[-1].study_id) if more else None
    own = scope.within(filters.departments) if filters.departments else scope
    visible = Study.objects.visible_to(own)
    return len(ids), (_rows(own, ids[start : start + _MOST_ROWS], visible) for start in range(0, len(ids), _MOST_ROWS))


def study_count(scope: Scope, filters: StudyFilters = EVERYTHING, *, exact: bool = True) -> Total:
    """How many studies ``study_list`` has on all its pages, each once; unless ``exact``, only up to ``COUNTED``."""
    if exact:
        return Total(list_count.counted(scope, filters).studies, is_exact=True)
    some = list_count.counted(scope, filters, at_most=list_scan.FEW + 1)
    return _capped(some.studies, is_exact=some.rows <= list_scan.FEW)


def _capped(number: int, *, is_exact: bool) -> Total:
    return Total(number if is_exact else min(number, COUNTED), is_exact)


def _total(scope: Scope, filters: StudyFilters, found: list_scan.Keys) -> Total:
    """What is known of the number of studies once a page is found: if counting takes too long, at least those of the page."""
    if found.total is not None:
        return _capped(found.total, is_exact=found.is_exact)
    if not filters.has_text:
        return study_count(scope, filters, exact=False)
    try:
        with time_limit(COUNT_SECONDS):
            return study_count(scope, filters, exact=False)
    except SearchTooBroad:
        return Total(len(found.keys), is_exact=False)


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
    return study_list_state(scope, filters, order=order, cursor=cursor, limit=limit)[0]


def study_list_state(
    scope: Scope,
    filters: StudyFilters = EVERYTHING,
    *,
    order: Order = Order.LATEST,
    cursor: str = "",
    limit: int = 50,
) -> tuple[str, list[int]]:
    """What ``study_list_version`` gives, with the primary keys of the page's studies: for lists that show more of each."""
    limit = max(1, min(limit, _MOST_ROWS))
    found = list_scan.keys(scope, filters, order, list_cursor.read(cursor, order), limit=limit)
    ids = [key.study_id for key in found.keys]
    shown = {row[0]: row for row in Study.objects.filter(pk__in=ids).values_list(*_SHOWN)}
    placed = _placements(scope, ids).values_list("pk", "department__name", "department__code")
    return _version(shown, ids, placed, more=found.more), ids


def _version(
    shown: Mapping[int, tuple[Any, ...]], ids: Sequence[int], placed: Iterable[tuple[int, str, str]], *, more: bool
) -> str:
    """A digest of all that a page shows: of ``_SHOWN`` by study, their order, and placements with name and code of the department."""
    seen = ([shown.get(pk) for pk in ids], more, sorted(placed))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def _placements(scope: Scope, ids: Sequence[int]) -> QuerySet[Placement]:
    """Where the reader has these studies; nowhere for whom departments mean nothing.

    By the study first: asked for both at once, the database may run through all that the departments have.
    """
    if scope.is_unrestricted:
        return Placement.objects.none()
    of_studies = Placement.objects.filter(study__in=ids).order_by()
    return Placement.objects.visible_to(scope).filter(pk__in=of_studies.values("pk"))


def _rows(scope: Scope, ids: Sequence[int], of: QuerySet[Study]) -> list[StudyRow]:
    """The rows of these studies, in this order; of those alone that are among ``of`` by now."""
    return _joined(ids, *_read(scope, ids, of))


def _rows_and_version(scope: Scope, ids: Sequence[int], *, more: bool) -> tuple[list[StudyRow], str]:
    """The rows of studies that were found this moment, and the version of a page of them."""
    studies, placements = _read(scope, ids, Study.objects.all())
    shown = {pk: tuple(reduce(getattr, name.split("__"), study) for name in _SHOWN) for pk, study in studies.items()}
    placed = [(row.pk, row.department.name, row.department.code) for row in placements]
    return _joined(ids, studies, placements), _version(shown, ids, placed, more=more)


def _read(scope: Scope, ids: Sequence[int], of: QuerySet[Study]) -> tuple[dict[int, Study], list[Placement]]:
    studies = of.filter(pk__in=ids).select_related("patient", "thumbnail").in_bulk()
    return studies, list(_placements(scope, ids).select_related("department").order_by("placed_at", "pk"))


def _joined(ids: Sequence[int], studies: Mapping[int, Study], placements: Iterable[Placement]) -> list[StudyRow]:
    departments: dict[int, list[Department]] = {}
    for row in placements:
        departments.setdefault(row.study_id, []).append(row.department)
    return [StudyRow(studies[pk], tuple(departments.get(pk, ()))) for pk in ids if pk in studies]
