"""Moments as HL7 writes them (HL7 v2.5.1 section 2.A.75, TS): with an offset, or in the time zone of the sender's site."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

_FORM: Final = re.compile(r"(\d{8})(?:(\d{2})(\d{2})(?:(\d{2})(?:\.\d{1,4})?)?)?([+-]\d{4})?")


class NotAMoment(ValueError):
    """The text is none."""


def moment(text: str, zone: tzinfo) -> tuple[datetime | None, str]:
    """The moment, and a remark where clocks make it doubtful; None for empty text. Raises ``NotAMoment``.

    An hour that clocks repeat is taken as the first of the two; one that they skip as what it would have been without.
    """
    if not text:
        return None, ""
    found = _FORM.fullmatch(text)
    if found is None:
        raise NotAMoment
    day, hour, minute, second, offset = found.groups()
    try:
        naive = datetime.strptime(f"{day}{hour or '00'}{minute or '00'}{second or '00'}", "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise NotAMoment from None
    if offset:
        return naive.replace(tzinfo=_offset(offset)), ""
    local = naive.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        return local, "The time is one that clocks skip on that day."
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return local, "The time is one that clocks repeat on that day; the first is meant."
    return local, ""


def _offset(text: str) -> timezone:
    hours, minutes = int(text[1:3]), int(text[3:5])
    if hours > 14 or minutes > 59:
        raise NotAMoment
    found = timedelta(hours=hours, minutes=minutes)
    return timezone(-found if text[0] == "-" else found)
