"""How the person of a session has proved who they are, and when. Kept in the session, on the server.

A *proof* is one thing shown: a password, a code, a passkey, another house's word for it.
"""

import time
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import TextChoices
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import User

_KEY: Final = "proofs"
_MOST: Final = 12


class Method(TextChoices):
    """What was shown."""

    PASSWORD = "password", _("Password")
    TOTP = "totp", _("Authenticator app")
    PASSKEY = "passkey", _("Passkey")
    RECOVERY = "recovery", _("Recovery code")
    FEDERATED = "federated", _("Hospital account")
    SEALED = "sealed", _("Sealed envelope")
    SESSION = "session", _("Session")


#: What is shown beside a password, or stands for both.
_SECOND: Final = frozenset({Method.TOTP, Method.PASSKEY, Method.RECOVERY})


@dataclass(frozen=True, slots=True)
class Proof:
    """One thing shown, at ``at`` (seconds since 1970). ``is_strong``: it also was a second factor by itself.

    ``resists_phishing``: no false page could have passed it on.
    """

    method: Method
    at: float
    is_strong: bool = False
    resists_phishing: bool = False


def note(
    request: HttpRequest,
    user: User,
    method: Method,
    *,
    is_strong: bool = False,
    resists_phishing: bool = False,
    at: float | None = None,
) -> None:
    """Keep that ``user`` has shown ``method`` in this session; what another person showed in it is forgotten.

    For a federated sign-in, ``is_strong`` and ``resists_phishing`` say what the other house vouches for (``acr``, ``amr``)
    and ``at`` is its ``auth_time``; a moment to come counts as now.
    """
    now = time.time()
    kept = [_plain(proof) for proof in of(request, user)][-_MOST + 1 :]
    strong = is_strong or method in _SECOND
    proof = Proof(method, min(at or now, now), strong, resists_phishing or method is Method.PASSKEY)
    request.session[_KEY] = {"user": str(user.pk), "shown": [*kept, _plain(proof)]}


def of(request: HttpRequest, user: User | AnonymousUser | None = None) -> tuple[Proof, ...]:
    """Return what the person of the session (or ``user``, who is still signing in) has shown in it, oldest first."""
    kept = request.session.get(_KEY)
    person = user or request.user
    if not isinstance(kept, dict) or not isinstance(person, User) or kept.get("user") != str(person.pk):
        return ()
    return tuple(
        Proof(Method(row["method"]), float(row["at"]), bool(row["strong"]), bool(row["resists"]))
        for row in kept.get("shown", ())
    )


def forget(request: HttpRequest) -> None:
    """Forget what was shown in this session."""
    request.session.pop(_KEY, None)


def has_second_factor(request: HttpRequest, user: User | None = None) -> bool:
    """Whether a second factor was shown in this session, here or at the house that vouches for the person."""
    return any(proof.is_strong for proof in of(request, user))


def by_seal(request: HttpRequest) -> bool:
    """Whether the session was begun with the code of a sealed account: made for when nothing else can be shown."""
    return any(proof.method is Method.SEALED for proof in of(request))


def methods(request: HttpRequest, user: User | None = None) -> list[str]:
    """Return what was shown, each once, in order: for the audit."""
    return list(dict.fromkeys(str(proof.method) for proof in of(request, user)))


def is_fresh(request: HttpRequest, seconds: float, *, phishing_resistant: bool) -> bool:
    """Whether something was shown within ``seconds``; with ``phishing_resistant`` only what no false page passes on counts."""
    oldest = time.time() - seconds
    return any(proof.at >= oldest and (proof.resists_phishing or not phishing_resistant) for proof in of(request))


def _plain(proof: Proof) -> dict[str, Any]:
    return {
        "method": str(proof.method),
        "at": proof.at,
        "strong": proof.is_strong,
        "resists": proof.resists_phishing,
    }
