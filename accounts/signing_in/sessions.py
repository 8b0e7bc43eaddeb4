"""Sessions: how long they live, who has which, and how they end.

What a session holds lies in the database (``django.contrib.sessions``): a cookie that was copied is worth nothing once
the row is gone. *Activity* is what a person does: a page that is opened, something that is sent, a key or a touch that
the page reports (``POST /account/session/``). Parts that a page fetches by itself (live lists, pictures) keep nobody
signed in.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from allauth.usersessions.models import UserSession
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.addresses import client_address
from accounts.audit import Action
from accounts.models import User
from accounts.parts import is_part_of_a_page
from accounts.roles import Door
from accounts.signing_in import policy, proofs

_BEGAN: Final = "began"
#: Activity is written at most this often per session, and five times in what may pass without any.
_EVERY: Final = 60.0
_PARTS: Final = 5
_REMEMBERED: Final = 4096
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as its owner sees it."""

    pk: int
    began: Any
    seen: Any
    address: str
    browser: str
    is_this: bool


#: The latest activity known here, by the session's key: the true one is never earlier.
_seen: OrderedDict[str, float] = OrderedDict()


def begin(request: HttpRequest, user: User) -> None:
    """Start the clocks of a session that has just been given to a person."""
    now = time.time()
    request.session[_BEGAN] = now
    key = _key(request)
    UserSession.objects.update_or_create(
        session_key=key,
        defaults={
            "user": user,
            "ip": client_address(request) or "::",
            "user_agent": request.META.get("HTTP_USER_AGENT", "")[:200],
            "data": {"methods": proofs.methods(request, user)},
            "created_at": timezone.now(),
            "last_seen_at": timezone.now(),
        },
    )
    _remember(key, now)


def limit_reached(request: HttpRequest) -> str:
    """Return why the session of a person is over: "idle", "absolute" or "unknown"; empty while it lives."""
    rules = policy.in_force()
    now = time.time()
    began = request.session.get(_BEGAN)
    if not isinstance(began, int | float):
        return "unknown"
    if now - began >= rules.absolute.total_seconds():
        return "absolute"
    key = _key(request)
    idle = rules.idle.total_seconds()
    if now - _seen.get(key, 0.0) < idle:
        return ""
    # Another process may have seen the person since.
    at = UserSession.objects.filter(session_key=key).values_list("last_seen_at", flat=True).first()
    if at is None:
        return "unknown"
    _remember(key, at.timestamp())
    return "" if now - at.timestamp() < idle else "idle"


def is_activity(request: HttpRequest) -> bool:
    """Whether a person made this request: sent something, or opened a page."""
    if request.method not in _SAFE:
        return True
    asked_for = request.headers.get("Sec-Fetch-Dest")
    if asked_for is not None:
        return asked_for in {"document", "iframe"}
    return not is_part_of_a_page(request)


def note_activity(request: HttpRequest) -> None:
    """Keep that the person is there; written once a minute."""
    key, now = _key(request), time.time()
    every = min(_EVERY, policy.in_force().idle.total_seconds() / _PARTS)
    if now - _seen.get(key, 0.0) < every:
        return
    moment = timezone.now()
    rows = UserSession.objects.filter(session_key=key, last_seen_at__lt=moment - timedelta(seconds=every))
    rows.update(last_seen_at=moment)
    _remember(key, now)


def rotate(request: HttpRequest) -> None:
    """Give the session another key, as at sign-in: a key that somebody planted or saw before opens nothing more.

    Raises :class:`SessionInterrupted` (answered 400) for a session that was ended meanwhile: another key revives none.
    """
    before = _key(request)
    request.session.cycle_key()
    after = _key(request)
    if not UserSession.objects.filter(session_key=before).update(session_key=after):
        request.session.flush()
        raise SessionInterrupted("The session was ended while it was asked for another key.")
    _remember(after, _seen.pop(before, time.time()))


def expire(request: HttpRequest, reason: str) -> None:
    """End the session of this request because its time is over, and go on as a stranger."""
    user = request.user
    if isinstance(user, User):
        _record(_self(request, user), user, reason, count=1)
    drop(request)


def drop(request: HttpRequest) -> None:
    """Take the session of this request away."""
    key = request.session.session_key
    if key:
        UserSession.objects.filter(session_key=key).delete()
        _seen.pop(key, None)
    request.session.flush()
    request.user = AnonymousUser()


def of(user: User, *, this: str | None = None) -> list[Listed]:
    """Return the sessions of a person that live, the latest seen first."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    oldest = timezone.now() - policy.in_force().idle
    rows = UserSession.objects.filter(user=user, session_key__in=alive, last_seen_at__gte=oldest)
    return [
        Listed(row.pk, row.created_at, row.last_seen_at, row.ip, row.user_agent, row.session_key == this)
        for row in rows.order_by("-last_seen_at")
    ]


@transaction.atomic
def end_one(*, actor: Actor, user: User, pk: int, reason: str = "ended by hand") -> bool:
    """End one session of a person, at once. Whether there was such a one."""
    # Locked, so that it is deleted under the key that it has: a proof gives it another one.
    row = UserSession.objects.select_for_update().filter(user=user, pk=pk).first()
    if row is None:
        return False
    Session.objects.filter(session_key=row.session_key).delete()
    row.delete()
    _record(actor, user, reason, count=1)
    return True


@transaction.atomic
def end_all(*, actor: Actor, user: User, reason: str, but_of: HttpRequest | None = None) -> int:
    """End all sessions of a person at once, at every door; with ``but_of`` the one of that request goes on. How many.

    The epoch ends them whatever is known of them: each request compares it.
    """
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    user.refresh_from_db(fields=["session_epoch"])
    rows = UserSession.objects.filter(user=user)
    if but_of is not None:
        before = _key(but_of)
        update_session_auth_hash(but_of, user)
        after = _key(but_of)
        rows.filter(session_key=before).update(session_key=after)
        _remember(after, _seen.pop(before, time.time()))
        rows = rows.exclude(session_key=after)
    keys = list(rows.values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    _record(actor, user, reason, count=len(keys))
    return len(keys)


def _record(actor: Actor, user: User, reason: str, *, count: int) -> None:
    audit.record(
        Action.SESSION_ENDED,
        actor=actor,
        subject_type="user",
        subject_uid=str(user.pk),
        detail={"reason": reason, "sessions": count},
    )


def _self(request: HttpRequest, user: User) -> Actor:
    return Actor(
        kind="user", id=str(user.pk), name=user.get_username(), address=client_address(request), door=Door.PAGE
    )


def _key(request: HttpRequest) -> str:
    if not request.session.session_key:
        request.session.save()
    return str(request.session.session_key)


def _remember(key: str, at: float) -> None:
    _seen[key] = max(at, _seen.get(key, 0.0))
    _seen.move_to_end(key)
    while len(_seen) > _REMEMBERED:
        _seen.popitem(last=False)
