"""One proof, judged: a password, a code or a passkey of a known person. Used by the second factor and by confirmations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import audit
from accounts.audit import Action
from accounts.models import User
from accounts.signing_in import attempts, factors, passkeys, policy, proofs, signals
from accounts.signing_in.acts import Act
from accounts.signing_in.attempts import Kind
from accounts.signing_in.passkeys import Purpose
from accounts.signing_in.policy import Need
from accounts.signing_in.proofs import Method


class Refused(Exception):
    """What was shown proves nothing; the text says so to the person."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person may show here: chosen by the rules and by what they have."""

    passkey: bool = False
    app: bool = False
    recovery: bool = False
    password: bool = False

    @property
    def code(self) -> bool:
        """Whether a code can be typed."""
        return self.app or self.recovery

    @property
    def nothing(self) -> bool:
        """Whether the person has nothing that counts here."""
        return not (self.passkey or self.code or self.password)


def offered(user: User, act: Act) -> Offer:
    """Return what counts for an act: a passkey alone where the rules say so, else what the person has.

    A password counts only for who has nothing else.
    """
    held = factors.held(user)
    if policy.needs_passkey(act):
        return Offer(passkey=bool(held.passkeys))
    return Offer(
        passkey=bool(held.passkeys),
        app=held.app is not None,
        recovery=held.has_second and held.codes_left > 0,
        password=not held.has_second and user.has_usable_password(),
    )


def offered_at_sign_in(user: User) -> Offer:
    """Return what counts as second factor: where a passkey is asked of who has one, a code of an app does not."""
    held = factors.held(user)
    only_passkey = bool(held.passkeys) and policy.needed_by(user) is Need.PASSKEY
    return Offer(
        passkey=bool(held.passkeys),
        app=held.app is not None and not only_passkey,
        recovery=held.codes_left > 0,
    )


def judge(
    request: HttpRequest, user: User, shown: Mapping[str, Any], *, offer: Offer, purpose: Purpose, kind: Kind
) -> Method:
    """Return what was proved, and note it in the session. Raises :class:`Refused`, audited and counted."""
    account = str(user.pk)
    try:
        attempts.spend(request, kind, account)
    except attempts.TooMany:
        signals.refused(request, user, "too many attempts")
        raise Refused(_("Too many failed attempts. Wait five minutes, then try again.")) from None
    method = _proved(request, user, shown, offer, purpose)
    if method is None:
        signals.refused(request, user, _reason(shown))
        raise Refused(_wrong(shown))
    attempts.succeeded(request, kind, account)
    attempts.remember(request, account)
    proofs.note(request, user, method)
    if method is Method.RECOVERY:
        audit.record(
            Action.RECOVERY_CODE_USED,
            actor=signals.actor_signing_in(user, request),
            subject_type="user",
            subject_uid=account,
            detail={"left": factors.held(user).codes_left},
        )
    return method


def _proved(
    request: HttpRequest, user: User, shown: Mapping[str, Any], offer: Offer, purpose: Purpose
) -> Method | None:
    if shown.get("credential") and offer.passkey:
        try:
            passkeys.shown(request, purpose, shown["credential"], user)
        except passkeys.Refused:
            return None
        return Method.PASSKEY
    if shown.get("code") and offer.code:
        return factors.spend_code(user, str(shown["code"]), with_app=offer.app)
    if shown.get("password") and offer.password:
        return Method.PASSWORD if user.check_password(str(shown["password"])) else None
    return None


def _reason(shown: Mapping[str, Any]) -> str:
    return next((name for name in ("credential", "code", "password") if shown.get(name)), "nothing")


def _wrong(shown: Mapping[str, Any]) -> str:
    if shown.get("credential"):
        return _("This passkey is not accepted here. Try again, or use another way.")
    if shown.get("code"):
        return _("This code is not right, or has been used. Wait for the next one, then try again.")
    return _("This is not your present password.")
