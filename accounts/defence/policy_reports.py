"""Browsers tell when a page of ours tried what the content security policy forbids: the sign of an attack, or of a fault.

Only people who are signed in are listened to. Of a report nothing is kept as it came: the directive, if it is one; the
kind of what was stopped, never its address; the route of the page, never its path.
"""

import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.defence.alerts import alert
from accounts.middleware import actor_of
from accounts.roles import Door

LONGEST: Final = 8192
_TYPES: Final = frozenset({"application/csp-report", "application/reports+json", "application/json"})
_DIRECTIVES: Final = frozenset(
    {
        *("default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem"),
        *("style-src-attr", "img-src", "font-src", "media-src", "connect-src", "manifest-src", "worker-src"),
        *("frame-src", "child-src", "object-src", "base-uri", "form-action", "frame-ancestors", "sandbox"),
    }
)
_WORDS: Final = frozenset({"inline", "eval", "wasm-eval", "data", "blob", "self", "trusted-types-policy"})


@csrf_exempt  # A browser sends reports by itself, without a token; nothing is changed by one.
@require_POST
def received(request: HttpRequest) -> HttpResponse:
    """Take one report; the answer is the same whatever becomes of it."""
    answer = HttpResponse(status=204)
    if not request.user.is_authenticated or request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return answer
    if request.content_type not in _TYPES or not 0 < _length(request) <= LONGEST:
        return answer
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        return answer
    for found in _reports(sent):
        alert("content-policy", actor=actor_of(request, Door.PAGE), detail=_told(found))
    return answer


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _reports(sent: Any) -> list[dict[str, Any]]:
    """Return the reports of either form: CSP level 2 (one), or the Reporting API (a few)."""
    if isinstance(sent, dict) and isinstance(sent.get("csp-report"), dict):
        return [sent["csp-report"]]
    listed = sent if isinstance(sent, list) else []
    return [entry["body"] for entry in listed[:3] if isinstance(entry, dict) and isinstance(entry.get("body"), dict)]


def _told(found: dict[str, Any]) -> dict[str, str]:
    directive = _text(found, "effective-directive", "effectiveDirective", "violated-directive").split(" ")[0]
    blocked = _text(found, "blocked-uri", "blockedURL").partition(":")[0]
    page = _text(found, "document-uri", "documentURL")
    return {
        "directive": directive if directive in _DIRECTIVES else "unknown",
        "blocked": blocked if blocked in _WORDS else "address",
        "route": _route(page),
    }


def _text(found: dict[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := found.get(name), str)), "")


def _route(address: str) -> str:
    path = "/" + address.partition("://")[2].partition("/")[2].partition("?")[0].partition("#")[0]
    try:
        return resolve(path).view_name
    except Resolver404:
        return "unknown"
