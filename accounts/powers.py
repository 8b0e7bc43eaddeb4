"""What somebody can do, and why: the answer to an administrator's first question, in words. It decides nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.labels import Label, name_of
from accounts.models import Department, MachineKey, Membership, User
from accounts.roles import MACHINE_DOORS, POWERS, Capability, Right, Role, capabilities_of, cleared_by, rights_of

RIGHTS_IN_WORDS: Final[Mapping[Right, str | Promise]] = MappingProxyType(
    {
        Right.LIST: _("finds the department's studies: names, dates and what was examined"),
        Right.VIEW: _("opens their images, headers and documents"),
        Right.DOWNLOAD: _("takes copies of them away"),
        Right.WRITE: _("adds images and puts right what is wrong"),
        Right.SHARE: _("passes them on to others"),
    }
)


@dataclass(frozen=True, slots=True)
class Held:
    """One membership in one department, and what it gives now; ``why_not`` says in words why it gives nothing."""

    department: Department
    group: str
    role: str
    valid_from: datetime
    valid_until: datetime | None
    rights: tuple[str, ...]
    capabilities: tuple[str, ...]
    cleared: tuple[str, ...]
    why_not: str | Promise


@dataclass(frozen=True, slots=True)
class Further:
    """What a person can do beyond memberships, as a package above tells it: a heading and its lines, ready to read."""

    heading: str
    lines: tuple[str, ...]


#: Asks a package above what else it lets a person do; None for nothing.
FurtherPart = Callable[[User], Further | None]

_further: list[FurtherPart] = []


def tell_further(part: FurtherPart) -> None:
    """Have the page of what a person can do show what ``part`` answers."""
    if part not in _further:
        _further.append(part)


@dataclass(frozen=True, slots=True)
class Powers:
    """What a person can do: department by department, and the sentences that hold for the account as a whole."""

    held: tuple[Held, ...]
    further: tuple[Further, ...]
    remarks: tuple[str | Promise, ...]
    sees_images: bool


@dataclass(frozen=True, slots=True)
class DoorOfMachine:
    """What a machine may do at one door."""

    label: str
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MachinePowers:
    """What a machine can do with its key: the same at each of its departments."""

    departments: tuple[Department, ...]
    doors: tuple[DoorOfMachine, ...]
    remarks: tuple[str | Promise, ...]


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One role as the table of roles shows it: for each right and capability, whether it gives it."""

    label: str
    rights: tuple[bool, ...]
    capabilities: tuple[str, ...]
    cleared: tuple[str, ...]


def powers_of_person(user: User) -> Powers:
    """Return what a person can do now, and which memberships give nothing and why; a line per department and membership."""
    now = timezone.now()
    rows = list(Membership.objects.by_place().filter(user=user).select_related("group"))
    places = Department.objects.select_related("site").in_bulk({row.place for row in rows})
    pairs = [(row, places[row.place]) for row in rows if row.place in places]
    pairs.sort(key=lambda pair: (pair[1].name, pair[0].pk))
    held = tuple(_held(row, place, user, now) for row, place in pairs)
    rights = {right for row, place in pairs for right in rights_of(row.role) if not _why_not(row, place, user, now)}
    further = tuple(told for part in _further if (told := part(user)) is not None)
    return Powers(held, further, tuple(_remarks(user, held)), Right.VIEW in rights)


def _held(row: Membership, place: Department, user: User, now: datetime) -> Held:
    why_not = _why_not(row, place, user, now)
    labels = cleared_by(row.role, row.clears) if rights_of(row.role) else frozenset()
    return Held(
        department=place,
        group=row.group.label if row.group else "",
        role=row.get_role_display(),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        rights=() if why_not else _in_words(rights_of(row.role)),
        capabilities=() if why_not else _labels(capabilities_of(row.role)),
        cleared=() if why_not else tuple(name_of(label) for label in Label if label in labels),
        why_not=why_not,
    )


def _why_not(row: Membership, place: Department, user: User, now: datetime) -> str | Promise:
    if not user.is_active:
        return _("Nothing: the account is switched off.")
    if not place.is_active:
        return _("Nothing: the department is switched off.")
    if row.valid_from > now:
        return _("Nothing yet: the membership has not begun.")
    if row.valid_until is not None and row.valid_until <= now:
        return _("Nothing any more: the membership has ended.")
    return ""


def _remarks(user: User, held: tuple[Held, ...]) -> list[str | Promise]:
    said: list[str | Promise] = []
    if not user.is_active:
        said.append(_("The account is switched off: this person cannot sign in."))
    if not held:
        said.append(_("No membership in any department: this person sees no study at all."))
    if user.is_superuser:
        said.append(_("Runs the portal: changes every setting here. That alone shows no image and no patient."))
    elif user.is_staff:
        said.append(_("May come into the administration, and there does what the permissions of the account allow."))
    reads_priors = str(Capability.READ_PRIORS.label)
    if any(reads_priors in row.capabilities for row in held):
        said.append(
            _(
                "Sees that a patient has earlier studies elsewhere, and opens those whose department allows it by its rule."
            )
        )
    return said


def powers_of_machine(key: MachineKey) -> MachinePowers:
    """Return what a machine can do now with its key."""
    now = timezone.now()
    usable = key.is_usable_at(now)
    departments = tuple(key.departments.order_by("name"))
    doors = tuple(
        DoorOfMachine(str(door.label), _in_words(key.rights_at(door)) if usable else ()) for door in MACHINE_DOORS
    )
    return MachinePowers(
        tuple(entry for entry in departments if entry.is_active), doors, tuple(_told(key, departments, usable=usable))
    )


def _told(key: MachineKey, departments: tuple[Department, ...], *, usable: bool) -> list[str | Promise]:
    said: list[str | Promise] = []
    if key.revoked_at is not None:
        said.append(_("The key is revoked: it opens nothing."))
    elif not usable:
        said.append(_("The key has expired: it opens nothing."))
    if not any(entry.is_active for entry in departments):
        said.append(_("No active department: it sees no study."))
    if key.addresses:
        said.append(_("Only from the addresses that are listed on it; from elsewhere it is refused."))
    else:
        said.append(_("From any address of the network: list the machine's own address to be safer."))
    return said


def roles() -> list[RoleRow]:
    """Return the table of roles, as the portal applies it."""
    return [
        RoleRow(
            label=str(Role(role).label),
            rights=tuple(right in powers.rights for right in Right),
            capabilities=_labels(powers.capabilities),
            cleared=tuple(name_of(label) for label in Label if label in powers.clears),
        )
        for role, powers in POWERS.items()
    ]


def _in_words(rights: frozenset[Right]) -> tuple[str, ...]:
    return tuple(str(RIGHTS_IN_WORDS[right]) for right in Right if right in rights)


def _labels(capabilities: frozenset[Capability]) -> tuple[str, ...]:
    return tuple(str(entry.label) for entry in Capability if entry in capabilities)
