"""Sealing accounts, opening an envelope, closing and looking into what was done. Every step is audited; opening is an alarm."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts import services as accounts
from accounts.actor import SYSTEM, Actor
from accounts.audit import Action
from accounts.federation import services as federation
from accounts.models import Department, SealedAccount, SealedOpening, User, digest_of
from accounts.roles import Capability, Role, capabilities_of
from accounts.sealed import notices
from accounts.selectors import people_capable
from accounts.signing_in import factors

#: Letters and digits that nobody confuses on paper (Crockford's base 32): 30 of them are 150 random bits.
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS: Final = 6
_OF: Final = 5
#: What people write for them, who copy by hand.
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
GOOD_DAYS: Final = 365
_REMIND_BEFORE: Final = timedelta(days=30)


class SealRefused(Exception):
    """Account and code do not go together, or the envelope has been used."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed account, and the only copy of what goes into its envelope."""

    account: SealedAccount
    code: str


@transaction.atomic
def seal_new(
    *,
    actor: Actor,
    name: str,
    label: str,
    department: Department,
    role: str = Role.CLINICIAN,
    place: str = "",
    open_hours: int = 12,
    days: int = GOOD_DAYS,
) -> Sealed:
    """Make a sealed account and return the code for its envelope, once. Raises :class:`ValidationError`."""
    if Capability.BREAK_GLASS not in capabilities_of(role):
        raise ValidationError({"role": gettext_lazy("Choose a role that may open records in an emergency.")})
    user = User(username=name, display_name=label, is_active=False)
    user.set_unusable_password()
    user.full_clean()
    user.save()
    code = _new_code()
    account = SealedAccount(
        user=user,
        department=department,
        role=role,
        place=place,
        open_hours=open_hours,
        digest=_digest(name, code),
        expires_at=timezone.now() + timedelta(days=days),
    )
    account.full_clean()
    account.save()
    _record(Action.SEALED_ACCOUNT_SEALED, account, actor, {"department": department.code, "role": account.role})
    return Sealed(account, code)


@transaction.atomic
def seal_again(account: SealedAccount, *, actor: Actor, note: str = "", days: int = GOOD_DAYS) -> Sealed:
    """Close the account, look into its last use, and return a new code. The code before opens nothing any more.

    After an opening ``note`` says what was found. Raises :class:`ValidationError` without one.
    """
    held = SealedAccount.objects.select_for_update().select_related("user", "department").get(pk=account.pk)
    unread = held.openings.filter(reviewed_at=None)
    if not note.strip() and unread.exists():
        raise ValidationError({"note": gettext_lazy("Write what was found: the envelope has been opened.")})
    by = int(actor.id) if actor.kind == "user" and actor.id.isdigit() else None
    unread.update(reviewed_at=timezone.now(), reviewed_by=by, review_note=note.strip()[:1000])
    if held.opened_until is not None:
        _close(held, actor)
    code = _new_code()
    held.digest = _digest(held.user.get_username(), code)
    held.sealed_at = timezone.now()
    held.expires_at = held.sealed_at + timedelta(days=days)
    held.is_spent, held.reminded_at = False, None
    held.save()
    _record(Action.SEALED_ACCOUNT_SEALED, held, actor, {"again": True, "note": note.strip()[:1000]})
    return Sealed(held, code)


def open_seal(*, name: str, code: str, said_name: str, reason: str, actor: Actor) -> SealedAccount:
    """Open an envelope: switch its account on until its hours are over, and raise the alarm.

    The same code signs in again while it is open, on another computer. Raises :class:`SealRefused`.
    """
    with transaction.atomic():
        held = (
            SealedAccount.objects.select_for_update(of=("self",))
            .select_related("user", "department")
            .filter(digest=_digest(name, code))
            .first()
        )
        now = timezone.now()
        if held is None or not held.is_usable_at(now):
            raise SealRefused
        if held.opened_until is None:
            held.is_spent, held.opened_until = True, now + timedelta(hours=held.open_hours)
            held.save(update_fields=["is_spent", "opened_until"])
            held.user.is_active = True
            held.user.save(update_fields=["is_active"])
            accounts.add_membership(
                actor=SYSTEM,
                user=held.user,
                department=held.department,
                role=held.role,
                valid_until=held.opened_until,
            )
        SealedOpening.objects.create(
            account=held, said_name=said_name[:150], reason=reason[:500], address=actor.address[:64]
        )
        opener = Actor(
            kind="user", id=str(held.user_id), name=held.user.get_username(), address=actor.address, door=actor.door
        )
        detail = {"said_name": said_name[:150], "reason": reason[:500], "until": held.opened_until}
        _record(Action.SEALED_ACCOUNT_OPENED, held, opener, detail)
        _record(Action.SECURITY_ALERTED, held, opener, {"reason": "a sealed account was opened"})
    return held


def follow_up() -> None:
    """Tell of envelopes that were opened, close accounts whose hours are over, and remind of seals that grow old."""
    now = timezone.now()
    with transaction.atomic():
        over = SealedAccount.objects.filter(opened_until__lte=now).select_for_update(of=("self",), skip_locked=True)
        for held in over.select_related("user"):
            _close(held, SYSTEM)
    with transaction.atomic():
        untold = SealedOpening.objects.filter(told_at=None).select_for_update(of=("self",), skip_locked=True)
        fresh = list(untold.select_related("account__user"))
        SealedOpening.objects.filter(pk__in=[row.pk for row in fresh]).update(told_at=now)
        for row in fresh:
            notices.tell_opened(row, _guardians())
    with transaction.atomic():
        old = SealedAccount.objects.filter(expires_at__lte=now + _REMIND_BEFORE, is_spent=False, reminded_at=None)
        keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True))
        SealedAccount.objects.filter(pk__in=keys).update(reminded_at=now)
        if keys:
            notices.tell_old(len(keys), _guardians())


def _close(held: SealedAccount, actor: Actor) -> None:
    """Switch an account off and end its sessions and memberships; its envelope stays open until it is sealed anew.

    What whoever held it added to it (a passkey, a hospital account, a password) would open it the next time beside the
    envelope, with no alarm: it is taken away.
    """
    held.opened_until = None
    held.save(update_fields=["opened_until"])
    for identity in held.user.federated_identities.select_related("provider", "user"):
        federation.unlink(actor=actor, identity=identity)
    factors.remove_all(actor=actor, user=held.user)
    User.objects.filter(pk=held.user_id).update(
        is_active=False, password=make_password(None), session_epoch=F("session_epoch") + 1
    )
    now = timezone.now()
    for membership in held.user.memberships.active_at(now).filter(valid_from__lte=now):
        accounts.end_membership(actor=actor, membership=membership, at=now)
    _record(Action.SEALED_ACCOUNT_CLOSED, held, actor, {})


def _guardians() -> list[User]:
    """Privacy officers, and those who can seal again; each once."""
    officers = people_capable(Capability.REVIEW_BREAK_GLASS)
    administrators = User.objects.filter(is_active=True, is_superuser=True)
    return list({person.pk: person for person in (*officers, *administrators)}.values())


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _letter in range(_OF)) for _group in range(_GROUPS))


def _digest(name: str, code: str) -> str:
    """What is kept of a code, bound to its account: the same code on another's envelope opens nothing."""
    plain = "".join(char for char in code.upper() if char.isalnum()).translate(_MISREAD)
    return digest_of(f"{name.strip()}:{plain}")


def _record(action: Action, account: SealedAccount, actor: Actor, detail: dict[str, object]) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="user",
        subject_uid=str(account.user_id),
        detail={"account": account.user.get_username(), **detail},
    )
