"""The proof that a request is its person's own, read from its head alone: for programs' doors, whose bodies are objects.

Django looks for the token among the fields of a form first, and reads the body for it. A body here is JSON, a DICOM object
or a zip of any length: reading it belongs to the door, after its limits and its turn.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.datastructures import MultiValueDict


class _Telling(CsrfViewMiddleware):
    """Django's own check, which says why instead of answering."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def why_not_proven(request: HttpRequest) -> str:
    """Return why a session's request may be another site's (in English, for logs); nothing for one that is proven.

    The token is taken from the header `X-CSRFToken` alone. A request with a machine's key is always proven: a browser does
    not send one by itself.
    """
    if not hasattr(request, "_post"):
        # What reading the body would set; the body is the view's.
        request._post, request._files = QueryDict(), MultiValueDict()  # type: ignore[attr-defined]
    check = _Telling(lambda _request: HttpResponse())
    check.process_request(request)
    return str(check.process_view(request, lambda _request: HttpResponse(), (), {}) or "")
