"""Questions about people and places."""

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts.holding import held_roles, memberships_in
from accounts.models import Department, SetupLink, Site, User, digest_of
from accounts.roles import POWERS, Capability, Right, capabilities_of
from accounts.scope import Scope


def capabilities_by_department(user: User | AnonymousUser) -> dict[Capability, frozenset[int]]:
    """Return what a person may do now, and in which departments (by primary key)."""
    held: dict[Capability, set[int]] = {}
    for entry in held_roles(user):
        for capability in capabilities_of(entry.role):
            held.setdefault(capability, set()).add(entry.department)
    return {capability: frozenset(departments) for capability, departments in held.items()}


def is_capable(user: User | AnonymousUser, capability: Capability) -> bool:
    """Whether a person has a capability in any department now."""
    return capability in capabilities_by_department(user)


def roles_by_department(user: User | AnonymousUser) -> dict[str, frozenset[int]]:
    """Return the roles that a person has now, and in which departments (by primary key)."""
    held: dict[str, set[int]] = {}
    for entry in held_roles(user):
        held.setdefault(entry.role, set()).add(entry.department)
    return {role: frozenset(departments) for role, departments in held.items()}


def people_capable(capability: Capability, *, department_ids: Iterable[int] | None = None) -> list[User]:
    """Return the active people who have a capability now: in one of these departments, or in any."""
    roles = [role for role, powers in POWERS.items() if capability in powers.capabilities]
    held = memberships_in(department_ids, roles=roles)
    return list(User.objects.filter(pk__in=held.values("user")).order_by("pk"))


def departments_of_capable(capability: Capability) -> frozenset[int]:
    """Return the departments, by primary key, in which somebody has a capability now."""
    roles = [role for role, powers in POWERS.items() if capability in powers.capabilities]
    return frozenset(memberships_in(roles=roles).values_list("place", flat=True))


def departments_named(department_ids: Iterable[int]) -> list[Department]:
    """Return these departments with their sites, by name."""
    rows = Department.objects.filter(pk__in=list(department_ids)).select_related("site")
    return list(rows.order_by("name", "pk"))


def departments_by_code() -> list[tuple[str, str]]:
    """Return code and name of every department, those that have closed too, by name."""
    return [(row.code, row.label) for row in Department.objects.order_by("name", "pk")]


def only_site() -> Site | None:
    """Return the hospital, where there is exactly one."""
    sites = list(Site.objects.all()[:2])
    return sites[0] if len(sites) == 1 else None


def account_names() -> list[str]:
    """Return the names of the accounts that may sign in, for the demo's sign-in page only."""
    return list(User.objects.filter(is_active=True).order_by("username").values_list("username", flat=True)[:20])


def person_called(name: str) -> User | None:
    """Return whose account or e-mail address was typed at the sign-in, small and capital letters alike."""
    if not name or "\x00" in name:
        return None
    return User.objects.filter(username__iexact=name).first() or User.objects.filter(email__iexact=name).first()


def is_setup_secret(secret: str) -> bool:
    """Whether a set-up link with this secret can still be used."""
    return bool(secret) and (SetupLink.objects.usable_at(timezone.now()).filter(digest=digest_of(secret)).exists())


def time_zone_of(user: User) -> str:
    """Return the IANA name of the time zone of the user's site, else of the only site, else ""."""
    first = next((entry.department for entry in held_roles(user)), None)
    own = Site.objects.filter(departments=first).values_list("time_zone", flat=True).first() if first else None
    site = None if own else only_site()
    return own or (site.time_zone if site else "")


def time_zone_of_departments(department_ids: Iterable[int]) -> str:
    """Return the IANA name of the time zone that these departments share, else of the only site, else ""."""
    zones = set(Site.objects.filter(departments__in=list(department_ids)).values_list("time_zone", flat=True))
    if len(zones) == 1:
        return zones.pop()
    site = None if zones else only_site()
    return site.time_zone if site else ""


def zone_of_reader(user: object, scope: Scope) -> ZoneInfo:
    """Return the time zone in which the days of a person or of a machine begin: of its site, otherwise the portal's."""
    name = (
        time_zone_of(user) if isinstance(user, User) else time_zone_of_departments(scope.departments_with(Right.LIST))
    )
    return ZoneInfo(name or settings.TIME_ZONE)
