"""The portal's own answers to what cannot be done. They tell nothing about what exists, and name no software."""

import functools
import logging
import sys
from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template import loader

from imaging.storage import services as storage
from imaging.studies import access

View = Callable[..., HttpResponseBase]

log = logging.getLogger(__name__)

# Without a template, a database or a session, this still can be said.
_LAST_RESORT = (
    "<!doctype html><html lang=en><title>Error</title><p>Something went wrong on our side. Your images are safe."
)


def _answer(request: HttpRequest, status: int) -> HttpResponse:
    response = HttpResponse(loader.render_to_string(f"{status}.html", {}, request), status=status)
    response["Cache-Control"] = "no-store"
    return response


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400: the address or the form carried something unexpected."""
    return _answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403: the reader may see the study, but the role lacks a right."""
    return _answer(request, 403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404: absent and forbidden look the same; the exception's text is never shown."""
    return _answer(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, even when the page itself cannot be rendered because what failed is needed for it.

    Without the database nobody is known and nothing may be shown: 503, by a page that asks it nothing.
    """
    try:
        if isinstance(sys.exception(), OperationalError | InterfaceError) and not _database_answers():
            return _database_is_away()
        return _answer(request, 500)
    except Exception:
        log.exception("The error page itself could not be rendered")
        response = HttpResponse(_LAST_RESORT, status=500)
        response["Cache-Control"] = "no-store"
        return response


def _database_answers() -> bool:
    """Whether it was this one question that failed, and not the database."""
    try:
        connection.ensure_connection()
        return connection.is_usable()
    except DatabaseError:
        return False


def _database_is_away() -> HttpResponse:
    # Without the request: the person, the session and all that a page asks of them lie in the database.
    response = HttpResponse(loader.render_to_string("database_away.html"), status=503)
    response["Cache-Control"] = "no-store"
    response["Retry-After"] = "30"
    return response


def of_a_study(view: View) -> View:
    """Make a page of a study: for people who signed in; absent and forbidden are one answer, and nothing is kept on the way."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: str, **names: str) -> HttpResponseBase:
        try:
            response = view(request, *args, **names)
        except access.StudyNotVisible:
            raise Http404 from None
        except access.RightMissing:
            raise PermissionDenied from None
        except storage.StorageAway:
            log.warning("A content is out of reach: the store that holds it does not answer.")
            response = _answer(request, 503)
            response["Retry-After"] = "30"
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)
