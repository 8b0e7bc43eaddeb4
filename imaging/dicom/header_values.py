"""Single values out of a DICOM JSON object (PS3.18 annex F), from the shared groups of an enhanced object too. All of it is hostile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from imaging.dicom.element_text import clean

#: Shared and per-frame functional groups (PS3.3 section C.7.6.16): the first frame speaks for the object.
_GROUPS: Final = ("52009229", "52009230")
#: Sequences beside the groups in which a value of an acquisition may lie.
_ELSEWHERE: Final = ("00540016",)
_DEEPEST = 4
LONGEST: Final = 200


def text(record: Mapping[str, Any], tag: str, limit: int = LONGEST) -> str:
    """All values as text with commas between, cleaned and cut; empty when there are none."""
    return clean(", ".join(part for part in map(_text, _values(record, tag)) if part), limit)


def number(record: Mapping[str, Any], tag: str) -> float | None:
    """The first value as a finite number."""
    return next(iter(numbers(record, tag)), None)


def numbers(record: Mapping[str, Any], tag: str) -> Sequence[float]:
    """All values as finite numbers; what is none is left out."""
    return [value for value in map(_number, _values(record, tag)) if value is not None]


def _values(record: Mapping[str, Any], tag: str) -> Sequence[Any]:
    for holder in _holders(record, 0):
        element = holder.get(tag)
        values = element.get("Value") if isinstance(element, Mapping) else None
        if isinstance(values, list) and any(value is not None and value != "" for value in values):
            return values[:16]
    return ()


def _holders(record: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """The object itself, then the first item of the sequences in which its frames are described."""
    yield record
    for tag, element in record.items():
        is_group = tag in _GROUPS or tag in _ELSEWHERE
        if (
            depth >= _DEEPEST
            or not (is_group or depth)
            or not isinstance(element, Mapping)
            or element.get("vr") != "SQ"
        ):
            continue
        items = element.get("Value")
        if isinstance(items, list) and items and isinstance(items[0], Mapping):
            yield from _holders(items[0], depth + 1)


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("Alphabetic") or "")
    return "" if value is None else str(value)


def _number(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
