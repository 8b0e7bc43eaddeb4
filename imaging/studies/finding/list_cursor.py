"""Where a page of a list begins, as an opaque text. Addresses are hostile, and an old cursor is no error."""

import base64
import binascii
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson

from imaging.studies.finding.list_filters import Order

_LONGEST: Final = 4000
_LARGEST: Final = 2**63
_MOMENTS: Final = frozenset({"study_at", "last_received_at"})
_DAYS: Final = frozenset({"birth_date"})
_NUMBERS: Final = frozenset({"series_count", "instance_count"})


@dataclass(frozen=True, slots=True)
class Key:
    """One row's place in the list: its sort key, None where that is blank, and its study."""

    value: Any
    study_id: int


@dataclass(frozen=True, slots=True)
class Place:
    """The row after (or before) which a page begins: its sort key, None where it is blank, and its study."""

    value: Any
    study_id: int
    backwards: bool = False


def written(key: Key, order: Order, *, backwards: bool) -> str:
    """The cursor of a row."""
    packed = orjson.dumps([order.value, key.value, key.study_id, backwards])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read(text: str, order: Order) -> Place | None:
    """The place that a cursor of this order names, or None when it names none."""
    if not text or len(text) > _LONGEST or not text.isascii():
        return None
    try:
        named, value, study_id, backwards = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if named != order.value or type(backwards) is not bool:
            return None
        if type(study_id) is not int or not 0 <= study_id < _LARGEST:
            return None
        return Place(_value(value, order.column), study_id, backwards)
    except (binascii.Error, ValueError, TypeError):
        return None


def _value(value: Any, column: str) -> Any:
    """The sort key as the column holds it; raises ValueError for one that it cannot hold."""
    if value is None and column not in _MOMENTS | _NUMBERS:
        return None
    if column in _NUMBERS:
        if type(value) is int and 0 <= value < _LARGEST:
            return value
        raise ValueError(column)
    if not isinstance(value, str) or not value or "\x00" in value:
        raise ValueError(column)
    if column in _MOMENTS:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(column)
        return moment
    return date.fromisoformat(value) if column in _DAYS else value
