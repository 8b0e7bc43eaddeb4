"""The bell, the page of notifications, and how one is told."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.notifications import selectors, services
from accounts.notifications.kinds import Kind
from accounts.parts import page_of

_PAGE = "notifications:list"
#: Larger than any key of ours: what a stranger types is not given to the database.
_LARGEST = 2**63


@require_safe
@login_required
def bell(request: HttpRequest) -> HttpResponseBase:
    """Give the bar's bell and the urgent notices; 304 where nothing is new.

    What the reader's page shows already counts as read, but for urgent ones: these are opened.
    """
    user = _person(request)
    found = selectors.bell(user)
    here = page_of(request).partition("?")[0]
    if here in found.paths:
        services.mark_read(user, path=here)
        found = selectors.bell(user)
    return _conditional(request, "accounts/notifications/_bell.html", {"bell": found})


@require_safe
@login_required
def notifications(request: HttpRequest) -> HttpResponseBase:
    """Show what a person was told: the unread first, then page by page what was read. As a part, with 304."""
    user = _person(request)
    before = _key(request.GET.get("before", ""))
    waiting = [] if before else selectors.unread(user)
    read = selectors.read(user, before=before)
    scope = request.scope  # type: ignore[attr-defined]
    context = {
        "unread": selectors.lines(waiting, scope),
        "read": selectors.lines(read[: selectors.PAGE], scope),
        "next": read[selectors.PAGE - 1].pk if len(read) > selectors.PAGE else None,
        "before": before,
    }
    if "HX-Request" in request.headers:
        return _conditional(request, "accounts/notifications/_list.html", context)
    response = render(request, "accounts/notifications/list.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@never_cache
@login_required
def opened(request: HttpRequest, pk: int) -> HttpResponse:
    """Go to the page that says all about it, which counts as having read it. 404 for another's."""
    user = _person(request)
    row = selectors.own(user, pk) if pk < _LARGEST else None
    if row is None:
        raise Http404
    services.mark_read(user, pks=[row.pk])
    return HttpResponseRedirect(row.path)


@require_POST
@login_required
def mark(request: HttpRequest) -> HttpResponse:
    """Note that one, or all, have been read; another's are left alone."""
    user = _person(request)
    if request.POST.get("which") == "all":
        services.mark_read(user)
    else:
        pk = _key(request.POST.get("which", ""))
        if pk is None:
            raise Http404
        services.mark_read(user, pks=[pk])
    return redirect(_PAGE)


@dataclass(frozen=True, slots=True)
class Choice:
    """One kind in the table of preferences, with how it is told now."""

    kind: Kind
    in_page: bool
    by_mail: bool


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and keep how a person is told of each kind."""
    user = _person(request)
    offered = selectors.kinds_for(user)
    if request.method == "POST":
        page, mail = set(request.POST.getlist("in_page")), set(request.POST.getlist("by_mail"))
        names = [kind.name for _group, members in offered for kind in members]
        services.prefer(user, {name: (name in page, name in mail) for name in names})
        messages.success(request, _("Kept. It holds for what you are told from now on."))
        return redirect("accounts:notification-preferences")
    chosen = selectors.preferences(user)
    groups = [
        (
            group,
            [Choice(kind, *kind.channels(*chosen.get(kind.name, (kind.in_page, kind.by_mail)))) for kind in members],
        )
        for group, members in offered
    ]
    context = {"groups": groups, "list_url": reverse(_PAGE)}
    return render(request, "accounts/notifications/preferences.html", context)


def _conditional(request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponseBase:
    text = render_to_string(template, dict(context), request)
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    response: HttpResponseBase = get_conditional_response(request, etag=etag) or HttpResponse(text)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def _key(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user
