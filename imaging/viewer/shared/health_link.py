"""The page of a share about health wallets: making a link for one, and opening one that somebody made, in this browser."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.addresses import client_address
from accounts.roles import Right
from imaging.sharing import door
from imaging.sharing.entrance import devices
from imaging.sharing.entrance import views as entrance
from imaging.sharing.entrance.services import Refused
from imaging.sharing.entrance.words import REFUSALS
from imaging.sharing.health_link import pictures, policies, selectors, services
from imaging.sharing.health_link.services import Handed
from imaging.sharing.models import ShareVisit


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Offer a link for a health wallet, and show it this once; who is not in may open one here with its passcode."""
    if not entrance.is_in(request):
        return _asked_for_passcode(request)
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    share = visit.share
    if not request.scope.named_with(Right.DOWNLOAD) or not policies.is_offered(share):  # type: ignore[attr-defined]
        raise PermissionDenied
    context: dict[str, Any] = {"share": share}
    if request.method == "POST":
        context |= shown(services.make(share, actor=request.actor))  # type: ignore[attr-defined]
    context["standing"] = selectors.standing_of(share)
    return render(request, "imaging/sharing/health_link.html", context)


def shown(handed: Handed) -> dict[str, Any]:
    """Return what a page shows of a link that was made a moment ago."""
    return {"handed": handed, "drawing": pictures.drawing_of(handed.address)}


@require_POST
def open_here(request: HttpRequest) -> HttpResponseBase:
    """Exchange a health link and its passcode for a visit of this browser."""
    key: str = request.share_key  # type: ignore[attr-defined]
    if entrance.is_in(request):
        return HttpResponseRedirect(door.address_of(key), status=303)
    try:
        opened = services.enter_here(
            key,
            request.POST.get("token", "")[:64],
            request.POST.get("passcode", "")[:64],
            address=client_address(request),
            device=devices.device_of(request.headers.get("User-Agent", "")),
        )
    except Refused as error:
        return _asked_for_passcode(request, error)
    return entrance.let_in(request, opened)


def _asked_for_passcode(request: HttpRequest, error: Refused | None = None) -> HttpResponse:
    said = REFUSALS[error.why] if error else None
    context = {"said": said, "token": request.POST.get("token", "")[:64] if said and not said.is_final else ""}
    response = render(request, "imaging/sharing/health_link_here.html", context, status=said.status if said else 200)
    if error and error.wait:
        response["Retry-After"] = str(error.wait)
    return response
