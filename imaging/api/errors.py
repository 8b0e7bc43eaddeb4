"""How the API says that something cannot be done: problem documents (RFC 9457), whoever refused.

A document names its kind by an address (`/api/docs/problems#…`, where each is explained), never by what was asked for: it
holds nothing about a patient, and nothing about what exists. ``ProblemDocuments`` rewrites the answers of everybody who
stands before the views (an unknown address, a refused key, a missing CSRF token), so that no machine meets a page.
"""

import json
import logging
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions

from accounts import audit
from accounts.authentication import NotProven
from accounts.idempotency.services import AtWork
from imaging.storage import services as storage
from imaging.studies import access

log = logging.getLogger(__name__)

PREFIX: Final = "/api/"
CONTENT_TYPE: Final = "application/problem+json"
EXPLAINED_AT: Final = "/api/docs/problems"
_AWAY_SECONDS: Final = 30


class Problem(Enum):
    """Every kind of problem: its name, its status, what it means, and what to do."""

    INVALID = ("invalid-request", 400, _("The request cannot be read"), _("Correct what is named, and ask again."))
    TOO_LONG = (
        "address-too-long",
        414,
        _("The address is too long"),
        _("Nothing was done. Ask for less at once, such as fewer filters or identifiers."),
    )
    UNKNOWN_PARAMETER = (
        "unknown-parameter",
        400,
        _("A parameter is not known"),
        _("Nothing was searched, for the answer would not be what was meant. The document lists the known ones."),
    )
    CURSOR = (
        "cursor-refused",
        400,
        _("The cursor is not of this list"),
        _("Follow the addresses in next and previous as they are, with the same filters and order, or begin anew."),
    )
    UNRECOGNISED = (
        "unrecognised",
        401,
        _("Nobody is signed in"),
        _(
            "Send a machine key (Authorization: Bearer …), or sign in to the portal. A key that was sent is not accepted."
        ),
    )
    FORBIDDEN = (
        "right-missing",
        403,
        _("The right for this is missing"),
        _("You may see this, but not do what you asked. An administrator gives rights to keys and roles to people."),
    )
    FORGERY = (
        "not-proven",
        403,
        _("The request does not prove that it is yours"),
        _("A request of a signed-in person that changes something carries the header X-CSRFToken."),
    )
    NOT_FOUND = (
        "not-found",
        404,
        _("There is nothing here for you to see"),
        _("It does not exist, or it is not yours to see: the answer is the same."),
    )
    METHOD = (
        "method-not-allowed",
        405,
        _("This cannot be done with this resource"),
        _("The header Allow names what can."),
    )
    NOT_ACCEPTABLE = (
        "not-acceptable",
        406,
        _("The answer cannot be given in that form"),
        _("Accept application/json."),
    )
    STALLED = ("stalled", 408, _("Nothing came for too long"), _("Send the request again."))
    AT_WORK = (
        "being-answered",
        409,
        _("The same request is being answered at this moment"),
        _("Another request with this idempotency key is not finished. Ask again in a moment."),
    )
    LENGTH = ("length-missing", 411, _("The length of the body is missing"), _("Send Content-Length."))
    FORGOTTEN = (
        "no-longer-kept",
        410,
        _("What was asked for is no longer kept"),
        _("Read the whole list anew, and go on from there."),
    )
    CHANGED = (
        "changed-meanwhile",
        412,
        _("It has changed meanwhile"),
        _("Nothing was done. Read it again, and decide anew with its new ETag."),
    )
    TOO_LARGE = ("too-large", 413, _("The request is too large"), _("Nothing of it was kept. Send less at once."))
    MEDIA_TYPE = (
        "unsupported-media-type",
        415,
        _("The body is of a type that is not taken"),
        _("The reference names the types that each operation takes. Compressed bodies are not taken."),
    )
    OTHER_REQUEST = (
        "key-used-otherwise",
        422,
        _("The idempotency key belongs to another request"),
        _("Nothing was done. Use a new key for each new request, and the same one only to repeat it."),
    )
    NOT_STORED = (
        "not-stored",
        422,
        _("Nothing of this can be stored"),
        _("Nothing was kept. The document says what is wrong with each object."),
    )
    TOO_MANY = (
        "too-many-requests",
        429,
        _("Too many requests"),
        _("Wait for as many seconds as the header Retry-After says."),
    )
    FAULT = (
        "fault",
        500,
        _("Something went wrong on our side"),
        _("What is stored is safe. Tell the administrators the request's number; ask again later."),
    )
    AWAY = (
        "not-available",
        503,
        _("Not available at the moment"),
        _("Ask again after as many seconds as the header Retry-After says. Repeat a change with its idempotency key."),
    )
    NO_ROOM = (
        "no-room",
        507,
        _("Nothing more can be kept now"),
        _("What was told as kept is kept. Keep the rest, and send it later."),
    )

    def __init__(self, slug: str, status: int, title: Promise, detail: Promise) -> None:
        self.slug = slug
        self.status = status
        self.title = title
        self.detail = detail

    @property
    def type(self) -> str:
        """The address by which machines tell problems apart, and where people read about them."""
        return f"{EXPLAINED_AT}#{self.slug}"


