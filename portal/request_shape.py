"""What no request of a browser or a machine looks like is answered before anything reads it.

An address whose path two programs could read in two ways (`//`, `..`, a backslash, a control character) is refused, so
that a front server's rules and ours always speak of the same address. A question is as long as our own pages ask, no more.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: A thousand frames of one image are named in a path.
LONGEST_PATH: Final = 8192
MOST_PARAMETERS: Final = 500


class RequestShape:
    """Middleware, above everything that reads a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer, or say what is wrong with the request's outer form."""
        status = _wrong(request)
        if not status:
            return self.get_response(request)
        with translation.override(translation.get_language_from_request(request)):
            response = HttpResponse(_in_words(status), status=status, content_type="text/plain; charset=utf-8")
        if status == 405:
            response["Allow"] = ", ".join(sorted(METHODS))
        return response


def _wrong(request: HttpRequest) -> int:
    """Return the status with which a request is refused; 0 for one that goes on."""
    path, query = request.path_info, request.META.get("QUERY_STRING", "")
    if request.method not in METHODS:
        return 405
    if len(path) > LONGEST_PATH or len(query) > settings.LONGEST_QUERY or query.count("&") >= MOST_PARAMETERS:
        return 414
    if "//" in path or "\\" in path or any(ord(char) < 32 or ord(char) == 127 for char in path):
        return 400
    if any(part in {".", ".."} for part in path.split("/")):
        return 400
    return 0


def _in_words(status: int) -> str:
    if status == 405:
        return _("This method is not known here. Nothing was done.")
    if status == 414:
        return _("The address is too long. Nothing was done: ask for less at once, such as fewer filters.")
    return _("The address cannot be read in one way only. Nothing was done: correct it, and ask again.")
