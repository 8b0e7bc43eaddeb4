"""What the doors of uploads read from a request, and how they refuse: bodies as streams, never `request.body`."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from imaging.ingest import turnstile
from imaging.ingest.uploads import protocol, refusals
from imaging.ingest.uploads.services import Body


def body_of(request: HttpRequest) -> Body:
    """The body as a stream, with its length and digest. Raises ``LengthNeeded`` or ``protocol.Malformed``."""
    if "CONTENT_LENGTH" not in request.META:
        raise refusals.LengthNeeded
    length = protocol.number(request.META["CONTENT_LENGTH"], "Content-Length")
    checksum = protocol.checksum(request.headers.get("Upload-Checksum"))

    def read(size: int) -> bytes:
        try:
            return request.read(size)
        except (UnreadablePostError, ConnectionError):
            return b""  # The browser is gone: what came is kept.

    return Body(read, length, checksum)


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