#: What a status means when nobody said more; any other is read as the nearest of its class.
_OF_STATUS: Final[Mapping[int, Problem]] = {
    400: Problem.INVALID,
    401: Problem.UNRECOGNISED,
    403: Problem.FORBIDDEN,
    404: Problem.NOT_FOUND,
    405: Problem.METHOD,
    406: Problem.NOT_ACCEPTABLE,
    408: Problem.STALLED,
    410: Problem.FORGOTTEN,
    411: Problem.LENGTH,
    413: Problem.TOO_LARGE,
    414: Problem.TOO_LONG,
    415: Problem.MEDIA_TYPE,
    429: Problem.TOO_MANY,
    500: Problem.FAULT,
    503: Problem.AWAY,
    507: Problem.NO_ROOM,
}


#: The same to the last byte, whatever the reason was.
_ALIKE: Final = frozenset({Problem.UNRECOGNISED, Problem.NOT_FOUND})


class Refused(Exception):
    """A request that is not served; ``more`` goes into the document, ``retry_after`` (seconds) into its header."""

    def __init__(
        self,
        problem: Problem,
        *,
        detail: str | Promise = "",
        retry_after: int = 0,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(problem.slug)
        self.problem = problem
        self.detail = detail
        self.retry_after = retry_after
        self.more = more or {}


class Answered(Exception):
    """There is an answer already, to be sent as it is: what the client has is current, or the request is a repetition."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status_code)
        self.response = response


def document(
    problem: Problem, *, detail: str | Promise = "", request_id: str = "", more: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The members of a problem document in the reader's language."""
    found: dict[str, Any] = {
        "type": problem.type,
        "title": str(problem.title),
        "status": problem.status,
        "detail": str(detail or problem.detail),
        **(more or {}),
    }
    return {**found, "request_id": request_id} if request_id and problem not in _ALIKE else found


def answer(
    problem: Problem,
    *,
    detail: str | Promise = "",
    request_id: str = "",
    retry_after: int = 0,
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The document as an answer, which nobody keeps."""
    response = HttpResponse(status=problem.status)
    _write(response, document(problem, detail=detail, request_id=request_id, more=more))
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response


def of_exception(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Answer for whatever a view raised (Django REST framework's exception handler); None for a fault of ours."""
    request_id = getattr(context.get("request"), "request_id", "")
    if isinstance(error, Answered):
        return error.response
    if isinstance(error, Refused):
        return answer(
            error.problem, detail=error.detail, request_id=request_id, retry_after=error.retry_after, more=error.more
        )
    problem = _problem_of(error)
    if problem is None:
        return None
    if problem is Problem.AWAY:
        log.warning("A content is out of reach: %s.", type(error).__name__)
    response = answer(problem, request_id=request_id, more=_more(error))
    if problem is Problem.AWAY:
        response["Retry-After"] = str(_AWAY_SECONDS)
    for header, value in _headers(error).items():
        response[header] = value
    return response


def _problem_of(error: Exception) -> Problem | None:
    if isinstance(error, exceptions.PermissionDenied):
        return Problem.FORGERY if isinstance(error, NotProven) else Problem.FORBIDDEN
    if isinstance(error, exceptions.APIException):
        return _OF_STATUS.get(error.status_code, Problem.INVALID)
    kinds: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Problem], ...] = (
        ((access.StudyNotVisible, Http404), Problem.NOT_FOUND),
        ((access.RightMissing, PermissionDenied), Problem.FORBIDDEN),
        (RequestDataTooBig, Problem.TOO_LARGE),
        (AtWork, Problem.AT_WORK),
        ((storage.StorageAway, audit.AuditUnavailable), Problem.AWAY),
    )
    return next((problem for kind, problem in kinds if isinstance(error, kind)), None)


def _headers(error: Exception) -> dict[str, str]:
    found = {}
    if header := getattr(error, "auth_header", ""):
        found["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        found["Retry-After"] = str(int(wait))
    return found


def _more(error: Exception) -> dict[str, Any]:
    """What is wrong with each named field of a request."""
    if not isinstance(error, exceptions.ValidationError):
        return {}
    return {"errors": [{"name": name, "detail": text} for name, text in _told(error.detail, "")]}


def _told(detail: Any, name: str) -> list[tuple[str, str]]:
    if isinstance(detail, Mapping):
        return [pair for key, inner in detail.items() for pair in _told(inner, f"{name}.{key}" if name else str(key))]
    if isinstance(detail, list):
        return [pair for inner in detail for pair in _told(inner, name)]
    return [(name, str(detail))]


def _write(response: HttpResponse, found: Mapping[str, Any]) -> None:
    response.content = json.dumps(found, ensure_ascii=False).encode()
    if response.has_header("Content-Length"):
        response["Content-Length"] = str(
            len(response.content)
        )  # of the page that was; who reads would wait for its rest
    response["Content-Type"] = CONTENT_TYPE
    response["Content-Language"] = translation.get_language() or "en"
    response["Cache-Control"] = "no-store"


class ProblemDocuments:
    """Middleware: below /api/ every refusal is a problem document, whoever refused; its headers stay."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; rewrite what is no document."""
        response = self.get_response(request)
        if request.path_info.startswith(PREFIX) and response.status_code >= 400:
            _rewrite(request, response)
        return response


def _rewrite(request: HttpRequest, response: HttpResponseBase) -> None:
    if not isinstance(response, HttpResponse) or response.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
        return
    status = response.status_code
    problem = _OF_STATUS.get(status, Problem.INVALID if status < 500 else Problem.FAULT)
    with translation.override(translation.get_language_from_request(request)):
        found = document(problem, request_id=getattr(request, "request_id", ""))
        _write(response, {**found, "status": status})
