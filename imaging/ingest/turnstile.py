"""Requests whose bodies may take minutes to arrive: each keeps a thread of the web server, and some are left for readers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.conf import settings

#: Seconds after which it is worth trying again.
RETRY_AFTER: Final = 2

_turns: Final = threading.BoundedSemaphore(settings.BODY_REQUESTS)


class Crowded(Exception):
    """As many bodies are on their way into this process as may be."""


@contextmanager
def passed() -> Iterator[None]:
    """Keep a turn while a body is read. Raises ``Crowded`` at once when there is none."""
    if not _turns.acquire(blocking=False):
        raise Crowded
    try:
        yield
    finally:
        _turns.release()
