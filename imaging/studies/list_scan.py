"""The keys of one page of a study list: the first rows of each department's index, merged; pages are cut by key.

A study that lies in several departments has the same keys in all, and is taken once. Rows whose sort key is blank come
last in both directions: they are a part of the list of their own, ordered by study.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.scope import Scope
from imaging.studies import list_conditions, list_rows
from imaging.studies.list_cursor import Key, Place
from imaging.studies.list_filters import Order, StudyFilters
from imaging.studies.matching import Rows

_MOST_OFFSET: Final = 1_000_000
_NEVER_BLANK: Final = frozenset({"study_at", "last_received_at", "series_count", "instance_count"})


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

    def of(self, rows: QuerySet[Any], kind: Rows, key: str) -> QuerySet[Any]:
        """The keys of these rows, in order; ``key`` is the path of the study's primary key."""
        column = list_conditions.column(self.order.column, kind)
        sign, comparison = ("-", "lt") if self.descending else ("", "gt")
        if self.order.column not in _NEVER_BLANK:
            blank = _blank(self.order.column, column)
            rows = rows.filter(blank) if self.is_blank else rows.exclude(blank)
        if self.is_blank:
            if self.place is not None:
                rows = rows.filter(**{f"{key}__{comparison}": self.place.study_id})
            return rows.order_by(f"{sign}{key}").values_list(column, key)
        if self.place is not None:
            # The first condition alone bounds the index scan; the second sorts out the ties.
            value = self.place.value
            rows = rows.filter(
                Q(**{f"{column}__{comparison}e": value}),
                Q(**{f"{column}__{comparison}": value}) | Q(**{f"{key}__{comparison}": self.place.study_id}),
            )
        return rows.order_by(f"{sign}{column}", f"{sign}{key}").values_list(column, key)


def _blank(name: str, path: str) -> Q:
    return Q(**{f"{path}__isnull": True}) if name == "birth_date" else Q(**{path: ""})


def keys(
    scope: Scope, filters: StudyFilters, order: Order, place: Place | None, *, limit: int, offset: int = 0
) -> tuple[list[Key], bool]:
    """Up to ``limit`` keys in the list's order, and whether more follow in the direction of reading."""
    offset = max(0, min(offset, _MOST_OFFSET))
    wanted = offset + limit + 1
    found: list[Key] = []
    for part in _parts(order, place):
        if len(found) < wanted:
            found += _merged(scope, filters, part, wanted - len(found))
    more = len(found) >= wanted
    found = found[offset : offset + limit]
    return (found[::-1] if place is not None and place.backwards else found), more


def _parts(order: Order, place: Place | None) -> Iterator[_Part]:
    """The parts of the list that are left, in the direction of reading."""
    backwards = place is not None and place.backwards
    here = place is not None and place.value is None
    if order.column in _NEVER_BLANK:
        yield _Part(order, place, is_blank=False, backwards=backwards)
        return
    parts = (True, False) if backwards else (False, True)
    for is_blank in parts:
        if place is None:
            yield _Part(order, None, is_blank=is_blank, backwards=backwards)
        elif is_blank is here:
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
