"""Sign-in and sign-out, as Django and allauth tell them: the session's clocks, and the audit."""

from typing import Any

from allauth.account import signals as allauth_signals
from django.contrib.auth import signals as auth_signals
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import audit, selectors, throttling
from accounts.actor import ANONYMOUS, Actor
from accounts.addresses import client_address
from accounts.audit import Action, Outcome
from accounts.models import User
from accounts.roles import Door
from accounts.signing_in import proofs, sessions
from accounts.signing_in.proofs import Method


def actor_signing_in(user: User | None, request: HttpRequest | None) -> Actor:
    """Return who stands at the sign-in: the person, or a stranger with an address."""
    address = client_address(request) if request is not None else ""
    if user is None:
        return Actor(kind="user", id="", name=ANONYMOUS.name, address=address, door=Door.PAGE)
    return Actor(kind="user", id=str(user.pk), name=user.get_username(), address=address, door=Door.PAGE)


@receiver(allauth_signals.authentication_step_completed)
def step_completed(request: HttpRequest, user: User, method: str, **kwargs: Any) -> None:
    """Keep that a password was right. What another house vouches for is kept by who knows that house."""
    if method == "password":
        proofs.note(request, user, Method.PASSWORD)


@receiver(auth_signals.user_logged_in)
def signed_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Start the session's clocks, and record the sign-in with what was shown."""
    shown: list[str] = []
    if request is not None and hasattr(request, "session"):
        if not proofs.of(request, user):
            proofs.note(request, user, Method.SESSION)
        shown = proofs.methods(request, user)
        sessions.begin(request, user)
    audit.record(
        Action.USER_SIGNED_IN,
        actor=actor_signing_in(user, request),
        subject_type="user",
        subject_uid=str(user.pk),
        detail={"methods": shown},
    )


@receiver(auth_signals.user_logged_out)
def signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    """Record a sign-out; a session that nobody held leaves no event."""
    if user is not None:
        audit.record(
            Action.USER_SIGNED_OUT,
            actor=actor_signing_in(user, request),
            subject_type="user",
            subject_uid=str(user.pk),
        )


@receiver(auth_signals.user_login_failed)
def password_refused(
    sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """Record a refused sign-in. What was typed is kept only if it names an account: it may be a password."""
    typed = str(credentials.get("username") or credentials.get("email") or "")
    refused(request, selectors.person_called(typed), "password")


def refused(request: HttpRequest | None, user: User | None, reason: str) -> None:
    """Record a refused sign-in or confirmation: ``reason`` is the class of what was wrong."""
    if not throttling.is_worth_a_record(client_address(request) if request is not None else ""):
        return
    confirming = request is not None and request.user.is_authenticated
    audit.record(
        Action.USER_REFUSED,
        actor=actor_signing_in(user if confirming else None, request),
        subject_type="user",
        subject_uid=str(user.pk) if user else "",
        outcome=Outcome.REFUSED,
        detail={"reason": reason, **({"username": user.get_username()} if user else {})},
    )
