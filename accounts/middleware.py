"""What every request carries: who it is, what it may see, in which language and light it reads."""

from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts import machines, opened_priors, selectors, services
from accounts.actor import ANONYMOUS, Actor
from accounts.addresses import client_address
from accounts.audit import context
from accounts.guests import Guest
from accounts.models import Language, MachineKey, Theme, User
from accounts.parts import is_part_of_a_page, page_of
from accounts.roles import Door
from accounts.scope import EMPTY, Scope, scope_of_machine, scope_of_user

GetResponse = Callable[[HttpRequest], HttpResponseBase]

#: Where a part of a page that met no session says how to sign in and come back (`static/pages`).
SIGN_IN_HEADER = "X-Sign-In"
TIME_ZONE_KEY = "time_zone"


class ScopeMiddleware:
    """Sets ``request.actor``, ``request.scope`` (lazy), ``request.machine``, ``request.guest`` and ``request.request_id``.

    A request with an Authorization header at a machine door is a machine's: a wrong key is answered
    with 401 whatever session comes along, and a right one leaves that session unread. Elsewhere the
    header means nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Recognise who comes in, answer."""
        door = machines.door_of(request.path_info)
        address = client_address(request)
        with context.entered(door=door, address=address) as here:
            request.request_id = here.request_id  # type: ignore[attr-defined]
            request.machine = request.guest = None  # type: ignore[attr-defined]
            if door is not Door.PAGE and "HTTP_AUTHORIZATION" in request.META:
                try:
                    found = machines.recognise(request, door=door)
                except machines.MachineRefused as refusal:
                    return _refusal(refusal)
                if isinstance(found, Guest):
                    _as_guest(request, found, here)
                else:
                    _as_machine(request, found, door, here)
            else:
                request.actor = SimpleLazyObject(lambda: actor_of(request, door))  # type: ignore[attr-defined]
                request.scope = SimpleLazyObject(lambda: _scope_of_person(request))  # type: ignore[attr-defined]
            return self.get_response(request)


def actor_of(request: HttpRequest, door: str) -> Actor:
    """Return the person of a request as an actor; :data:`ANONYMOUS`, with its address, for a stranger."""
    here = context.current()
    user = request.user
    if isinstance(user, User):
        identity, name = str(user.pk), user.get_username()
    else:
        identity, name = ANONYMOUS.id, ANONYMOUS.name
    return Actor(
        kind="user",
        id=identity,
        name=name,
        address=client_address(request),
        door=door,
        request_id=here.request_id or getattr(request, "request_id", ""),
    )


def _scope_of_person(request: HttpRequest) -> Scope:
    user = request.user
    if not isinstance(user, User):
        return EMPTY
    actor = _plain(request.actor)  # type: ignore[attr-defined]
    return scope_of_user(user, actor=actor, priors=opened_priors.held(request.session))


def _plain(actor: Actor) -> Actor:
    """Return the actor itself out of its lazy wrapper."""
    return Actor(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        address=actor.address,
        door=actor.door,
        request_id=actor.request_id,
    )


def _as_machine(request: HttpRequest, key: MachineKey, door: str, here: context.Context) -> None:
    actor = Actor(
        kind="machine",
        id=str(key.pk),
        name=key.name,
        address=here.address,
        door=door,
        request_id=here.request_id,
    )
    request.user = AnonymousUser()
    request.machine = key  # type: ignore[attr-defined]
    request.actor = actor  # type: ignore[attr-defined]
    request.scope = SimpleLazyObject(lambda: scope_of_machine(key, door=door, actor=actor))  # type: ignore[attr-defined]
    # A forged request cannot carry a key: only cookies travel by themselves. Django has no public name
    # for this; its own test client and Django REST framework use the same one.
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]


def _as_guest(request: HttpRequest, guest: Guest, here: context.Context) -> None:
    request.user = AnonymousUser()
    request.guest = guest  # type: ignore[attr-defined]
    request.actor = replace(guest.actor, request_id=here.request_id)  # type: ignore[attr-defined]
    request.scope = replace(guest.scope, principal=request.actor)  # type: ignore[attr-defined]
    # As with a key: no browser sends a token by itself.
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]


def _refusal(refusal: machines.MachineRefused) -> HttpResponse:
    if refusal.too_many:
        response = HttpResponse(
            _("Too many refused keys from this address. Try again in a minute."),
            status=429,
            content_type="text/plain; charset=utf-8",
        )
        response["Retry-After"] = "60"
    else:
        response = HttpResponse(_("This key is not accepted."), status=401, content_type="text/plain; charset=utf-8")
        response["WWW-Authenticate"] = machines.CHALLENGE
    response["Cache-Control"] = "no-store"
    return response


class SignInAgainMiddleware:
    """Tells a page whose session has ended how to sign in again, and to come back to the same place.

    A part of a page (htmx, or `fetch` with `X-Requested-With: fetch`) would follow the redirect to the sign-in and put
    that whole page into a table: it is answered 401 instead, with the address of the sign-in in ``X-Sign-In``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer; turn a redirect to the sign-in into 401 where only a part of a page was asked for."""
        response = self.get_response(request)
        if response.status_code != 302 or request.user.is_authenticated or not is_part_of_a_page(request):
            return response
        if not response.headers.get("Location", "").startswith(str(settings.LOGIN_URL)):
            return response
        answer = HttpResponse(
            _("Your session has ended. Sign in again to go on where you were."),
            status=401,
            content_type="text/plain; charset=utf-8",
        )
        answer[SIGN_IN_HEADER] = f"{settings.LOGIN_URL}?{urlencode({'next': page_of(request)})}"
        answer["Cache-Control"] = "no-store"
        return answer


class PreferencesMiddleware:
    """Reads and keeps a person's language and theme (a stranger's lie in cookies); times are those of the reader's site.

    Sets ``request.theme``. The language chosen by Django's own ``set_language`` is remembered here,
    for it knows nothing of our users.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Set language and theme, answer, and keep a language chosen meanwhile."""
        # Machines have no preferences, and no session is to be read for them.
        if machines.door_of(request.path_info) is not Door.PAGE:
            request.theme = Theme.DARK.value  # type: ignore[attr-defined]
            return self.get_response(request)
        user = request.user
        if isinstance(user, User) and user.language in Language.values:
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language() or settings.LANGUAGE_CODE
        request.theme = _theme_of(request)  # type: ignore[attr-defined]
        with timezone.override(_time_zone_of(request)):
            response = self.get_response(request)
        _keep_language(request)
        return response


def _time_zone_of(request: HttpRequest) -> str | None:
    """Return the zone of the reader's site, asked once per session; None (the portal's own) for who has no site."""
    user = request.user
    if not isinstance(user, User):
        return None
    if TIME_ZONE_KEY not in request.session:
        request.session[TIME_ZONE_KEY] = selectors.time_zone_of(user)
    zone: str = request.session[TIME_ZONE_KEY]
    return zone or None


def _theme_of(request: HttpRequest) -> str:
    theme = request.user.theme if isinstance(request.user, User) else ""
    theme = theme or request.COOKIES.get(settings.THEME_COOKIE_NAME, "")
    return theme if theme in Theme.values else Theme.DARK.value


def _keep_language(request: HttpRequest) -> None:
    match = request.resolver_match
    if match is None or match.view_name != "set_language" or request.method != "POST":
        return
    user = request.user
    if isinstance(user, User):
        try:
            services.set_language(
                actor=actor_of(request, Door.PAGE),
                user=user,
                language=request.POST.get("language", ""),
            )
        except ValidationError:
            return  # Django ignores a language that it does not have; so do we
