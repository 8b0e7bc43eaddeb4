"""Series and instances as lists: chosen by matching keys, in any order offered, for every door.

Within a study these are as long as the study is. Over the whole archive (a relational query) they begin with what came
last, and are as fast as the keys above are selective; ``time_limit`` ends what would take too long.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeVar

from django.db.models import F, Model, QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom.matching import Key
from imaging.studies.finding import matching
from imaging.studies.finding.matching import Rows
from imaging.studies.models import Instance, Series

RowT = TypeVar("RowT", bound=Model)


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


def series(
    scope: Scope, keys: Sequence[Key] = (), *, study_instance_uid: str = "", order: SeriesOrder | None = None
) -> QuerySet[Series]:
    """Series that ``scope`` may list, of one study or of all; what is only lent is listed by its study alone.

    ``keys`` are DICOM matching keys of series, study and patient. Without ``order``: by number within a study, what came
    last first over all.
    """
    rows = Series.objects.visible_to(scope if study_instance_uid else scope.without_lent(), Right.LIST)
    if study_instance_uid:
        rows = rows.filter(study__study_instance_uid=_uid(study_instance_uid))
    order = order or (SeriesOrder.NUMBER if study_instance_uid else SeriesOrder.NEWEST)
    return _ordered(rows.filter(matching.condition(keys, Rows.SERIES)), order.value)


def instances(
    scope: Scope,
    keys: Sequence[Key] = (),
    *,
    study_instance_uid: str = "",
    series_instance_uid: str = "",
    order: InstanceOrder | None = None,
) -> QuerySet[Instance]:
    """Instances that ``scope`` may list, of one series, one study or all; what is only lent is listed by its study alone.

    ``keys`` are DICOM matching keys of any level. Without ``order``: by series and number within a study, what came last
    first over all.
    """
    is_named = bool(study_instance_uid or series_instance_uid)
    rows = Instance.objects.visible_to(scope if is_named else scope.without_lent(), Right.LIST)
    if study_instance_uid:
        rows = rows.filter(study__study_instance_uid=_uid(study_instance_uid))
    if series_instance_uid:
        rows = rows.filter(series__series_instance_uid=_uid(series_instance_uid))
    rows = rows.filter(matching.condition(keys, Rows.INSTANCE))
    if order is None and study_instance_uid:
        series_number = F("series__series_number").asc(nulls_last=True)
        return rows.order_by(series_number, "series_id", F("instance_number").asc(nulls_last=True), "pk")
    return _ordered(rows, (order or InstanceOrder.NEWEST).value)


def _ordered(rows: QuerySet[RowT], order: str) -> QuerySet[RowT]:
    column = order.removeprefix("-")
    if column == "pk":
        return rows.order_by(order)
    is_descending = order.startswith("-")
    key = F(column).desc(nulls_last=True) if is_descending else F(column).asc(nulls_last=True)
    return rows.order_by(key, "-pk" if is_descending else "pk")


def _uid(text: str) -> str:
    """A UID of an address: hostile text is no UID of ours, and must not make the database complain."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")[:65]
