"""The pages before the images: press *Open* or type the code, then the second proof. Looking at them uses up nothing."""

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.addresses import client_address
from imaging.sharing import door, scopes
from imaging.sharing.entrance import asking, devices, masking, services
from imaging.sharing.entrance.services import Refused
from imaging.sharing.entrance.words import REFUSALS, Said
from imaging.sharing.models import ShareVisit
from imaging.sharing.models.choices import Factor


def is_in(request: HttpRequest) -> bool:
    """Whether the visit of a request has given its second proof and its share stands."""
    visit: ShareVisit | None = request.share_visit  # type: ignore[attr-defined]
    return visit is not None and visit.proved_at is not None and scopes.stands(visit.share)


def gate(request: HttpRequest) -> HttpResponse:
    """Show what comes before the images: the way in, the second proof, or why there is nothing any more."""
    visit: ShareVisit | None = request.share_visit  # type: ignore[attr-defined]
    if visit is None:
        return _entrance(request)
    if not scopes.stands(visit.share):
        return _ended(request, visit)
    return _proof(request, visit)


@require_POST
def open_share(request: HttpRequest) -> HttpResponseBase:
    """Exchange the link or the typed code for a visit of this browser."""
    key: str = request.share_key  # type: ignore[attr-defined]
    if is_in(request):
        return HttpResponseRedirect(door.address_of(key))
    try:
        opened = services.open_share(
            key,
            secret=request.POST.get("secret", "")[:128],
            code=request.POST.get("code", "")[:64],
            address=client_address(request),
            device=devices.device_of(request.headers.get("User-Agent", "")),
        )
    except Refused as error:
        return _entrance(request, _said(error), wait=error.wait)
    return let_in(request, opened)


def let_in(request: HttpRequest, opened: services.Opened) -> HttpResponse:
    """Give the browser the cookie of a visit that has begun, and lead it to the page of the share."""
    key: str = request.share_key  # type: ignore[attr-defined]
    response = HttpResponseRedirect(door.address_of(key), status=303)
    response.set_cookie(
        door.cookie_name(key),
        opened.token,
        path=door.address_of(key),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        expires=opened.visit.valid_until,
    )
    _speak(response, opened.visit.share.language, request)
    return response


def _speak(response: HttpResponse, language: str, request: HttpRequest) -> None:
    """Go on in the recipient's language, unless another one was chosen."""
    if settings.LANGUAGE_COOKIE_NAME not in request.COOKIES and language != get_language():
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            path="/",
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


@require_POST
def prove(request: HttpRequest) -> HttpResponseBase:
    """Take the second proof."""
    return _tried(request, lambda visit: services.prove(visit, _answer(request), address=client_address(request)))


@require_POST
def send_code(request: HttpRequest) -> HttpResponseBase:
    """Send another code."""
    return _tried(request, services.send_code)


@require_POST
def leave(request: HttpRequest) -> HttpResponseBase:
    """End the visit of this browser."""
    key: str = request.share_key  # type: ignore[attr-defined]
    visit: ShareVisit | None = request.share_visit  # type: ignore[attr-defined]
    if visit is not None:
        services.leave(visit)
    response = HttpResponseRedirect(door.address_of(key), status=303)
    response.delete_cookie(door.cookie_name(key), path=door.address_of(key), samesite="Lax")
    return response


@require_safe
@never_cache
def standing(request: HttpRequest) -> HttpResponse:
    """Answer an open page that the share still shows something; the door answers 404 once it does not."""
    return HttpResponse(status=204)


@require_POST
def ask_for_earlier(request: HttpRequest) -> HttpResponseBase:
    """Ask whoever shared for earlier images; the page of the share says what became of it."""
    if is_in(request):
        visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
        asking.ask(visit, request.POST.get("words", ""))
    return HttpResponseRedirect(door.address_of(request.share_key), status=303)  # type: ignore[attr-defined]


def _answer(request: HttpRequest) -> str:
    return request.POST.get("answer", "")[:64]


def _tried(request: HttpRequest, act: services.Act) -> HttpResponseBase:
    visit: ShareVisit | None = request.share_visit  # type: ignore[attr-defined]
    if visit is not None and visit.proved_at is None and scopes.stands(visit.share):
        try:
            act(visit)
        except Refused as error:
            return _proof(request, visit, _said(error), wait=error.wait)
    return HttpResponseRedirect(door.address_of(request.share_key), status=303)  # type: ignore[attr-defined]


def _said(error: Refused) -> Said:
    return REFUSALS[error.why]


def _entrance(request: HttpRequest, said: Said | None = None, *, wait: int = 0) -> HttpResponse:
    status = said.status if said else 200
    return _page(request, "imaging/sharing/entrance.html", {"said": said}, status, wait)


def _proof(request: HttpRequest, visit: ShareVisit, said: Said | None = None, *, wait: int = 0) -> HttpResponse:
    share = visit.share
    sent_to = {
        Factor.EMAIL: masking.masked_email(share.recipient_email),
        Factor.SMS: masking.masked_phone(share.recipient_phone),
    }.get(Factor(share.factor), "")
    context = {"share": share, "said": said, "sent_to": sent_to, "sender": share.created_by}
    return _page(request, "imaging/sharing/proof.html", context, said.status if said else 200, wait)


def _ended(request: HttpRequest, visit: ShareVisit) -> HttpResponse:
    share = visit.share
    said = REFUSALS[services.ended_word(share)]
    return _page(request, "imaging/sharing/ended.html", {"share": share, "said": said}, 410, 0)


def _page(request: HttpRequest, template: str, context: Mapping[str, object], status: int, wait: int) -> HttpResponse:
    response = render(request, template, context, status=status)
    if wait:
        response["Retry-After"] = str(wait)
    return response
