"""Values out of an instance's DICOM JSON (PS3.18 annex F), which is hostile: whatever is not what it should be is not there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

Item = Mapping[str, Any]

MOST_ITEMS: Final = 2000
_NOTHING: Final[Item] = {}


def values(item: Item, tag: str) -> list[Any]:
    """The values of an element; empty when there are none."""
    element = item.get(tag)
    found = element.get("Value") if isinstance(element, dict) else None
    return found if isinstance(found, list) else []


def items(item: Item, tag: str, *, most: int = MOST_ITEMS) -> list[Item]:
    """The items of a sequence, at most so many."""
    return [value for value in values(item, tag)[:most] if isinstance(value, dict)]


def first(item: Item, tag: str) -> Item:
    """The first item of a sequence, or an empty one."""
    return next(iter(items(item, tag, most=1)), _NOTHING)


def text(item: Item, tag: str) -> str:
    """The first value as text, its ends trimmed."""
    value = next(iter(values(item, tag)), "")
    if isinstance(value, dict):
        value = value.get("Alphabetic", "")
    return str(value).strip() if isinstance(value, str | int | float) else ""


def numbers(item: Item, tag: str, *, most: int = 4096) -> list[float]:
    """The values as finite numbers; none when one of them is not."""
    found = []
    for value in values(item, tag)[:most]:
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            return []
        if not math.isfinite(number) or abs(number) > 2**53:
            return []
        found.append(number)
    return found


def integers(item: Item, tag: str, *, most: int = 8192) -> list[int]:
    """The values as whole numbers; none when one of them is not."""
    return [int(number) for number in numbers(item, tag, most=most)]


def integer(item: Item, tag: str) -> int | None:
    """The first value as a whole number."""
    return next(iter(integers(item, tag, most=1)), None)
