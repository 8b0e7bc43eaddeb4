"""Which origins may frame our pages now."""

import time
from typing import Final

from django.db import DatabaseError

from accounts.framing.models import MOST, FrameOrigin

#: Seconds for which a process goes on with what it has read; a change in the same process counts at once.
KEPT_FOR: Final = 5.0


class _Known:
    """What this process has read, and when; a request more or less that reads it again does no harm."""

    def __init__(self) -> None:
        self.origins: tuple[str, ...] = ()
        self.read_at: float | None = None


_known: Final = _Known()


def origins() -> tuple[str, ...]:
    """Return the origins, as a browser compares them. While the database does not answer: none."""
    now = time.monotonic()
    if _known.read_at is None or now - _known.read_at > KEPT_FOR:
        try:
            rows = FrameOrigin.objects.filter(is_active=True).values_list("origin", flat=True)
            _known.origins = tuple(rows[:MOST])
        except DatabaseError:
            return ()
        _known.read_at = now
    return _known.origins


def forget(**_signal: object) -> None:
    """Read again at the next page (a receiver of the model's signals)."""
    _known.read_at = None
