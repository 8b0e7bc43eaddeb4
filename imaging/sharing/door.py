"""The door of shares: everything below ``/s/<key>/`` is answered as if the portal held nothing but that share.

Two middlewares. The first takes away every cookie but the share's own, before anything reads one, so that a share never meets
the session of somebody who is signed in beside it. The second recognises the visit and mounts the few addresses that a share
may have (``portal.share_urls``) under its path: the views of images stand there unchanged, and write addresses below the share
because that is where they are. The portal's other doors never see a share's cookie: its path keeps it here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone

from accounts.addresses import client_address
from accounts.audit import context
from accounts.roles import Door
from accounts.scope import EMPTY
from accounts.visitors import Visitor
from imaging.sharing import log, scopes, selectors
from imaging.sharing.models import ShareVisit
from imaging.sharing.streams import Guarded

GetResponse = Callable[[HttpRequest], HttpResponseBase]

URLCONF: Final = "portal.share_urls"
_PATH: Final = re.compile(r"/s/([A-Za-z0-9_-]{8,16})(/.*)\Z")
_KEPT: Final = (settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME, settings.THEME_COOKIE_NAME)
#: Addresses that are asked before the second proof: the way in, which shows nothing of a patient.
_BEFORE: Final = frozenset(
    {
        *("share:page", "share:open", "share:prove", "share:code", "share:leave", "set_language"),
        *("share:record-sign-out", "share:record-close", "share:record-end-proxy"),
        *("share:health-link", "share:health-link-open", "share:health-link-manifest", "share:health-link-file"),
    }
)
#: Downloads, which ask for themselves whether they may go on.
_ASK_THEMSELVES: Final = frozenset({"share:download", "share:download-study"})
_DICOM_WEB: Final = re.compile(r"/s/[A-Za-z0-9_-]+/dicom-web/")
_BEARER: Final = re.compile(r"Bearer ([A-Za-z0-9_-]{40,64})\Z", re.IGNORECASE)


def cookie_name(key: str) -> str:
    """Return the name of the cookie of one share: each has its own, so that two of them never meet."""
    prefix = "__Secure-" if settings.SESSION_COOKIE_SECURE else ""
    return f"{prefix}negatoscope_share_{key}"


def address_of(key: str) -> str:
    """Return the path below which a share lies."""
    return f"/s/{key}/"


class ShareCookies:
    """The outer middleware: leaves a request below a share its own cookie, the forgery check, language and theme."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Take the others away, answer."""
        found = _PATH.match(request.path_info)
        if found is not None:
            kept = {*_KEPT, cookie_name(found[1])}
            request.COOKIES = {name: value for name, value in request.COOKIES.items() if name in kept}
        elif request.COOKIES:
            request.COOKIES = {
                name: value for name, value in request.COOKIES.items() if "negatoscope_share_" not in name
            }
        return self.get_response(request)


class ShareDoor:
    """The inner middleware: sets who visits and what they may see, and answers with the addresses of a share alone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Mount the share, answer, take it off again."""
        found = _PATH.match(request.path_info)
        if found is None:
            # Typed off a letter, the last stroke is easily left out.
            short = _PATH.match(f"{request.path_info}/")
            return HttpResponseRedirect(address_of(short[1])) if short else self.get_response(request)
        visit = _recognise(request, found[1])
        before, prefix = request.path_info, get_script_prefix()
        request.urlconf = URLCONF
        request.path_info = found[2]
        set_script_prefix(f"{prefix.rstrip('/')}{address_of(found[1])}")
        here = context.current()
        try:
            with (
                context.entered(request_id=here.request_id, door=Door.SHARE, address=here.address),
                timezone.override(_zone_of(visit)),
            ):
                response = self.get_response(request)
        finally:
            set_script_prefix(prefix)
            request.path_info = before
        return _sent(request, response, visit)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], names: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Lead who is not in, or not any more, to the way in; what is no page is not there at all."""
        if not getattr(request, "share_key", "") or not request.scope.is_empty:  # type: ignore[attr-defined]
            return None
        match = request.resolver_match
        if match is None or match.namespace == "dicomweb" or match.view_name in _BEFORE:
            return None
        if _is_navigation(request):
            return HttpResponseRedirect(address_of(request.share_key))  # type: ignore[attr-defined]
        raise Http404


def _zone_of(visit: ShareVisit | None) -> str | None:
    """Return the zone in which times are told: that of the hospital's site, as whoever shares reads them."""
    return (visit.share.department.site.time_zone or None) if visit is not None else None


def _is_navigation(request: HttpRequest) -> bool:
    """Whether somebody follows a link, and no part of a page is asked for."""
    mode = request.headers.get("Sec-Fetch-Mode", "")
    return request.method == "GET" and (
        mode == "navigate" or (not mode and "text/html" in request.headers.get("Accept", ""))
    )


def _recognise(request: HttpRequest, key: str) -> ShareVisit | None:
    """Find the visit, and say who asks and what they may see."""
    token = _sent_token(request)
    visit = selectors.visit_of(key, token or request.COOKIES.get(cookie_name(key), ""), is_program=bool(token))
    here = context.current()
    request.share_key = key  # type: ignore[attr-defined]
    request.share_visit = visit  # type: ignore[attr-defined]
    request.machine = None  # type: ignore[attr-defined]
    if visit is None:
        request.user = AnonymousUser()
        request.scope = EMPTY  # type: ignore[attr-defined]
        return None
    actor = scopes.actor_of(visit.share, address=client_address(request), request_id=here.request_id)
    scope = scopes.scope_of(visit, actor=actor)
    request.scope = scope  # type: ignore[attr-defined]
    if scope.is_empty:
        # Nobody, until the second proof is given, and when nothing is open any more.
        request.user = AnonymousUser()
    else:
        request.user = Visitor()
        request.actor = actor  # type: ignore[attr-defined]
    return visit


def _sent_token(request: HttpRequest) -> str:
    """Return the token of a program, which reads DICOMweb and nothing else; what a browser sends by itself is none."""
    found = _DICOM_WEB.match(request.path_info) and _BEARER.match(request.META.get("HTTP_AUTHORIZATION", ""))
    return found[1] if found else ""


def _sent(request: HttpRequest, response: HttpResponseBase, visit: ShareVisit | None) -> HttpResponseBase:
    match = request.resolver_match
    if visit is not None and match is not None and response.status_code < 300:
        log.note_look(visit, match.view_name, match.kwargs.get("study_instance_uid", ""))
        if isinstance(response, StreamingHttpResponse) and match.view_name not in _ASK_THEMSELVES:
            pieces: Iterator[bytes] = iter(response.streaming_content)  # type: ignore[arg-type]
            response.streaming_content = Guarded(pieces, visit)
    return response
