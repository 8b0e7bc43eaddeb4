"""Answers of many parts: each keeps a thread of the web server until it is sent, and in each process some are left for readers."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from django.conf import settings
from django.http import StreamingHttpResponse

from imaging.dicomweb.answers import TryAgain
from imaging.ingest import turnstile

#: Seconds after which it is worth trying again.
RETRY_AFTER: Final = 5

# As many as downloads from pages; both count among the requests with a body on its way.
_places: Final = threading.BoundedSemaphore(settings.DOWNLOADS)


class _Body:
    """The pieces of one answer, and its place: given back at their end, when they break off, and when the client has left."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = ExitStack()
        if not _places.acquire(blocking=False):
            raise TryAgain(RETRY_AFTER)
        self._held.callback(_places.release)
        try:
            self._held.enter_context(turnstile.passed())
        except turnstile.Crowded:
            self._held.close()
            raise TryAgain(RETRY_AFTER) from None

    def __iter__(self) -> "_Body":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the place back; more than once does nothing."""
        self._held.close()

    # What went wrong between here and the server may have lost the answer.
    __del__ = close


def answer(pieces: Iterator[bytes], *, content_type: str, status: int = 200) -> StreamingHttpResponse:
    """An answer of these pieces, which are made as they are sent. Raises ``TryAgain`` when as many go out as may."""
    return StreamingHttpResponse(_Body(pieces), content_type=content_type, status=status)
