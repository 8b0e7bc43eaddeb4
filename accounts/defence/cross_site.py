"""What a page of another site has a signed-in person's browser ask is not answered (Fetch Metadata, W3C).

Cookies with `SameSite=Lax` stay at home when another site asks for a part of a page; a sister name of the hospital's
(`intranet.hospital.example`) counts as the same site, and old browsers know no such cookies. So this is the second lock:
a link may lead here from anywhere, and nothing else may.
"""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.defence.alerts import alert
from accounts.framing import selectors as framing
from accounts.middleware import actor_of
from accounts.roles import Door

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS: Final = frozenset({"same-origin", "none"})
#: Where a view that is exempt from the check of forgery takes what an identity provider, or a health record, has signed.
_PROVEN: Final = ("/account/", "/launch/")
_FRAMES: Final = frozenset({"iframe", "frame"})


class CrossSiteRequests:
    """Middleware: refuses what another origin asks with the cookies of a session, but for following a link.

    A request with a machine's key, or a guest's token, needs no such lock: no browser sends one by itself. A view that is
    exempt from Django's check of forgery has a proof of its own in what is posted (an identity provider's signed answer).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Go on; the view's own name is known a step later."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], names: dict[str, Any]
    ) -> None:
        """Raise ``PermissionDenied`` for what another origin may not ask."""
        has_token = bool(getattr(request, "machine", None) or getattr(request, "guest", None))
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or has_token:
            return
        if request.method in _SAFE:
            reason = _why_not_read(request)
        elif getattr(view, "csrf_exempt", False) and request.path_info.startswith(_PROVEN):
            reason = ""
        else:
            reason = _why_not_changed(request)
        if reason:
            match = request.resolver_match
            alert(
                "cross-site-request",
                actor=actor_of(request, Door.PAGE),
                detail={"route": match.view_name if match else "", "method": request.method or "", "because": reason},
            )
            raise PermissionDenied


def _why_not_read(request: HttpRequest) -> str:
    """Return why a reading request is not answered; nothing for our own pages, links, listed frames and old browsers."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if not site or site in _OURS:
        return ""
    if request.headers.get("Sec-Fetch-Mode") != "navigate":
        return "part of another page"
    destination = request.headers.get("Sec-Fetch-Dest", "")
    if destination == "document" or (destination in _FRAMES and framing.origins()):
        return ""
    return "within another page"


def _why_not_changed(request: HttpRequest) -> str:
    """Return why a changing request is not carried out; nothing for our own pages."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site and site not in _OURS:
        return "sent by another page"
    origin = request.headers.get("Origin", "")
    if not origin:
        return ""
    if origin == "null":
        # Our own pages say no more than that where a referrer is withheld; the newer header has told them apart by now.
        return "" if site in _OURS else "of no origin"
    parts = urlsplit(origin)
    ours = {(request.scheme, request.get_host().lower()), tuple(urlsplit(settings.PUBLIC_URL)[:2])}
    return "" if (parts.scheme, parts.netloc.lower()) in ours else "of another origin"
