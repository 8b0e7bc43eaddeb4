"""How many downloads there may be: a few for each person, and in each process fewer than there are threads for readers."""

import logging
import threading
import time
from contextlib import ExitStack
from typing import Final
from uuid import uuid4

from django.conf import settings
from django.core.cache import cache

from accounts.actor import Actor
from imaging.ingest import turnstile

logger = logging.getLogger(__name__)

#: Downloads of one person at the same time.
MOST_OF_ONE: Final = 3
#: Seconds after which it is worth trying again.
RETRY_AFTER: Final = 30
#: Seconds for which a place is kept without a sign of life: a process that died gives it back by time.
_LEASE: Final = 180
_RENEWED: Final = 30.0

_places: Final = threading.BoundedSemaphore(settings.DOWNLOADS)


class TooMany(Exception):
    """A person has as many downloads as one may have."""


class Crowded(Exception):
    """As many downloads go out of this process as may."""


class Turn:
    """The place of one download, until ``release``."""

    def __init__(self, actor: Actor) -> None:
        """Take it. Raises ``TooMany`` and ``Crowded`` at once when there is none."""
        self._held = ExitStack()
        self._key = ""
        #: What tells this place from the one that another download took once this one's time was over.
        self._mark = uuid4().hex
        self._renewed_at = time.monotonic()
        try:
            if not _places.acquire(blocking=False):
                raise Crowded
            self._held.callback(_places.release)
            self._held.enter_context(turnstile.passed())
            self._take(actor)
        except turnstile.Crowded:
            self._held.close()
            raise Crowded from None
        except BaseException:
            self._held.close()
            raise

    def _take(self, actor: Actor) -> None:
        keys = [f"download:{actor.kind}:{actor.id}:{number}" for number in range(MOST_OF_ONE)]
        try:
            self._key = next((key for key in keys if cache.add(key, self._mark, timeout=_LEASE)), "")
        except Exception:
            logger.warning("The cache does not answer: downloads are not counted.", exc_info=True)
            return
        if not self._key:
            raise TooMany

    def keep(self) -> None:
        """Say that the download goes on."""
        if not self._key or time.monotonic() - self._renewed_at < _RENEWED:
            return
        self._renewed_at = time.monotonic()
        try:
            if cache.get(self._key) == self._mark:
                cache.touch(self._key, _LEASE)
        except Exception:
            logger.warning("The cache does not answer: a download's place may be given away.", exc_info=True)

    def release(self) -> None:
        """Give it back; more than once does nothing."""
        self._held.close()
        key, self._key = self._key, ""
        if not key:
            return
        try:
            if cache.get(key) == self._mark:
                cache.delete(key)
        except Exception:
            logger.warning("The cache does not answer: a download's place is given back by time.", exc_info=True)
