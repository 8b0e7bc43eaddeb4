"""Addresses that differ in their UIDs only: a list has hundreds, and to resolve each takes longer than to find its rows."""

import re
from functools import lru_cache
from typing import Final

from django.urls import get_script_prefix, reverse

#: Nothing in it has to be escaped in an address (PS3.5 section 9.1).
_UID: Final = re.compile(r"[0-9.]{1,64}")
#: Stand for UIDs: of a root that nobody has.
_PLACE: Final = "2.999.{}.2147483647"


def of_uids(name: str, *uids: str) -> str:
    """Return what ``reverse(name, args=uids)`` would, and raise what it would."""
    if not all(_UID.fullmatch(uid) for uid in uids):
        return reverse(name, args=uids)
    first, *rest = _around(get_script_prefix(), name, len(uids))
    return first + "".join(uid + after for uid, after in zip(uids, rest, strict=True))


@lru_cache(maxsize=64)
def _around(_prefix: str, name: str, count: int) -> tuple[str, ...]:
    places = [_PLACE.format(number) for number in range(count)]
    rest, parts = reverse(name, args=places), []
    for place in places:
        before, _, rest = rest.partition(place)
        parts.append(before)
    return (*parts, rest)
