"""One event per reader, subject and window: a viewer that fetches a thousand frames reads one study."""

import hashlib
import threading
import time
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection
from django.utils import timezone

from accounts.audit.models import AuditEvent

REMEMBERED: Final = 10_000


class Key(NamedTuple):
    """What makes two reads the same read."""

    actor_kind: str
    actor_id: str
    action: str
    subject_type: str
    subject_uid: str


_lock = threading.Lock()
_recent: OrderedDict[Key, float] = OrderedDict()


def recently_recorded(key: Key, window: timedelta) -> bool:
    """Whether this process knows that the read is on record within the window."""
    with _lock:
        at = _recent.get(key)
        return at is not None and time.monotonic() - at < window.total_seconds()


def remember(key: Key) -> None:
    """Remember that the read is on record; the oldest memories are dropped."""
    with _lock:
        _recent[key] = time.monotonic()
        _recent.move_to_end(key)
        while len(_recent) > REMEMBERED:
            _recent.popitem(last=False)


def forget_all() -> None:
    """Forget every read, as a new process would."""
    with _lock:
        _recent.clear()


def lock_and_find(key: Key, *, since: datetime) -> bool:
    """Whether any process has this read on record since ``since``.

    Holds, until the transaction ends, the lock that keeps another process from writing the same.
    """
    digest = hashlib.sha256("\x00".join(key).encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)])
    # The end is known too, and keeps the months to come out of the plan.
    soon = timezone.now() + timedelta(minutes=1)
    return AuditEvent.objects.filter(at__gte=since, at__lt=soon, **key._asdict()).exists()
