"""Says of each page who may hold it in a frame: the listed origins for pages of images, nobody for all others.

Signing in, the administration and the API are framed by nobody, whatever is listed: whoever frames a page can lay
another one over it (clickjacking), and there the price of a click is highest.
"""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.framing import selectors

NEVER_FRAMED: Final = ("/account/", "/accounts/", "/admin/", "/api/", "/dicom-web/", "/fhir/", "/s/")


class FramingMiddleware:
    """Stands inside the middlewares of Django and of django-csp, which write the headers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; name the listed origins on a page that they may frame."""
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if not is_page or request.path_info.startswith(NEVER_FRAMED):
            return response
        if listed := selectors.origins():
            response._csp_replace = {"frame-ancestors": list(listed)}  # type: ignore[attr-defined]
            # The older header knows no list; browsers that know the newer one leave it unread.
            response.xframe_options_exempt = True  # type: ignore[attr-defined]
        return response
