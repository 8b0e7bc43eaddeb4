"""Questions about what is to be read: the list of a reader, the next study, whose it is."""

import heapq
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.reports.models import ReadingItem, Report
from imaging.reports.reading.filters import Place, ReadingFilters, Show
from imaging.studies.models import Placement

OPEN: Final = (ReadingItem.State.UNREAD, ReadingItem.State.DRAFT, ReadingItem.State.PRELIMINARY)
#: What a count tells at most: more is "and more".
MOST_COUNTED: Final = 500
_OFFERED: Final = 500


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who reads, the departments for which they do, and those in which they sign."""

    user: User
    actor: Actor
    scope: Scope
    departments: frozenset[int]
    signs_in: frozenset[int]


class Head(NamedTuple):
    """The columns of a row by which the list is ordered, and those that change while it is looked at."""

    pk: int
    priority: int
    due_at: datetime
    reported_at: datetime | None
    state: str
    locked_by: int | None
    assigned_to: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of the list, and where the next ones begin."""

    items: list[ReadingItem]
    after: Place | None


def reader(user: object, *, actor: Actor, scope: Scope) -> Reader | None:
    """A person as one who reads; None for who does not write reports."""
    if not isinstance(user, User):
        return None
    held = accounts.capabilities_by_department(user)
    departments = held.get(Capability.WRITE_REPORT, frozenset())
    if not departments:
        return None
    return Reader(user, actor, scope, departments, held.get(Capability.SIGN_REPORT, frozenset()))


def reading_list(person: Reader, filters: ReadingFilters, *, limit: int, heads: list[Head] | None = None) -> Page:
    """The rows that a reader sees, by priority and deadline (what is signed: latest first), ``limit`` at most.

    ``heads`` are those of ``heads_of``, where they are known already.
    """
    found = heads_of(person, filters, limit=limit) if heads is None else heads
    rows = ReadingItem.objects.select_related("study__patient")
    # People and departments are few: asked for apart, or not at all, they cost less than as joins.
    rows = rows.prefetch_related("locked_by", "assigned_to", "asking_department")
    by_pk = rows.in_bulk([head.pk for head in found[:limit]])
    items = [by_pk[head.pk] for head in found[:limit] if head.pk in by_pk]
    after = place_of(items[-1], is_done=filters.show is Show.DONE) if items and len(found) > limit else None
    return Page(items, after)


def heads_of(person: Reader, filters: ReadingFilters, *, limit: int) -> list[Head]:
    """The keys of the list's rows in order, one more than ``limit`` where there are more; enough to tell whether it has changed.

    Each department is one scan of an index in the order of the list; the heads of the scans are merged here.
    """
    scans = [_scan(person, filters, department, limit + 1) for department in sorted(_departments(person, filters))]
    merged = heapq.merge(*scans, key=_done_key if filters.show is Show.DONE else _open_key)
    return list(itertools.islice(merged, limit + 1))


def place_of(item: ReadingItem, *, is_done: bool) -> Place:
    """Where a row lies in its list."""
    moment = (item.reported_at or item.due_at) if is_done else item.due_at
    return Place(0 if is_done else item.priority, moment, item.pk)


def next_item(person: Reader, filters: ReadingFilters, *, besides: Iterable[int] = ()) -> ReadingItem | None:
    """The most urgent study of the list that nobody has begun."""
    wanted = ReadingFilters(
        modalities=filters.modalities,
        subspecialties=filters.subspecialties,
        priorities=filters.priorities,
        departments=filters.departments,
        is_unlocked=True,
    )
    left_out = set(besides)
    page = reading_list(person, wanted, limit=len(left_out) + 1)
    return next((item for item in page.items if item.pk not in left_out), None)


def item_of(person: Reader, study_instance_uid: str) -> ReadingItem | None:
    """One row of what the reader reads; None for a study that is not seen, or is read elsewhere."""
    rows = ReadingItem.objects.visible_to(person.scope, Right.VIEW)
    return (
        rows.filter(department__in=person.departments, study__study_instance_uid=study_instance_uid)
        .select_related("study__patient", "department__site", "locked_by", "assigned_to", "asking_department")
        .first()
    )


def counts(person: Reader, filters: ReadingFilters) -> dict[Show, int]:
    """How many rows each part of the list has, ``MOST_COUNTED`` at most."""
    return {show: _count(person, filters, show) for show in (Show.OPEN, Show.MINE, Show.COSIGN)}


