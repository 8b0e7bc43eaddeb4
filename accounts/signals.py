"""Sign-in and sign-out, as Django and allauth tell them, written to the audit."""

from typing import Any

from allauth.account import signals as allauth_signals
from django.contrib.auth import signals as auth_signals
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import audit
from accounts.actor import ANONYMOUS, Actor
from accounts.addresses import client_address
from accounts.audit import Action, Outcome
from accounts.models import User
from accounts.roles import Door


def _actor(user: User | None, request: HttpRequest | None) -> Actor:
    address = client_address(request) if request is not None else ""
    if user is None:
        return Actor(kind="user", id="", name=ANONYMOUS.name, address=address, door=Door.PAGE)
    return Actor(kind="user", id=str(user.pk), name=user.get_username(), address=address, door=Door.PAGE)


@receiver(auth_signals.user_logged_in)
def signed_in(request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Record a sign-in."""
    audit.record(
        Action.USER_SIGNED_IN,
        actor=_actor(user, request),
        subject_type="user",
        subject_uid=str(user.pk),
    )


@receiver(auth_signals.user_logged_out)
def signed_out(request: HttpRequest | None, user: User | None, **kwargs: Any) -> None:
    """Record a sign-out; a session that nobody held leaves no event."""
    if user is not None:
        audit.record(
            Action.USER_SIGNED_OUT,
            actor=_actor(user, request),
            subject_type="user",
            subject_uid=str(user.pk),
        )


@receiver(auth_signals.user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Record a refused sign-in. What was typed is kept only if it names an account: it may be a password."""
    typed = str(credentials.get("username") or credentials.get("email") or "")
    user = (
        User.objects.filter(username=typed).first() or User.objects.filter(email__iexact=typed).first()
        if typed and "\x00" not in typed
        else None
    )
    audit.record(
        Action.USER_REFUSED,
        actor=_actor(None, request),
        subject_type="user",
        subject_uid=str(user.pk) if user else "",
        outcome=Outcome.REFUSED,
        detail={"username": user.get_username()} if user else {},
    )


@receiver([allauth_signals.password_changed, allauth_signals.password_set])
def password_changed(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Record that a person chose another password."""
    audit.record(
        Action.PASSWORD_CHANGED,
        actor=_actor(user, request),
        subject_type="user",
        subject_uid=str(user.pk),
    )
