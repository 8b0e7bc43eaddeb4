"""One event per reader, subject and window: a viewer that fetches a thousand frames reads one study."""

import hashlib
import threading
import time
from collections import OrderedDict
from datetime import timedelta
from typing import Final, NamedTuple

REMEMBERED: Final = 10_000


class Key(NamedTuple):
    """What makes two reads the same read. ``occasion`` is of what is never the same as before, such as an emergency."""

    actor_kind: str
    actor_id: str
    action: str
    subject_type: str
    subject_uid: str
    occasion: str = ""


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


def lock_of(key: Key) -> int:
    """Return the number of the database's lock that belongs to a read."""
    digest = hashlib.sha256("\x00".join(key).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
