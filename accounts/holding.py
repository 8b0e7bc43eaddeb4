"""Which roles a person holds where now: the one question behind scope, capabilities and every page that explains them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.models import Membership, User


class HeldRole(NamedTuple):
    """A role held in a department (by primary key) by a membership, of the department or of a group that has it."""

    department: int
    role: str
    clears: tuple[str, ...]
    valid_until: datetime | None
    membership: int


def held_roles(user: User | AnonymousUser) -> list[HeldRole]:
    """Return the roles that a person holds now, in departments that work; the first given first. One query.

    A department has several where several memberships hold in it. Nobody unknown or switched off holds any.
    """
    if not isinstance(user, User) or not user.is_active or user.pk is None:
        return []
    rows = Membership.objects.held_at(timezone.now()).filter(user=user).order_by("pk", "place")
    told = rows.values_list("place", "role", "clears", "valid_until", "pk")
    return [HeldRole(place, role, tuple(clears), until, pk) for place, role, clears, until, pk in told]


def memberships_in(department_ids: Iterable[int] | None = None, *, roles: Iterable[str] | None = None) -> Any:
    """Return the memberships of active people that hold now in one of these departments (``place``), or in any."""
    rows = Membership.objects.held_at(timezone.now()).filter(user__is_active=True)
    if department_ids is not None:
        rows = rows.filter(place__in=list(department_ids))
    return rows if roles is None else rows.filter(role__in=list(roles))


def memberships_of(user: User | AnonymousUser, department_ids: Iterable[int]) -> list[Membership]:
    """Return a person's memberships that hold now in these departments (``place``), with their groups, the first given first."""
    if not isinstance(user, User) or not user.is_active or user.pk is None:
        return []
    rows = Membership.objects.held_at(timezone.now()).filter(user=user, place__in=list(department_ids))
    return list(rows.select_related("department", "group").order_by("pk", "place"))