def offered(person: Reader) -> tuple[list[str], list[str]]:
    """The modalities and subspecialties among what waits, to be filtered by."""
    rows = ReadingItem.objects.filter(department__in=person.departments, state__in=OPEN)
    modalities = rows.exclude(modality="").order_by("modality").values_list("modality", flat=True).distinct()
    special = rows.exclude(subspecialty="").order_by("subspecialty").values_list("subspecialty", flat=True).distinct()
    return list(modalities[:_OFFERED]), list(special[:_OFFERED])


def colleagues(person: Reader, department_id: int) -> list[User]:
    """Who else may read for a department: to whom a study can be given."""
    able = accounts.people_capable(Capability.WRITE_REPORT, department_ids=[department_id])
    return [one for one in able if one.pk != person.user.pk]


def _count(person: Reader, filters: ReadingFilters, show: Show) -> int:
    wanted = ReadingFilters(
        show=show,
        modalities=filters.modalities,
        subspecialties=filters.subspecialties,
        priorities=filters.priorities,
        departments=filters.departments,
        is_unlocked=filters.is_unlocked,
    )
    rows = _rows(person, wanted).filter(department__in=_departments(person, wanted))
    return rows.order_by().values("pk")[:MOST_COUNTED].count()


def _departments(person: Reader, filters: ReadingFilters) -> frozenset[int]:
    chosen = person.departments & set(filters.departments)
    return frozenset(chosen or person.departments)


def _rows(person: Reader, filters: ReadingFilters) -> QuerySet[ReadingItem]:
    # What is read lies in the reader's departments: their placements alone say what is seen, without a look at the study.
    placed = Placement.objects.visible_to(person.scope, Right.VIEW).filter(study=OuterRef("study"))
    rows = ReadingItem.objects.filter(Exists(placed))
    if filters.show is Show.DONE:
        rows = rows.filter(state=ReadingItem.State.FINAL, reported_at__isnull=False)
    elif filters.show is Show.NOT_READ:
        rows = rows.filter(state=ReadingItem.State.NOT_READ)
    else:
        rows = rows.filter(state__in=OPEN)
    if filters.show is Show.MINE:
        rows = rows.filter(Q(locked_by=person.user) | Q(assigned_to=person.user))
    if filters.show is Show.COSIGN:
        rows = rows.filter(state=ReadingItem.State.PRELIMINARY, study__in=_to_cosign(person))
    if filters.modalities:
        rows = rows.filter(modality__in=filters.modalities)
    if filters.subspecialties:
        rows = rows.filter(subspecialty__in=filters.subspecialties)
    if filters.priorities:
        rows = rows.filter(priority__in=filters.priorities)
    if filters.is_unlocked:
        rows = rows.filter(
            Q(locked_by=None) | Q(locked_by=person.user), Q(assigned_to=None) | Q(assigned_to=person.user)
        )
        rows = rows.filter(state=ReadingItem.State.UNREAD)
    return rows


def _to_cosign(person: Reader) -> QuerySet[Report, int]:
    """Those that name this person, and, for who signs, those that name nobody, or somebody who signs no more."""
    able = [each.pk for each in accounts.people_capable(Capability.SIGN_REPORT)]
    mine = Q(supervisor=person.user)
    waiting = Report.objects.filter(mine | ~Q(supervisor__in=able) if person.signs_in else mine)
    return waiting.filter(state=Report.State.PRELIMINARY).values_list("study_id", flat=True)


def _scan(person: Reader, filters: ReadingFilters, department: int, limit: int) -> Iterator[Head]:
    rows = _rows(person, filters).filter(department=department)
    place = filters.after
    if filters.show is Show.DONE:
        if place is not None:
            rows = rows.filter(Q(reported_at__lt=place.moment) | Q(reported_at=place.moment, pk__lt=place.pk))
        rows = rows.order_by("-reported_at", "-pk")
    else:
        if place is not None:
            same = Q(priority=place.priority, due_at__gt=place.moment)
            same |= Q(priority=place.priority, due_at=place.moment, pk__gt=place.pk)
            rows = rows.filter(priority__gte=place.priority).filter(same | Q(priority__gt=place.priority))
        rows = rows.order_by("priority", "due_at", "pk")
    return itertools.starmap(Head, rows.values_list(*Head._fields)[:limit])


def _open_key(head: Head) -> tuple[int, datetime, int]:
    return head.priority, head.due_at, head.pk


def _done_key(head: Head) -> tuple[float, int]:
    moment = head.reported_at or head.due_at
    return -moment.timestamp(), -head.pk
