"""What a person's claims give them here: which roles in which departments, for how long, and what ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action
from accounts.federation import claims as claims_of
from accounts.models import ClaimRule, Department, IdentityProvider, Membership, User
from accounts.services import described


@dataclass(frozen=True, slots=True)
class Given:
    """One role in one department, and the rule that gives it: of several the one that lasts longest."""

    department: Department
    role: str
    rule: ClaimRule


def given_by(provider: IdentityProvider, claims: Mapping[str, Any]) -> list[Given]:
    """Return what the provider's rules give to somebody with these claims, by department and role. One query."""
    found: dict[tuple[int, str], Given] = {}
    rules: Sequence[ClaimRule] = list(
        ClaimRule.objects.active().filter(provider=provider).select_related("department").order_by("-lasts_days", "pk")
    )
    for rule in rules:
        if claims_of.has(claims, rule.claim, rule.value):
            found.setdefault((rule.department_id, rule.role), Given(rule.department, rule.role, rule))
    return sorted(found.values(), key=lambda given: (given.department.name, given.role))


def is_let_in(provider: IdentityProvider, claims: Mapping[str, Any]) -> bool:
    """Whether the claims hold what the provider's row asks of everybody."""
    if not provider.required_claim:
        return True
    return claims_of.has(claims, provider.required_claim, provider.required_value)


@transaction.atomic
def apply(*, actor: Actor, user: User, provider: IdentityProvider, given: Sequence[Given]) -> None:
    """Give what the rules give, and end what they gave before and give no longer. What people gave by hand stays."""
    now = timezone.now()
    # The person's row is the lock: two sign-ins at once give everything once.
    User.objects.select_for_update().get(pk=user.pk)
    held = {
        (row.department_id, row.role): row
        for row in Membership.objects.active_at(now)
        .filter(user=user, given_by=provider)
        .select_related("department")
        .order_by("valid_from")
    }
    wanted = {(entry.department.pk, entry.role): entry for entry in given}
    for key, row in held.items():
        if key not in wanted:
            _end(row, actor=actor, at=now, why="claim gone")
    for key, entry in wanted.items():
        until = now + timedelta(days=entry.rule.lasts_days)
        if key in held:
            _prolong(held[key], entry.rule, until)
        else:
            _start(user, provider, entry, until, actor=actor, at=now)


@transaction.atomic
def end_what_rule_gave(*, actor: Actor, rule: ClaimRule) -> int:
    """End at once what a rule gave, because it says so no longer; return how many memberships ended."""
    now = timezone.now()
    rows = list(Membership.objects.active_at(now).filter(by_rule=rule).select_related("department"))
    for row in rows:
        _end(row, actor=actor, at=now, why="rule changed")
    return len(rows)


def _start(
    user: User, provider: IdentityProvider, entry: Given, until: datetime, *, actor: Actor, at: datetime
) -> None:
    row = Membership(
        user=user,
        department=entry.department,
        role=entry.role,
        valid_from=at,
        valid_until=until,
        given_by=provider,
        by_rule=entry.rule,
    )
    row.full_clean()
    row.save()
    _record(Action.MEMBERSHIP_STARTED, row, actor, rule=str(entry.rule), provider=provider.slug)


def _prolong(row: Membership, rule: ClaimRule, until: datetime) -> None:
    row.valid_until = until
    row.by_rule = rule
    row.save(update_fields=["valid_until", "by_rule"])


def _end(row: Membership, *, actor: Actor, at: datetime, why: str) -> None:
    row.valid_until = max(at, row.valid_from)
    row.save(update_fields=["valid_until"])
    _record(Action.MEMBERSHIP_ENDED, row, actor, why=why, provider=row.given_by.slug if row.given_by else "")


def _record(action: Action, row: Membership, actor: Actor, **detail: Any) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="user",
        subject_uid=str(row.user_id),
        detail={**described(row), "via": "identity provider", **detail},
    )
