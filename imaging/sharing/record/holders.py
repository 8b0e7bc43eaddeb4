"""What whoever holds a link to a record does about it: out of all devices, closing it, ending the link of a proxy.

These answer while the record shows nothing too, and ask for themselves whether the visit is in: who wants to close a link
must always be able to.
"""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.actor import Actor
from accounts.addresses import client_address
from imaging.sharing import door, scopes
from imaging.sharing.entrance import views as entrance
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.record import selectors, services

#: What is done; returns the word that the page has a sentence for, or nothing.
_Act = Callable[[Share, Actor], str]


@require_POST
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """End the visits on all devices, this one too."""

    def act(share: Share, actor: Actor) -> str:
        services.sign_out(share, actor=actor)
        return ""

    response = _done(request, act)
    key: str = request.share_key  # type: ignore[attr-defined]
    response.delete_cookie(door.cookie_name(key), path=door.address_of(key), samesite="Lax")
    return response


@require_POST
def close(request: HttpRequest) -> HttpResponseBase:
    """End the link for good."""

    def act(share: Share, actor: Actor) -> str:
        services.close(share, actor=actor)
        return ""

    return _done(request, act)


@require_POST
def end_proxy(request: HttpRequest) -> HttpResponseBase:
    """End the link of somebody who acts for the patient."""

    def act(share: Share, actor: Actor) -> str:
        ended = services.end_proxy(share, request.POST.get("proxy", "")[:16], actor=actor)
        return "gone" if ended is None else "ended"

    return _done(request, act)


def _done(request: HttpRequest, act: _Act) -> HttpResponseRedirect:
    """Do it for who is in; anybody else is led to the way in, and nothing happens."""
    visit: ShareVisit | None = request.share_visit  # type: ignore[attr-defined]
    said = ""
    if visit is not None and not selectors.is_record(visit.share):
        raise Http404
    if visit is not None and entrance.is_in(request):
        said = act(visit.share, scopes.actor_of(visit.share, address=client_address(request)))
    query = f"?said={said}" if said else ""
    return HttpResponseRedirect(f"{reverse('share:page')}{query}", status=303)
