"""The study list, in any order it offers, page by page, at the cost of a page (DESIGN 4, "Placement and scope").

A department's list is a range scan over its placements, which carry the sort keys. The lists of several departments are
the first rows of each, merged; a study that lies in several of them has the same keys in all, and is shown once. Pages
are cut by key, never by offset.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.studies.models import Placement, Study

#: Up to here the number of matching studies is counted exactly.
COUNTED = 10_000
_MOST_ROWS = 500
_MOST_WORDS = 8


class Order(StrEnum):
    """The orders that a list offers; a leading minus is descending, as in Django."""

    LATEST = "-study_at"
    EARLIEST = "study_at"
    LAST_RECEIVED = "-last_received_at"
    FIRST_RECEIVED = "last_received_at"
    NAME = "name_norm"
    NAME_DESCENDING = "-name_norm"
    PATIENT_ID = "patient_id"
    PATIENT_ID_DESCENDING = "-patient_id"

    @property
    def column(self) -> str:
        """The sort key's column in placements."""
        return self.value.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the greatest comes first."""
        return self.value.startswith("-")


@dataclass(frozen=True, slots=True)
class StudyFilters:
    """What the reader asked for. Dates are days in the current time zone, both included; ``department`` is a key."""

    search: str = ""
    modality: str = ""
    date_from: date | None = None
    date_to: date | None = None
    department: int | None = None


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study of the list, with its patient and the reader's departments that have it."""

    study: Study
    departments: tuple[Department, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``next`` and ``previous`` are opaque cursors, empty at the ends.

    ``total`` is exact up to ``COUNTED``; beyond that ``has_exact_total`` is False and it means "more than".
    """

    rows: list[StudyRow] = field(default_factory=list)
    next: str = ""
    previous: str = ""
    total: int = 0
    has_exact_total: bool = True


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The row after (or before) which a page begins."""

    value: Any
    study_id: int
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class _Keys:
    """One row's place in the list."""

    value: Any
    study_id: int


def study_list(
    scope: Scope,
    filters: StudyFilters = StudyFilters(),
    *,
    order: Order = Order.LATEST,
    cursor: str = "",
    limit: int = 50,
) -> Page:
    """One page of the studies that ``scope`` may list; a cursor that cannot be read gives the first page."""
    limit = max(1, min(limit, _MOST_ROWS))
    place = _read_cursor(cursor, order)
    keys, more = _keys(scope, filters, order, place, limit)
    total, exact = _count(scope, filters)
    backwards = place is not None and place.backwards
    has_next, has_previous = (True, more) if backwards else (more, place is not None)
    return Page(
        rows=_rows(scope, [key.study_id for key in keys]),
        next=_write_cursor(keys[-1], order, backwards=False) if keys and has_next else "",
        previous=_write_cursor(keys[0], order, backwards=True) if keys and has_previous else "",
        total=total,
        has_exact_total=exact,
    )


def study_list_version(
    scope: Scope,
    filters: StudyFilters = StudyFilters(),
    *,
    order: Order = Order.LATEST,
    cursor: str = "",
    limit: int = 50,
) -> str:
    """A value that changes whenever the rows of the same page of ``study_list`` would look different.

    Cheap, as lists ask for it every few seconds: it counts nothing, so that a change on other pages alone leaves it.
    """
    limit = max(1, min(limit, _MOST_ROWS))
    keys, more = _keys(scope, filters, order, _read_cursor(cursor, order), limit)
    ids = [key.study_id for key in keys]
    columns = ("pk", "version", "thumbnail_id", "settled_at", "sensitivity", "patient__patient_name")
    rows = {row[0]: row for row in Study.objects.filter(pk__in=ids).values_list(*columns)}
    placed = _placements(scope, ids).values_list("pk", flat=True)
    seen = ([rows.get(pk) for pk in ids], more, sorted(placed))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:32]


def _keys(
    scope: Scope, filters: StudyFilters, order: Order, place: _Cursor | None, limit: int
) -> tuple[list[_Keys], bool]:
    """Up to ``limit`` keys in the list's order, and whether more follow in the direction of reading."""
    backwards = place is not None and place.backwards
    descending = order.descending != backwards
    found: list[_Keys] = []
    for source in _sources(scope, filters, order, place, descending=descending):
        found += [_Keys(value, study_id) for value, study_id in source[: limit + 1]]
    found = list(dict.fromkeys(found))
    found.sort(key=lambda key: (key.value, key.study_id), reverse=descending)
    more = len(found) > limit
    found = found[:limit]
    return (found[::-1] if backwards else found), more


def _sources(
    scope: Scope, filters: StudyFilters, order: Order, place: _Cursor | None, *, descending: bool
) -> list[QuerySet[Any, Any]]:
    """One query per department, each a range scan; and one over studies for what is open without a placement."""
    sources = []
    for department in _departments(scope, filters):
        rows: QuerySet[Any] = Placement.objects.visible_to(scope).filter(department=department)
        rows = _after(_matching(rows, filters, ""), order.column, "study_id", place, descending=descending)
        sources.append(rows.values_list(order.column, "study_id"))
    if _needs_studies(scope, filters):
        column = _of_study(order.column)
        studies = _after(_studies(scope, filters), column, "pk", place, descending=descending)
        sources.append(studies.values_list(column, "pk"))
    return sources


