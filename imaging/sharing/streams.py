"""What is on its way to a recipient stops within a second of the share's end, in the middle of an image too."""

import logging
import time
from collections.abc import Iterator
from typing import Final

from imaging.sharing import selectors
from imaging.sharing.models import ShareVisit

log = logging.getLogger(__name__)

#: Seconds between two questions whether the share still stands.
_ASKED_AGAIN: Final = 0.25


class ShareEnded(Exception):
    """The share was ended while its bytes were on their way: the connection ends before its announced end."""


class Guarded:
    """The pieces of an answer, for as long as the visit stands."""

    def __init__(self, pieces: Iterator[bytes], visit: ShareVisit) -> None:
        """Nothing is sent yet."""
        self._pieces = pieces
        self._visit = visit
        self._asked_at = time.monotonic()

    def __iter__(self) -> "Guarded":
        """Itself: it is sent once."""
        return self

    def __next__(self) -> bytes:
        """The next piece. Raises ``ShareEnded``."""
        piece = next(self._pieces)
        if time.monotonic() - self._asked_at >= _ASKED_AGAIN:
            self._asked_at = time.monotonic()
            if not selectors.still_stands(self._visit):
                log.info("An answer to a share was ended with the share.")
                self.close()
                raise ShareEnded
        return piece

    def close(self) -> None:
        """Let go of what is being read."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
