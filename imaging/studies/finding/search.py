"""One search for every door that other systems ask at: QIDO-RS, C-FIND and the REST API find the same, for the same reader.

Studies are found as the study list finds them. What is answered are attributes: those that are columns, and where others
are asked for, those of one instance below, as corrected, if all instances below share them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from django.db.models import F, Model, OuterRef, QuerySet, Subquery

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import entity_attributes, matching
from imaging.dicom.matching import Key
from imaging.studies import access
from imaging.studies.finding import attributes, list_scan, partly_seen, searched, series_list
from imaging.studies.finding import matching as columns
from imaging.studies.finding.attributes import Attributes
from imaging.studies.finding.list_filters import Order, StudyFilters
from imaging.studies.finding.matching import Rows
from imaging.studies.finding.series_list import InstanceOrder, SeriesOrder
from imaging.studies.finding.study_list import study_count
from imaging.studies.finding.time_limit import time_limit
from imaging.studies.models import Instance, InstanceVersion, Series, Study
from imaging.studies.reading import metadata

#: Series whose headers are read for one answer; what is asked for beyond the columns stays away from the rows after them.
MOST_HEADERS: Final = 100
MOST_ROWS: Final = 10_000
_MOST_OFFSET: Final = 1_000_000


class Level(StrEnum):
    """What is searched for (PS3.4 section C.6.2.1)."""

    STUDY = "study"
    SERIES = "series"
    INSTANCE = "instance"


_ROWS: Final[Mapping[Level, Rows]] = {
    Level.STUDY: Rows.STUDY,
    Level.SERIES: Rows.SERIES,
    Level.INSTANCE: Rows.INSTANCE,
}


_KINDS: Final[Mapping[Level, Any]] = {Level.STUDY: Study, Level.SERIES: Series, Level.INSTANCE: Instance}
_ABOVE: Final[Mapping[Level, tuple[str, ...]]] = {
    Level.STUDY: ("patient",),
    Level.SERIES: ("study__patient",),
    Level.INSTANCE: ("series__study__patient",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is asked for.

    ``study_instance_uid`` and ``series_instance_uid`` name what is searched within: it must be visible. ``includes`` are
    attributes wanted beside those that every answer has; ``every_header`` wants all of them, of instances. Without an
    order: the latest studies first, series and instances by number.
    """

    level: Level
    keys: tuple[Key, ...] = ()
    study_instance_uid: str = ""
    series_instance_uid: str = ""
    includes: frozenset[int] = frozenset()
    every_header: bool = False
    order: Order | SeriesOrder | InstanceOrder | None = None
    offset: int = 0
    limit: int = 100
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What was found. ``total`` is None unless it was asked for, or is known anyway."""

    rows: list[Attributes] = field(default_factory=list)
    more: bool = False
    total: int | None = None
    #: Keys by which nothing can be chosen: they were left out of account.
    not_matched: tuple[Key, ...] = ()
    #: Whether attributes were left out of some rows because too many headers would have been read for them.
    is_abridged: bool = False


def search(scope: Scope, wanted: Search, *, actor: Actor) -> Found:
    """What ``scope`` may list of it; the search is on record.

    Raises ``StudyNotVisible`` for a named study or series that is not visible or does not exist, ``SearchTooBroad``, and
    the errors of ``storage`` when headers have to be read.
    """
    kept, ignored = _divided(scope, wanted)
    if wanted.series_instance_uid:
        access.open_series(
            scope,
            wanted.study_instance_uid,
            wanted.series_instance_uid,
            actor=actor,
            purpose=access.Purpose.SEARCH,
            right=Right.LIST,
        )
    elif wanted.study_instance_uid:
        access.open_study(
            scope, wanted.study_instance_uid, actor=actor, purpose=access.Purpose.SEARCH, right=Right.LIST
        )
    with time_limit():
        place = _ids(scope, wanted, kept)
        total = _total(scope, wanted, kept, place)
    found, is_abridged = _described(scope, wanted, _loaded(scope, wanted.level, place.ids))
    _record(wanted, actor=actor, found=len(place.ids))
    return Found(found, place.more, total, ignored, is_abridged)


def batches(scope: Scope, wanted: Search, *, actor: Actor, size: int) -> Iterator[Found]:
    """The same, up to ``limit`` in all, a batch at a time: for a door whose answers go out one by one.

    What was found is decided with the first batch; what has gone by the time that its turn comes is left out. Errors as
    ``search``.
    """
    kept, ignored = _divided(scope, wanted)
    with time_limit():
        place = _ids(scope, wanted, kept)
    _record(wanted, actor=actor, found=len(place.ids))
    for start in range(0, max(len(place.ids), 1), size):
        part = place.ids[start : start + size]
        found, is_abridged = _described(scope, wanted, _loaded(scope, wanted.level, part))
        yield Found(found, place.more or start + size < len(place.ids), None, ignored, is_abridged)


def _divided(scope: Scope, wanted: Search) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """The keys that rows are chosen by, and those that cannot be, or not by this reader."""
    asked = [key for key in wanted.keys if not key.is_universal]
    supported = tuple(
        key
        for key in asked
        if columns.supports(key, _ROWS[wanted.level])
        and not (partly_seen.is_partial(scope) and partly_seen.tells_of_the_rest(key))
    )
    return supported, tuple(key for key in asked if key not in supported)


@dataclass(frozen=True, slots=True)
class _Place:
    """Primary keys of what is found, in order; whether more follow; how many there are in all, if somebody has counted."""

    ids: list[int]
    more: bool
    total: int | None = None


def _ids(scope: Scope, wanted: Search, keys: tuple[Key, ...]) -> _Place:
    limit = max(1, min(wanted.limit, MOST_ROWS))
    if wanted.level is Level.STUDY:
        order = wanted.order if isinstance(wanted.order, Order) else Order.LATEST
        filters = StudyFilters(attributes=keys)
        found = list_scan.keys(scope, filters, order, None, limit=limit, offset=wanted.offset)
        return _Place([key.study_id for key in found.keys], found.more, found.total if found.is_exact else None)
    if wanted.level is Level.SERIES:
        series = series_list.series(
            scope,
            keys,
            study_instance_uid=wanted.study_instance_uid,
            order=wanted.order if isinstance(wanted.order, SeriesOrder) else None,
        )
        return _cut(series, wanted.offset, limit)
    instances = series_list.instances(
        scope,
        keys,
        study_instance_uid=wanted.study_instance_uid,
        series_instance_uid=wanted.series_instance_uid,
        order=wanted.order if isinstance(wanted.order, InstanceOrder) else None,
    )
    return _cut(instances, wanted.offset, limit)


def _cut(rows: QuerySet[Any], offset: int, limit: int) -> _Place:
    offset = max(0, min(offset, _MOST_OFFSET))
    found = list(rows.values_list("pk", flat=True)[offset : offset + limit + 1])
    return _Place(found[:limit], more=len(found) > limit)


def _loaded(scope: Scope, level: Level, ids: Sequence[int]) -> list[Any]:
    """The rows of these keys, in their order, with the levels above; a slow client gets none that is out of scope by now."""
    visible: QuerySet[Any] = _KINDS[level].objects.visible_to(scope)
    found = visible.filter(pk__in=ids).select_related(*_ABOVE[level]).in_bulk()
    rows = [found[pk] for pk in ids if pk in found]
    partly_seen.as_seen(scope, rows)
    return rows


def _total(scope: Scope, wanted: Search, keys: tuple[Key, ...], place: _Place) -> int | None:
    """How many there are in all: without counting where this answer is the end of the list."""
    if place.total is not None:
        return place.total
    if not place.more and (place.ids or not wanted.offset):
        return wanted.offset + len(place.ids)
    if not wanted.is_counted:
        return None
    if wanted.level is Level.STUDY:
        return study_count(scope, StudyFilters(attributes=keys), exact=True).number
    if wanted.level is Level.SERIES:
        return series_list.series(scope, keys, study_instance_uid=wanted.study_instance_uid).order_by().count()
    found_in_all = series_list.instances(
        scope,
        keys,
        study_instance_uid=wanted.study_instance_uid,
        series_instance_uid=wanted.series_instance_uid,
    )
    return found_in_all.order_by().count()


def _described(scope: Scope, wanted: Search, rows: Sequence[Any]) -> tuple[list[Attributes], bool]:
    """The attributes of the rows, those of the levels above among them, and whether some had to be left out."""
    found = [_columns(row) for row in rows]
    missing = _missing(wanted, found)
    if not missing and not wanted.every_header:
        return found, False
    shown = _most(wanted.level, rows)
    headers = _headers(scope, wanted.level, shown)
    for row, described in zip(shown, found, strict=False):
        header = headers.get(row.pk, {})
        names = header.keys() if wanted.every_header else missing & header.keys()
        described.update({tag: header[tag] for tag in names if _is_sent(header[tag]) and tag not in described})
    return found, len(shown) < len(rows)


def _columns(row: Any) -> Attributes:
    if isinstance(row, Study):
        return attributes.of_study(row)
    if isinstance(row, Instance):
        return {**_columns(row.series), **attributes.of_instance(row)}
    return {**attributes.of_study(row.study), **attributes.of_series(row)}


def _missing(wanted: Search, found: Sequence[Attributes]) -> frozenset[str]:
    """Attributes asked for that no column has, and that an instance below may answer for."""
    asked = wanted.includes
    if wanted.level is Level.STUDY:
        asked &= entity_attributes.of_study()
    elif wanted.level is Level.SERIES:
        asked &= entity_attributes.of_series()
    known = found[0].keys() if found else frozenset()
    return frozenset(f"{tag:08X}" for tag in asked) - known


def _is_sent(element: Mapping[str, Any]) -> bool:
    """Whether an element of a header is small: bulk data is fetched from its instance."""
    return "BulkDataURI" not in element


def _most(level: Level, rows: Sequence[Any]) -> Sequence[Any]:
    """As many rows, from the first on, as the headers of ``MOST_HEADERS`` series tell of."""
    if level is not Level.INSTANCE:
        return rows[:MOST_HEADERS]
    seen: set[int] = set()
    for number, row in enumerate(rows):
        seen.add(row.series_id)
        if len(seen) > MOST_HEADERS:
            return rows[:number]
    return rows


def _headers(scope: Scope, level: Level, rows: Sequence[Any]) -> dict[int, Mapping[str, Any]]:
    """The header that speaks for each row, by its primary key, of what the reader may view."""
    visible = Instance.objects.visible_to(scope, Right.VIEW)
    owners = {row.pk: row.pk for row in rows} if level is Level.INSTANCE else _first_instances(level, rows, visible)
    versions = (
        InstanceVersion.objects.current()
        .filter(instance__in=visible.filter(pk__in=owners))
        .select_related("instance__series__study")
        .defer("frame_index")
    )
    records = metadata.records_of(versions, is_outside=scope.is_outside)
    return {owners[instance]: record for instance, record in records.items()}


def _first_instances(level: Level, rows: Iterable[Model], visible: QuerySet[Instance]) -> dict[int, int]:
    """Instance to the row that it speaks for: the first that came of each."""
    name = "study" if level is Level.STUDY else "series"
    first = visible.filter(**{name: OuterRef("pk")}).order_by("pk").values("pk")[:1]
    found = _KINDS[level].objects.filter(pk__in=[row.pk for row in rows]).annotate(first=Subquery(first))
    return {instance: pk for pk, instance in found.values_list("pk", F("first")) if instance is not None}


def _record(wanted: Search, *, actor: Actor, found: int) -> None:
    """Record what was asked for, and how many there were."""
    asked = {key.name: _written(key) for key in wanted.keys if not key.is_universal}
    above = {"study": wanted.study_instance_uid, "series": wanted.series_instance_uid}
    within = {name: uid for name, uid in above.items() if uid}
    searched.on_record(wanted.level.value, asked, actor=actor, within=within, found=found)


def _written(key: Key) -> str:
    """What a key asks for, for a reader of the audit."""
    return matching.written(key.match)