def _departments(scope: Scope, filters: StudyFilters) -> list[int]:
    held = scope.departments_with(Right.LIST)
    return sorted(held & {filters.department} if filters.department is not None else held)


def _needs_studies(scope: Scope, filters: StudyFilters) -> bool:
    """Whether studies are open by name, or all of them, beside those placed in the reader's departments."""
    return filters.department is None and (scope.is_unrestricted or scope.named_with(Right.LIST))


def _studies(scope: Scope, filters: StudyFilters) -> QuerySet[Study]:
    return _matching(Study.objects.visible_to(scope), filters, "study")


def _of_study(column: str) -> str:
    return f"patient__{column}" if column in {"name_norm", "patient_id"} else column


def _after(rows: QuerySet[Any], column: str, key: str, place: _Cursor | None, *, descending: bool) -> QuerySet[Any]:
    """Rows beyond the cursor, in order."""
    sign, comparison = ("-", "lt") if descending else ("", "gt")
    if place is not None:
        # The first condition alone bounds the index scan; the second sorts out the ties.
        rows = rows.filter(
            Q(**{f"{column}__{comparison}e": place.value}),
            Q(**{f"{column}__{comparison}": place.value}) | Q(**{f"{key}__{comparison}": place.study_id}),
        )
    return rows.order_by(f"{sign}{column}", f"{sign}{key}")


def _matching(rows: QuerySet[Any], filters: StudyFilters, level: str) -> QuerySet[Any]:
    """Rows that satisfy the filters; ``level`` tells placements from studies."""
    on_study = level == "study"
    name = "patient__name_norm" if on_study else "name_norm"
    patient_id = "patient__patient_id" if on_study else "patient_id"
    for word in filters.search.split()[:_MOST_WORDS]:
        rows = rows.filter(_word(word, name, patient_id))
    if filters.modality:
        rows = rows.filter(modalities__contains=[filters.modality])
    if filters.date_from is not None:
        rows = rows.filter(study_at__gte=_midnight(filters.date_from))
    if filters.date_to is not None and filters.date_to < date.max:
        rows = rows.filter(study_at__lt=_midnight(filters.date_to + timedelta(days=1)))
    return rows


def _word(word: str, name: str, patient_id: str) -> Q:
    """One word of a search: part of a name, or the beginning of a patient ID or accession number."""
    word = word.replace("\x00", "")
    wanted = Q()
    for part in person_name.normalised(word).split():
        wanted &= Q(**{f"{name}__contains": part})
    # Letters alone are a name: asking the other columns too would cost the name's index.
    if wanted and not any(char.isdigit() for char in word):
        return wanted
    numbers = Q(**{f"{patient_id}__startswith": word}) | Q(accession_number__startswith=word)
    return wanted | numbers if wanted else numbers


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _count(scope: Scope, filters: StudyFilters) -> tuple[int, bool]:
    """Number of matching studies, and whether it is exact."""
    held = _departments(scope, filters)
    placed = Placement.objects.visible_to(scope).filter(department__in=held)
    counted = _matching(placed, filters, "").order_by()
    # One department has a study once: only several make it worth to look for doubles.
    ids: Any = counted.values("study_id") if len(held) == 1 else counted.values("study_id").distinct()
    if _needs_studies(scope, filters):
        ids = _studies(scope, filters).order_by().values("pk")
    number = ids[: COUNTED + 1].count()
    return min(number, COUNTED), number <= COUNTED


def _placements(scope: Scope, ids: Sequence[int]) -> QuerySet[Placement]:
    return Placement.objects.visible_to(scope).filter(study__in=ids, department__in=scope.departments_with(Right.LIST))


def _rows(scope: Scope, ids: Sequence[int]) -> list[StudyRow]:
    studies = Study.objects.filter(pk__in=ids).select_related("patient", "thumbnail").in_bulk()
    departments: dict[int, list[Department]] = {}
    for row in _placements(scope, ids).select_related("department").order_by("placed_at", "pk"):
        departments.setdefault(row.study_id, []).append(row.department)
    return [StudyRow(studies[pk], tuple(departments.get(pk, ()))) for pk in ids if pk in studies]


def _write_cursor(key: _Keys, order: Order, *, backwards: bool) -> str:
    value = key.value.isoformat() if isinstance(key.value, datetime) else key.value
    packed = orjson.dumps([order.value, value, key.study_id, backwards])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _read_cursor(text: str, order: Order) -> _Cursor | None:
    """A cursor of this order, or None: addresses are hostile, and an old one is no error."""
    if not text or len(text) > 2000:
        return None
    try:
        named, value, study_id, backwards = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if named != order.value or not isinstance(value, str) or not isinstance(backwards, bool):
            return None
        if order.column in {"study_at", "last_received_at"}:
            value = datetime.fromisoformat(value)
            if value.tzinfo is None:
                return None
        if type(study_id) is not int or not 0 <= study_id < 2**63 or "\x00" in str(value):
            return None
    except (binascii.Error, ValueError, TypeError):
        return None
    return _Cursor(value, study_id, backwards)
