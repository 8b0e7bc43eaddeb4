"""Somebody whom a provider recognised stands at the door: in they come, or they confirm, or they link an identity."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.addresses import client_address
from accounts.audit import Action
from accounts.federation import services
from accounts.federation.begun import Begun, Purpose
from accounts.federation.claims import Assertion, Strength
from accounts.federation.errors import SignInRefused
from accounts.federation.oidc.tokens import LEEWAY
from accounts.middleware import actor_of
from accounts.models import FederatedIdentity, IdentityProvider, User
from accounts.roles import Door
from accounts.signing_in import factors, proofs, sessions

_PENDING: Final = "federated"
#: Seconds since 1970 of a proof whose moment the provider does not tell: it is fresh for nothing.
_LONG_AGO: Final = 1.0


def arrive(
    request: HttpRequest,
    provider: IdentityProvider,
    assertion: Assertion,
    begun: Begun,
    *,
    bringing: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Do what the person went to the provider for. Raises :class:`SignInRefused`.

    ``bringing`` is put into the session of whoever signs in: what they came to see.
    """
    if begun.purpose == Purpose.SIGN_IN:
        return _sign_in(request, provider, assertion, begun, bringing or {})
    # The answer belongs to the person who asked, and to nobody who signed in meanwhile.
    if not isinstance(request.user, User) or request.user.pk != begun.user:
        raise SignInRefused("begun_elsewhere", "another person is signed in now")
    _check_fresh(assertion, begun)
    if begun.purpose == Purpose.LINK:
        return _link(request, request.user, provider, assertion, begun)
    return _confirm(request, request.user, provider, assertion, begun)


def note(request: HttpRequest, user: User, assertion: Assertion, strength: Strength) -> None:
    """Keep in the session that the provider vouches for the person, how well, and since when."""
    moment = assertion.authenticated_at
    proofs.note(
        request,
        user,
        proofs.Method.FEDERATED,
        is_strong=strength.is_mfa,
        resists_phishing=strength.is_phishing_resistant,
        at=max(moment.timestamp(), _LONG_AGO) if moment else _LONG_AGO,
    )


def _sign_in(
    request: HttpRequest, provider: IdentityProvider, assertion: Assertion, begun: Begun, bringing: Mapping[str, Any]
) -> HttpResponse:
    actor = actor_of(request, Door.PAGE)
    if services.revoke_what_is_gone(actor=actor, provider=provider, assertion=assertion):
        raise SignInRefused("not_admitted", "required claim missing")
    admitted = services.admit(actor=actor, provider=provider, assertion=assertion)
    if request.user == admitted.user:
        # Somebody who is in already, and opens another patient from the record: the windows that are open stay.
        note(request, admitted.user, assertion, admitted.strength)
        request.session.update(bringing)
        return redirect(begun.then)
    if request.user.is_authenticated:
        logout(request)
    request.session.update(bringing)
    request.session[_PENDING] = {
        "identity": admitted.identity.pk,
        "provider": provider.slug,
        "sid": assertion.sid,
    }
    note(request, admitted.user, assertion, admitted.strength)
    answer: HttpResponse = perform_login(request, Login(user=admitted.user, redirect_url=begun.then))
    return answer


def _confirm(
    request: HttpRequest, user: User, provider: IdentityProvider, assertion: Assertion, begun: Begun
) -> HttpResponse:
    identity = FederatedIdentity.objects.filter(
        provider=provider, issuer=assertion.issuer, subject=assertion.subject, user=user
    ).first()
    if identity is None:
        raise SignInRefused("somebody_else", "another subject than the account's")
    strength = services.strength_of(provider, assertion)
    if factors.has_second(user) and not strength.is_mfa:
        # As a password alone confirms nothing for who has more than that (`proving.offered`).
        raise SignInRefused("not_fresh", "one factor, of who has two")
    sessions.rotate(request)
    note(request, user, assertion, strength)
    audit.record(
        Action.USER_CONFIRMED,
        actor=actor_of(request, Door.PAGE),
        subject_type="user",
        subject_uid=str(user.pk),
        detail={"method": str(proofs.Method.FEDERATED), "provider": provider.slug},
    )
    return redirect(begun.then)


def _link(
    request: HttpRequest, user: User, provider: IdentityProvider, assertion: Assertion, begun: Begun
) -> HttpResponse:
    services.link(actor=actor_of(request, Door.PAGE), user=user, provider=provider, assertion=assertion)
    messages.success(request, _("From now on you can sign in with %(provider)s.") % {"provider": provider.button})
    return redirect(begun.then)


def _check_fresh(assertion: Assertion, begun: Begun) -> None:
    """The person proved it after we asked (OpenID Connect Core 1.0, section 3.1.3.7, rules 13): not an old session."""
    asked = datetime.fromtimestamp(begun.at, UTC) - timedelta(seconds=LEEWAY)
    if assertion.authenticated_at is None or not asked <= assertion.authenticated_at <= timezone.now() + timedelta(
        seconds=LEEWAY
    ):
        raise SignInRefused("not_fresh", "auth_time")


@receiver(user_logged_in)
def remember(request: HttpRequest | None, user: User, **_kwargs: Any) -> None:
    """Keep, once a person has come in for good, which identity the session came of: maybe requests after the provider's word."""
    if request is None or not isinstance(pending := request.session.get(_PENDING), dict):
        return
    identity = FederatedIdentity.objects.filter(pk=int(pending.get("identity") or 0), user=user).first()
    if identity is None:
        # Somebody else signed in on this browser in between.
        request.session.pop(_PENDING)
        return
    # allauth takes the rows of sessions away that nobody is signed in to; this one is not written down yet.
    request.session.save()
    known_as, _made = UserSession.objects.get_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "ip": client_address(request) or "::",
            "user_agent": request.META.get("HTTP_USER_AGENT", "")[:200],
        },
    )
    services.remember_session(identity=identity, user_session=known_as, sid=str(pending.get("sid", ""))[:255])
