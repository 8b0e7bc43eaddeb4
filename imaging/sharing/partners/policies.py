"""When a push is tried again, and what may be done about one: pure rules."""

from datetime import datetime, timedelta
from typing import Final

#: After the first failure, the second, …; the last one repeats until the partner's hours are over.
_PAUSES: Final = (10, 60, 300, 900, 1800, 3600)


def pause(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    return timedelta(seconds=_PAUSES[min(max(failures, 1), len(_PAUSES)) - 1])


def is_given_up(failing_since: datetime, now: datetime, *, hours: int) -> bool:
    """Whether a push that has failed since then is not tried again by itself."""
    return now - failing_since >= timedelta(hours=hours)
