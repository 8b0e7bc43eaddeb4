"""What a person can show beside the password, and how it is added, taken away and used. Every change is audited and told."""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action
from accounts.models import User
from accounts.signing_in import notices, passkeys, policy, recovery_codes, totp
from accounts.signing_in.policy import Need
from accounts.signing_in.proofs import Method


@dataclass(frozen=True, slots=True)
class Held:
    """What a person has."""

    app: Authenticator | None
    passkeys: tuple[Authenticator, ...]
    codes_left: int

    @property
    def has_second(self) -> bool:
        """Whether there is anything beside the password; recovery codes alone are nothing."""
        return self.app is not None or bool(self.passkeys)

    def meets(self, need: Need) -> bool:
        """Whether this is what the rules ask for."""
        if need is Need.PASSKEY:
            return bool(self.passkeys)
        return need is Need.NOTHING or self.has_second


def held(user: User) -> Held:
    """Return what a person has, with one question."""
    rows = list(Authenticator.objects.filter(user=user).order_by("pk"))
    app = next((row for row in rows if row.type == Authenticator.Type.TOTP), None)
    codes = next((row for row in rows if row.type == Authenticator.Type.RECOVERY_CODES), None)
    keys = tuple(row for row in rows if row.type == Authenticator.Type.WEBAUTHN)
    return Held(app, keys, len(codes.data["digests"]) if codes else 0)


def has_second(user: User) -> bool:
    """Whether a person has anything beside the password."""
    return held(user).has_second


def spend_code(user: User, code: str, *, with_app: bool = True) -> Method | None:
    """Take a code of the app or, failing that, a recovery code; which it was, or None."""
    if with_app and totp.spend(user, code):
        return Method.TOTP
    return Method.RECOVERY if recovery_codes.spend(user, code) else None


@transaction.atomic
def added(*, actor: Actor, user: User, row: Authenticator) -> list[str]:
    """Record a factor that was just kept; return the recovery codes that come with a person's first one, else none."""
    audit.record(
        Action.FACTOR_ADDED, actor=actor, subject_type="user", subject_uid=str(user.pk), detail=_described(row)
    )
    notices.tell(user, notices.FACTOR_ADDED, actor=actor)
    present = held(user)
    return [] if present.codes_left else make_codes(actor=actor, user=user)


@transaction.atomic
def make_codes(*, actor: Actor, user: User) -> list[str]:
    """Make ten new recovery codes; those before end. Raises :class:`ValidationError` without another factor."""
    if not has_second(user):
        raise ValidationError(_("Add a passkey or an authenticator app first."))
    codes = recovery_codes.make(user)
    audit.record(Action.RECOVERY_CODES_MADE, actor=actor, subject_type="user", subject_uid=str(user.pk))
    return codes


@transaction.atomic
def remove(*, actor: Actor, user: User, pk: int) -> bool:
    """Take one of a person's factors away; recovery codes go with the last one. Whether there was such a one.

    Raises :class:`ValidationError` where the rules ask the person for it.
    """
    User.objects.select_for_update().get(pk=user.pk)
    row = Authenticator.objects.filter(user=user, pk=pk).exclude(type=Authenticator.Type.RECOVERY_CODES).first()
    if row is None:
        return False
    before = held(user)
    after = Held(
        None if before.app and before.app.pk == pk else before.app,
        tuple(key for key in before.passkeys if key.pk != pk),
        before.codes_left,
    )
    need = policy.needed_by(user)
    if before.meets(need) and not after.meets(need):
        raise ValidationError(_("Your role asks for this way to sign in. Add another one first, then remove it."))
    _remove(actor, user, [row])
    if not after.has_second:
        Authenticator.objects.filter(user=user).delete()
    notices.tell(user, notices.FACTOR_REMOVED, actor=actor)
    return True


@transaction.atomic
def remove_all(*, actor: Actor, user: User) -> int:
    """Take all factors of a person away, for one who has lost them; the password stays. How many."""
    rows = list(Authenticator.objects.select_for_update().filter(user=user))
    _remove(actor, user, rows)
    if rows:
        notices.tell(user, notices.FACTORS_REMOVED, actor=actor)
    return len(rows)


def rename_passkey(*, user: User, pk: int, name: str) -> bool:
    """Call a passkey by another name. Whether there was such a one."""
    row = next((row for row in passkeys.of(user) if row.pk == pk), None)
    if row is None or not name.strip():
        return False
    row.data["name"] = name.strip()[: passkeys.NAME_LENGTH]
    row.save(update_fields=["data"])
    return True


def _remove(actor: Actor, user: User, rows: list[Authenticator]) -> None:
    for row in rows:
        audit.record(
            Action.FACTOR_REMOVED, actor=actor, subject_type="user", subject_uid=str(user.pk), detail=_described(row)
        )
        row.delete()


def _described(row: Authenticator) -> dict[str, object]:
    name = {"name": row.data["name"]} if row.type == Authenticator.Type.WEBAUTHN else {}
    kinds = {
        Authenticator.Type.WEBAUTHN: Method.PASSKEY,
        Authenticator.Type.TOTP: Method.TOTP,
        Authenticator.Type.RECOVERY_CODES: Method.RECOVERY,
    }
    return {"factor": str(kinds[row.type]), **name}
