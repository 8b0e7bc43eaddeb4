"""Who comes to a collection: the account, what it may see, and in which departments it sees images."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q

from accounts import selectors as accounts
from accounts.actor import Actor
from accounts.holding import memberships_in
from accounts.models import Department, User
from accounts.roles import POWERS, Capability, Right
from accounts.scope import Scope
from imaging.sharing.collections.policies import Rights, together
from imaging.sharing.models import Collection, CollectionMember

_SEEING: Final = [role for role, powers in POWERS.items() if Right.VIEW in powers.rights]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who sees images. ``departments`` are those in which they do, ``makes_in`` those for which they make collections."""

    user: User
    scope: Scope
    actor: Actor
    departments: frozenset[int]
    makes_in: frozenset[int]


def person(user: User | AnonymousUser, *, scope: Scope, actor: Actor) -> Person | None:
    """Return somebody as collections know them; None for who sees no images in any department."""
    if not isinstance(user, User):
        return None
    departments = scope.departments_with(Right.VIEW) - {scope.own_place}
    if not departments:
        return None
    held = accounts.capabilities_by_department(user)
    makes_in = held.get(Capability.MAKE_COLLECTIONS, frozenset()) & scope.departments_with(Right.SHARE)
    return Person(user, scope, actor, departments, makes_in)


def rights_of(collection: Collection, who: Person) -> Rights | None:
    """Return what somebody may do in a collection; None for who is no member."""
    rows = CollectionMember.objects.filter(Q(user=who.user) | Q(department__in=who.departments), collection=collection)
    return together(list(rows))


def working_in(departments: Iterable[int]) -> list[int]:
    """Return who sees images in one of these departments, by primary key."""
    return list(memberships_in(departments, roles=_SEEING).values_list("user", flat=True))


def people_of(collection: Collection) -> list[User]:
    """Return everybody who is a member now, by themselves or by a department, by name; who may sign in and sees images."""
    members = CollectionMember.objects.filter(collection=collection)
    working = memberships_in(roles=_SEEING)
    by_department = working.filter(place__in=members.exclude(department=None).values("department"))
    named = Q(pk__in=members.exclude(user=None).values("user"))
    rows = User.objects.filter(named | Q(pk__in=by_department.values("user")), pk__in=working.values("user"))
    return sorted(rows, key=lambda each: (each.label.lower(), each.pk))


def invitable(words: str) -> User | None:
    """Return whose account, e-mail address or full name was typed, of people who see images somewhere; None where several fit."""
    wanted = words.strip()[:150].replace("\x00", "")
    if not wanted:
        return None
    name = wanted.removeprefix("@")
    rows = User.objects.filter(pk__in=memberships_in(roles=_SEEING).values("user"))
    for known in (Q(username__iexact=name), Q(email__iexact=wanted), Q(display_name__iexact=wanted)):
        found = list(rows.filter(known)[:2])
        if len(found) == 1:
            return found[0]
    return None


def departments() -> list[Department]:
    """Return the departments that can be a member, by name."""
    return list(Department.objects.active().order_by("name"))
