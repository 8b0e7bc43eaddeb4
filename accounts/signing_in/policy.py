"""The rules of sign-in that are in force, and what they ask of one person."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Any, Final

from django.db import transaction
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts import audit, selectors
from accounts.actor import Actor
from accounts.audit import Action
from accounts.models import SignInPolicy, User
from accounts.roles import Role
from accounts.signing_in.acts import Act

#: Seconds for which a process keeps what it read: a new policy holds everywhere within them.
_KEPT: Final = 1.0
#: What a version says, by the names of its columns.
TERMS: Final = (
    "mfa_roles",
    "passkey_roles",
    "confirmed_acts",
    "passkey_acts",
    "grace_days",
    "idle_minutes",
    "absolute_hours",
    "step_up_minutes",
    "link_hours",
    "quick_switch",
)


class Need(IntEnum):
    """What a person must have besides a password."""

    NOTHING = 0
    SECOND_FACTOR = 1
    PASSKEY = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A version of the rules. ``version`` is 0 for those that hold before anybody made one."""

    version: int
    mfa_roles: frozenset[str]
    passkey_roles: frozenset[str]
    confirmed_acts: frozenset[str]
    passkey_acts: frozenset[str]
    grace: timedelta
    idle: timedelta
    absolute: timedelta
    step_up: timedelta
    link: timedelta
    quick_switch: bool


@dataclass(slots=True)
class _Kept:
    policy: Policy | None = None
    until: float = field(default=0.0)


_kept = _Kept()


def in_force() -> Policy:
    """Return the rules that hold now."""
    rules = _kept.policy
    if rules is None or time.monotonic() >= _kept.until:
        row = SignInPolicy.objects.order_by("-pk").first()
        # Returned as it was read here: another thread may forget what is kept meanwhile.
        rules = of_row(row or SignInPolicy())
        _kept.policy, _kept.until = rules, time.monotonic() + _KEPT
    return rules


@receiver(post_save, sender=SignInPolicy)
def forget(**kwargs: Any) -> None:
    """Read the rules anew at the next question."""
    _kept.policy = None


def of_row(row: SignInPolicy) -> Policy:
    """Return a row as a value."""
    return Policy(
        version=row.pk or 0,
        mfa_roles=frozenset(row.mfa_roles),
        passkey_roles=frozenset(row.passkey_roles),
        confirmed_acts=frozenset(row.confirmed_acts),
        passkey_acts=frozenset(row.passkey_acts),
        grace=timedelta(days=row.grace_days),
        idle=timedelta(minutes=row.idle_minutes),
        absolute=timedelta(hours=row.absolute_hours),
        step_up=timedelta(minutes=row.step_up_minutes),
        link=timedelta(hours=row.link_hours),
        quick_switch=row.quick_switch,
    )


def needed_by(user: User) -> Need:
    """Return what the rules ask of this person's roles. Who may enter the administration counts as administrator."""
    rules = in_force()
    roles = set(selectors.roles_by_department(user))
    if user.is_staff or user.is_superuser:
        roles.add(str(Role.ADMINISTRATOR))
    if roles & rules.passkey_roles:
        return Need.PASSKEY
    return Need.SECOND_FACTOR if roles & rules.mfa_roles else Need.NOTHING


def needs_passkey(act: Act) -> bool:
    """Whether an act is confirmed with a passkey only."""
    return str(act) in in_force().passkey_acts


@transaction.atomic
def change(*, actor: Actor, user: User | None, row: SignInPolicy) -> SignInPolicy:
    """Put a new version in force, and record what it changed. Raises :class:`ValidationError`."""
    before = SignInPolicy.objects.order_by("-pk").first() or SignInPolicy()
    row.pk = None
    row.made_by = user
    row.full_clean()
    row.save()
    changed = {
        name: {"from": getattr(before, name), "to": getattr(row, name)}
        for name in TERMS
        if getattr(before, name) != getattr(row, name)
    }
    audit.record(
        Action.SIGN_IN_POLICY_CHANGED,
        actor=actor,
        subject_type="sign_in_policy",
        subject_uid=str(row.pk),
        detail={"changed": changed, "note": row.note},
    )
    return row
