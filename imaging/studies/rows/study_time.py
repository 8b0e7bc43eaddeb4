"""When a study was made, as a moment that every reader of the world agrees on."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from imaging.dicom.header import StudyHeader

# PS3.3 C.12.1.1.8: `&ZZXX`, from -1200 to +1400.
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})")
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)
# Beyond, a reader's own zone moves the moment over the end of dates, and no list with it can be written any more.
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=2)


def offset(text: str) -> timezone | None:
    """The time zone of a Timezone Offset From UTC (0008,0201), or None when it is absent or absurd."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    sign, hours, minutes = match.groups()
    delta = timedelta(hours=int(hours), minutes=int(minutes))
    if sign == "-":
        delta = -delta
    if int(minutes) > 59 or not _WEST <= delta <= _EAST:
        return None
    return timezone(delta)


def aware(header: StudyHeader, zone: tzinfo) -> datetime | None:
    """Date and time of the study in UTC: by the header's own offset, otherwise in the site's ``zone``, or None."""
    if header.study_at is None:
        return None
    local = header.study_at.replace(tzinfo=offset(header.timezone_offset) or zone)
    try:
        moment = local.astimezone(UTC)
    except (OverflowError, ValueError):
        # Year 1 or 9999 moved over the edge of what a date can be.
        return None
    return moment if moment <= _LATEST else None
