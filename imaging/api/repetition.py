"""`Idempotency-Key` on POST: a request whose answer was lost is sent again, done once, and answered alike.

The key belongs to who sent it. What it was used for is the method, the address, the type and the body; the same key for
anything else is refused. What is kept is the answer to a request that was carried out (draft-ietf-httpapi-idempotency-key-header,
section 2.6). A refusal has done nothing that could be done twice, and may not hold a moment later: its key is free again, for
the same request once the right was given, or for the one that was meant.
"""

import hashlib
import re
import time
from typing import TYPE_CHECKING, Final

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from accounts.idempotency import services as idempotency
from accounts.idempotency.services import Claim
from imaging.api.errors import Answered, Problem, Refused
from imaging.ingest import turnstile

if TYPE_CHECKING:
    from imaging.api.resource import Resource

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_CHUNK: Final = 256 * 1024
_RENEWED: Final = 30.0


class Body:
    """The body of a request: read once, in pieces, while its digest is taken and its claim kept."""

    def __init__(self, request: HttpRequest, *, is_stream: bool) -> None:
        """Begin to read; what is no stream is read at once, up to DATA_UPLOAD_MAX_MEMORY_SIZE."""
        self._request = request
        self._digest = hashlib.sha256(b"" if is_stream else request.body)
        self.is_ended = not is_stream
        self.claim: Claim | None = None
        self._kept_at = time.monotonic()

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` octets, none at the end. Raises ``UnreadablePostError``."""
        chunk: bytes = self._request.read(min(size, _CHUNK) if size >= 0 else _CHUNK)
        self.is_ended = self.is_ended or (not chunk and size != 0)
        self._digest.update(chunk)
        self.keep()
        return chunk

    def keep(self) -> None:
        """Say that the request is still being answered: called now and then by what takes long."""
        if self.claim is not None and time.monotonic() - self._kept_at > _RENEWED:
            self._kept_at = time.monotonic()
            idempotency.keep(self.claim)

    def digest(self) -> str:
        """SHA-256 of the whole body, read to its end."""
        while not self.is_ended:
            self.read()
        return self._digest.hexdigest()


def begin(view: "Resource") -> None:
    """Claim the request's key, if it has one. Raises ``Answered`` for a repetition, ``Refused`` or ``AtWork``."""
    request = view.request._request
    if request.method != "POST":
        return
    view.body = Body(request, is_stream=view.takes_stream)
    key = request.headers.get(HEADER)
    if key is None:
        return
    if not _KEY.fullmatch(key):
        raise Refused(Problem.INVALID, detail=_("The idempotency key must be 1 to 255 visible characters of ASCII."))
    route = hashlib.sha256(f"{request.get_full_path()} {request.content_type or ''}".encode()).hexdigest()
    found = idempotency.claim(actor=view.actor, key=key, route=route)
    if isinstance(found, Claim):
        view.claim = view.body.claim = found
        return
    if found.route != route or found.digest != _digest(view):
        raise Refused(Problem.OTHER_REQUEST)
    answer = HttpResponse(found.body, status=found.status, content_type=found.content_type)
    answer[REPLAYED] = "true"
    raise Answered(answer)


def _digest(view: "Resource") -> str:
    """The digest of a repetition's body; one of any length takes a turn, as it did the first time. Raises ``Refused``."""
    if not view.takes_stream:
        return view.body.digest()
    try:
        with turnstile.passed():
            return view.body.digest()
    except turnstile.Crowded as error:
        raise Refused(Problem.AWAY, retry_after=turnstile.RETRY_AFTER) from error
    except UnreadablePostError as error:
        raise Refused(Problem.INVALID, detail=_("The body cannot be read to its end.")) from error


def end(view: "Resource", response: HttpResponseBase) -> None:
    """Keep the answer for repetitions, or forget the request where nothing was done."""
    claim, view.claim = view.claim, None
    if claim is None:
        return
    if response.status_code >= 400 or not isinstance(response, HttpResponse):
        idempotency.release(claim)
        return
    try:
        digest = view.body.digest()
    except UnreadablePostError:
        # What followed the part that was needed never came: no repetition could be told from another request.
        idempotency.release(claim)
        return
    idempotency.settle(
        claim,
        digest=digest,
        status=response.status_code,
        content_type=response.headers.get("Content-Type", ""),
        body=response.content,
    )


def abandon(view: "Resource") -> None:
    """Leave the key to the next request: a fault of ours ended this one."""
    claim, view.claim = view.claim, None
    if claim is not None:
        idempotency.release(claim)
