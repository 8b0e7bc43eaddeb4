"""What the doors of uploads read from a request, and how they refuse: bodies as streams, never `request.body`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from imaging.ingest import turnstile
from imaging.ingest.uploads import protocol, refusals
from imaging.ingest.uploads.bringers import Outsider
from imaging.ingest.uploads.services import Body

#: Seconds between two questions whether somebody outside may still send.
_ASKED_AGAIN: Final = 0.5
#: Bytes that are read at a time of somebody outside, so that a slow line does not keep the question waiting.
_ASKED_EVERY: Final = 64 * 1024
_ANY: Final = 1 << 30


def body_of(request: HttpRequest) -> Body:
    """The body as a stream, with its length and digest. Raises ``LengthNeeded`` or ``protocol.Malformed``.

    Reading raises ``LinkEnded`` when somebody outside may send no more.
    """
    if "CONTENT_LENGTH" not in request.META:
        raise refusals.LengthNeeded
    length = protocol.number(request.META["CONTENT_LENGTH"], "Content-Length")
    checksum = protocol.checksum(request.headers.get("Upload-Checksum"))

    ask = _asked_again(request)
    longest = _ASKED_EVERY if isinstance(getattr(request, "outsider", None), Outsider) else _ANY

    def read(size: int) -> bytes:
        ask()
        try:
            return request.read(min(size, longest))
        except (UnreadablePostError, ConnectionError):
            return b""  # The browser is gone: what came is kept.

    return Body(read, length, checksum)


def _asked_again(request: HttpRequest) -> Callable[[], None]:
    """Return what is called before each read: of somebody outside, whether they may still send is asked while bytes come."""
    outsider = getattr(request, "outsider", None)
    asked_at = time.monotonic()

    def ask() -> None:
        nonlocal asked_at
        if isinstance(outsider, Outsider) and time.monotonic() - asked_at >= _ASKED_AGAIN:
            asked_at = time.monotonic()
            if not outsider.stands():
                raise refusals.LinkEnded

    return ask


@contextmanager
def turn() -> Iterator[None]:
    """Keep a thread of the web server while a body is read. Raises ``Crowded``."""
    try:
        with turnstile.passed():
            yield
    except turnstile.Crowded as error:
        raise refusals.Crowded from error


def refused(refusal: refusals.Refusal) -> HttpResponse:
    """The refusal's status and sentence."""
    response = HttpResponse(str(refusal.sentence), status=refusal.status, content_type="text/plain; charset=utf-8")
    if isinstance(refusal, refusals.Crowded):
        response["Retry-After"] = str(turnstile.RETRY_AFTER)
    return response
