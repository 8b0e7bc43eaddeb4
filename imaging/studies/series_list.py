"""Series and instances as lists: chosen by matching keys, in any order offered, a page at a time, for every door.

Within a study these are as long as the study is. Over the whole archive (a relational query) they begin with what came
last, and are as fast as the keys above are selective; ``time_limit`` ends what would take too long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Generic, TypeVar

from django.db.models import F, Model, QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom.matching import Key
from imaging.studies import matching
from imaging.studies.matching import Rows
from imaging.studies.models import Instance, Series

RowT = TypeVar("RowT", bound=Model)

MOST_ROWS: Final = 5_000
_MOST_OFFSET: Final = 1_000_000


class SeriesOrder(StrEnum):
    """The orders that series are offered in; a leading minus is descending."""

    NUMBER = "series_number"
    NUMBER_DESCENDING = "-series_number"
    MODALITY = "modality"
    MODALITY_DESCENDING = "-modality"
    DESCRIPTION = "description"
    DESCRIPTION_DESCENDING = "-description"
    BODY_PART = "body_part_examined"
    BODY_PART_DESCENDING = "-body_part_examined"
    FEWEST_INSTANCES = "instance_count"
    MOST_INSTANCES = "-instance_count"
    NEWEST = "-pk"


class InstanceOrder(StrEnum):
    """The orders that instances are offered in; a leading minus is descending."""

    NUMBER = "instance_number"
    NUMBER_DESCENDING = "-instance_number"
    SOP_CLASS = "sop_class_uid"
    SOP_CLASS_DESCENDING = "-sop_class_uid"
    NEWEST = "-pk"


@dataclass(frozen=True, slots=True)
class Slice(Generic[RowT]):
    """Some rows of a list, and whether more follow."""

    rows: list[RowT]
    more: bool


def series_list(
    scope: Scope,
    keys: Sequence[Key] = (),
    *,
    study_instance_uid: str = "",
    order: SeriesOrder | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Slice[Series]:
    """Series that ``scope`` may list, of one study or of all, with study and patient.

    ``keys`` are DICOM matching keys of series, study and patient. Without ``order``: by number within a study, what came
    last first over all. Up to ``MOST_ROWS`` at a time.
    """
    rows = _series(scope, keys, study_instance_uid).select_related("study__patient")
    order = order or (SeriesOrder.NUMBER if study_instance_uid else SeriesOrder.NEWEST)
    return _slice(rows, order.value, offset, limit)


def series_count(scope: Scope, keys: Sequence[Key] = (), *, study_instance_uid: str = "") -> int:
    """How many series the list has in all."""
    return _series(scope, keys, study_instance_uid).count()


def instance_list(
    scope: Scope,
    keys: Sequence[Key] = (),
    *,
    study_instance_uid: str = "",
    series_instance_uid: str = "",
    order: InstanceOrder | None = None,
    offset: int = 0,
    limit: int = 100,
) -> Slice[Instance]:
    """Instances that ``scope`` may list, of one series, one study or all, with series, study and patient.

    ``keys`` are DICOM matching keys of any level. Without ``order``: by series and number within a study, what came last
    first over all. Up to ``MOST_ROWS`` at a time.
    """
    rows = _instances(scope, keys, study_instance_uid, series_instance_uid).select_related("series__study__patient")
    if order is None and study_instance_uid and not series_instance_uid:
        number = F("series__series_number").asc(nulls_last=True)
        return _cut(rows.order_by(number, "series_id", F("instance_number").asc(nulls_last=True), "pk"), offset, limit)
    order = order or (InstanceOrder.NUMBER if study_instance_uid else InstanceOrder.NEWEST)
    return _slice(rows, order.value, offset, limit)


def instance_count(
    scope: Scope, keys: Sequence[Key] = (), *, study_instance_uid: str = "", series_instance_uid: str = ""
) -> int:
    """How many instances the list has in all."""
    return _instances(scope, keys, study_instance_uid, series_instance_uid).count()


def _series(scope: Scope, keys: Sequence[Key], study_instance_uid: str) -> QuerySet[Series]:
    rows = Series.objects.visible_to(scope, Right.LIST)
    if study_instance_uid:
        rows = rows.filter(study__study_instance_uid=_uid(study_instance_uid))
    return rows.filter(matching.condition(keys, Rows.SERIES))


def _instances(
    scope: Scope, keys: Sequence[Key], study_instance_uid: str, series_instance_uid: str
) -> QuerySet[Instance]:
    rows = Instance.objects.visible_to(scope, Right.LIST)
    if study_instance_uid:
        rows = rows.filter(study__study_instance_uid=_uid(study_instance_uid))
    if series_instance_uid:
        rows = rows.filter(series__series_instance_uid=_uid(series_instance_uid))
    return rows.filter(matching.condition(keys, Rows.INSTANCE))


def _slice(rows: QuerySet[RowT], order: str, offset: int, limit: int) -> Slice[RowT]:
    column = order.removeprefix("-")
    if column == "pk":
        return _cut(rows.order_by(order), offset, limit)
    is_descending = order.startswith("-")
    key = F(column).desc(nulls_last=True) if is_descending else F(column).asc(nulls_last=True)
    return _cut(rows.order_by(key, "-pk" if is_descending else "pk"), offset, limit)


def _cut(rows: QuerySet[RowT], offset: int, limit: int) -> Slice[RowT]:
    offset = max(0, min(offset, _MOST_OFFSET))
    limit = max(1, min(limit, MOST_ROWS))
    found = list(rows[offset : offset + limit + 1])
    return Slice(found[:limit], more=len(found) > limit)


def _uid(text: str) -> str:
    """A UID of an address: hostile text is no UID of ours, and must not make the database complain."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:65]
