"""How DICOMweb answers: who may ask, what went wrong (PS3.18 section 8.5), caching and byte ranges, the same for every resource."""

import functools
import itertools
import logging
import re
from collections.abc import Callable, Iterator
from typing import Final, cast

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _

from imaging.dicomweb import negotiation
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.finding.time_limit import SearchTooBroad
from imaging.studies.reading import frames

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

#: Headers, and what is found: no browser writes them to its disk. A client that keeps them itself asks with their ETag.
UNKEPT: Final = "private, no-store"
#: Only the reader's own browser keeps it, and asks again each time: the tag makes that cheap.
REVALIDATED: Final = "private, no-cache"
#: The address names the version (`?v=`): its bytes never change.
IMMUTABLE: Final = "private, max-age=31536000, immutable"
#: Seconds after which a client may ask again for what a store did not give.
_AWAY_SECONDS: Final = 30
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class TryAgain(Exception):
    """The answer is not ready, or everybody is busy: 503 with the seconds to wait."""

    def __init__(self, seconds: int = 2) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class NothingHere(LookupError):
    """The instance is visible, but has nothing of that name: 404, as for a stranger."""


class NotRenderable(Exception):
    """There is no picture of this object: 406, with the reason."""


def resource(view: View) -> View:
    """Make a view of a resource that is read by GET and HEAD, by whoever has been recognised."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: str, **names: str) -> HttpResponseBase:
        if request.method not in {"GET", "HEAD"}:
            response: HttpResponseBase = problem(405, _("This resource can only be read."))
            response["Allow"] = "GET, HEAD"
            return response
        if request.actor.is_anonymous:  # type: ignore[attr-defined]
            return unrecognised()
        response = _answered(view, request, *args, **names)
        patch_vary_headers(response, ["Accept", "Cookie", "Authorization"])
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = UNKEPT
        return response

    return answer


@resource
def root(request: HttpRequest) -> HttpResponseBase:
    """Answer at the root of the service, which is no resource of its own: 404."""
    raise NothingHere


def _answered(view: View, request: HttpRequest, *args: str, **names: str) -> HttpResponseBase:
    """Call the view; every way of not succeeding has one status, and one text for absent and forbidden."""
    try:
        return _begun(view(request, *args, **names))
    except negotiation.NotUnderstood as error:
        return problem(400, str(error))
    except (access.StudyNotVisible, frames.NoSuchFrame, NothingHere):
        return problem(404, _("There is nothing here for you to see."))
    except SearchTooBroad:
        return problem(413, _("This search takes too long. Narrow it: by a date, a patient ID or more of the name."))
    except storage.StorageAway:
        log.warning("A content is out of reach: the store that holds it does not answer.")
        response = problem(
            503, _("These images are kept in a store that does not answer at the moment. Try again in a minute.")
        )
        response["Retry-After"] = str(_AWAY_SECONDS)
        return response
    except storage.StorageError:
        log.exception("A content cannot be read")
        return problem(
            500, _("These images cannot be read at the moment. They are being looked after; try again later.")
        )
    except access.RightMissing:
        return problem(403, _("You may see this study, but not do what you asked."))
    except negotiation.NotAcceptable as error:
        return problem(406, str(error))
    except NotRenderable as error:
        return problem(406, str(error))
    except TryAgain as error:
        response = problem(503, _("Not ready yet. Try again in a moment."))
        response["Retry-After"] = str(error.seconds)
        return response


def _begun(response: HttpResponseBase) -> HttpResponseBase:
    """Read the first pieces of a streamed answer before its status is sent, so that what cannot be read has its own.

    Two pieces: of several parts, the first piece is only a header.
    """
    if isinstance(response, StreamingHttpResponse) and not response.is_async:
        pieces = cast("Iterator[bytes]", response.streaming_content)
        response.streaming_content = itertools.chain(list(itertools.islice(pieces, 2)), pieces)
    return response


def problem(status: int, text: str) -> HttpResponse:
    """Answer with a status and one sentence, as JSON; it holds nothing of what was asked for."""
    response = JsonResponse({"status": status, "message": text}, status=status)
    response["Cache-Control"] = "no-store"
    return response


def unrecognised() -> HttpResponse:
    """Answer somebody whom nobody knows: 401."""
    response = problem(401, _("Sign in, or send a machine key."))
    # Without Basic, or browsers would open their own window for a session that has ended.
    response["WWW-Authenticate"] = 'Bearer realm="negatoscope"'
    return response


def accepted(request: HttpRequest) -> tuple[negotiation.MediaRange, ...]:
    """Return what the client accepts, best first."""
    return negotiation.ranges(request.headers.get("Accept"), request.GET.get("accept"))


def unchanged(request: HttpRequest, etag: str) -> HttpResponseBase | None:
    """Return 304 (or 412) when the client already has this version; `etag` comes with its quotes."""
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is not None:
        response["Cache-Control"] = REVALIDATED
    return response


def cached(response: HttpResponseBase, request: HttpRequest, etag: str) -> HttpResponseBase:
    """Mark an answer with its version; for ever, when the address itself names that version."""
    response["ETag"] = etag
    response["Cache-Control"] = IMMUTABLE if request.GET.get("v") == etag.strip('"') else REVALIDATED
    return response


def content(
    request: HttpRequest, *, etag: str, content_type: str, length: int, read: Callable[[int, int], Iterator[bytes]]
) -> HttpResponseBase:
    """Answer with one content, whole or the part that `Range` asks for (RFC 9110 section 14): 200, 206 or 416.

    `etag`, with its quotes, is the version that `If-Range` has to name for a part. `read(start, length)` yields the bytes in
    pieces and is called only when they are sent.
    """
    condition = request.headers.get("If-Range", "").strip()
    asked = _asked_range(request, length) if condition in {"", etag} else None
    if asked is None:
        response: HttpResponseBase = StreamingHttpResponse(
            () if request.method == "HEAD" else read(0, length), content_type=content_type
        )
        response["Content-Length"] = str(length)
    elif not asked[1]:
        response = problem(416, _("The range lies outside of the content."))
        response["Content-Range"] = f"bytes */{length}"
        return response
    else:
        start, size = asked
        body = () if request.method == "HEAD" else read(start, size)
        response = StreamingHttpResponse(body, content_type=content_type, status=206)
        response["Content-Length"] = str(size)
        response["Content-Range"] = f"bytes {start}-{start + size - 1}/{length}"
    response["Accept-Ranges"] = "bytes"
    return response


def _asked_range(request: HttpRequest, length: int) -> tuple[int, int] | None:
    """Return start and size of the one range asked for; None for the whole, a size of 0 when it cannot be satisfied.

    Several ranges, other units and what cannot be read are answered with the whole, as RFC 9110 allows.
    """
    found = _RANGE.fullmatch(request.headers.get("Range", "").strip())
    if not found or found[0] == "bytes=-" or len(found[0]) > 60:
        return None
    first, last = found[1], found[2]
    if not first:
        size = min(int(last), length)
        return length - size, size
    start, end = int(first), min(int(last), length - 1) if last else length - 1
    if last and int(last) < start:
        return None
    return (start, end - start + 1) if start < length else (start, 0)
