"""What somebody may see, as one frozen value. Everything that reads asks it; nothing else decides.

People and machines get theirs here; links get it in ``sharing``, break-glass in ``access``. Every
function fails closed: what is not understood, expired or switched off gives :data:`EMPTY`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from accounts import lending
from accounts.actor import ANONYMOUS, SYSTEM, Actor
from accounts.holding import held_roles
from accounts.models import Department, MachineKey, User
from accounts.roles import Capability, Right, capabilities_of, cleared_by, rights_of

_NO_IDS: Final[frozenset[int]] = frozenset()
_NO_UIDS: Final[frozenset[str]] = frozenset()
_NO_RIGHTS: Final[frozenset[Right]] = frozenset()

#: What may be done, at the most, with what was granted to a person alone: a grant may give less, never more.
GRANTED_RIGHTS: Final = frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD})

#: What may be done, at the most, with what is lent: it is not changed, and not passed on.
LENT_RIGHTS: Final = frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD})

#: What a prior may be used for: it is looked at. It is not taken away, changed or passed on.
PRIOR_RIGHTS: Final = frozenset({Right.LIST, Right.VIEW})


class Prior(NamedTuple):
    """A study that a person opened as an earlier one of the patient of another study, both by UID."""

    study: str
    of: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Who, in which departments and on which named objects, with which rights, until when.

    ``department_rights`` pairs a department's primary key with the rights held there. ``patients``
    holds primary keys; ``studies``, ``series`` and ``instances`` hold UIDs: those are open with
    ``rights``, whatever their department. ``clearances`` pairs a department's primary key with a label that keeps
    nothing there from this reader; ``cleared`` names the labels that keep nothing back of what is open by name.
    ``valid_until`` closes the whole scope; ``unrestricted`` is for the system's own work only.

    ``cares_in`` names the departments in which the principal treats patients: there, and by the rule of
    the department that made them, earlier studies of the same patient may be opened. ``priors`` are those
    that were opened: each is asked again at every reading whether the rule still holds.

    ``own_place`` is the department that holds what was granted to this person alone; its rights are in
    ``department_rights`` as those of any other.

    ``lent`` pairs the primary key of a named set that lends its objects to the principal with the rights on them. What
    lies in the set is asked at each reading, never kept here.
    """

    principal: Actor
    department_rights: frozenset[tuple[int, frozenset[Right]]] = frozenset()
    patients: frozenset[int] = _NO_IDS
    studies: frozenset[str] = _NO_UIDS
    series: frozenset[str] = _NO_UIDS
    instances: frozenset[str] = _NO_UIDS
    rights: frozenset[Right] = _NO_RIGHTS
    cleared: frozenset[str] = _NO_UIDS
    clearances: frozenset[tuple[int, str]] = frozenset()
    deidentified: bool = False
    #: What is read goes out of the hospital, though no link was given: what was corrected is not told.
    outside: bool = False
    valid_until: datetime | None = None
    reason: str = ""
    cares_in: frozenset[int] = _NO_IDS
    priors: frozenset[Prior] = frozenset()
    own_place: int | None = None
    lent: frozenset[tuple[int, frozenset[Right]]] = frozenset()
    unrestricted: bool = field(default=False, kw_only=True)

    @property
    def is_expired(self) -> bool:
        """Whether the moment has come after which nothing is visible."""
        return self.valid_until is not None and timezone.now() >= self.valid_until

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all can be seen."""
        if self.is_expired:
            return True
        if self.unrestricted:
            return False
        named = self.patients or self.studies or self.series or self.instances
        held = any(rights for _key, rights in (*self.department_rights, *self.lent))
        return not (named and self.rights) and not held

    @property
    def is_outside(self) -> bool:
        """Whether it is read by somebody outside the hospital: what images were before they were corrected is not told them."""
        return self.outside or self.principal.kind == "share"

    @property
    def is_unrestricted(self) -> bool:
        """Whether everything is visible now."""
        return self.unrestricted and not self.is_expired

    def departments_with(self, right: Right) -> frozenset[int]:
        """Return the primary keys of the departments where ``right`` is held now."""
        if self.is_expired:
            return _NO_IDS
        return frozenset(department for department, rights in self.department_rights if right in rights)

    def label_sets(self, right: Right) -> Mapping[frozenset[str], frozenset[int]]:
        """Return the departments where ``right`` is held now, by the set of labels that may be seen there; "" is no label."""
        labels: dict[int, set[str]] = {department: {""} for department in self.departments_with(right)}
        for department, label in self.clearances:
            if department in labels:
                labels[department].add(label)
        found: dict[frozenset[str], set[int]] = {}
        for department, seen in labels.items():
            found.setdefault(frozenset(seen), set()).add(department)
        return {seen: frozenset(departments) for seen, departments in found.items()}

    def within(self, departments: Iterable[int]) -> "Scope":
        """Return the same scope with the rights of these departments only. A method, so that a lazy scope has it too."""
        kept = frozenset(departments)
        return replace(
            self,
            department_rights=frozenset(pair for pair in self.department_rights if pair[0] in kept),
            clearances=frozenset(pair for pair in self.clearances if pair[0] in kept),
            own_place=self.own_place if self.own_place in kept else None,
            lent=frozenset(),
        )

    def without_priors(self) -> "Scope":
        """Return the same scope without what is only looked at: what was opened as a prior, and what is lent."""
        return replace(self, priors=frozenset(), lent=frozenset())

    def without_lent(self) -> "Scope":
        """Return the same scope without what is lent. A method, so that a lazy scope has it too."""
        return replace(self, lent=frozenset())

    def lent_with(self, right: Right) -> frozenset[int]:
        """Return the primary keys of the sets that lend with ``right`` now."""
        if self.is_expired:
            return _NO_IDS
        return frozenset(key for key, rights in self.lent if right in rights)

    def named_with(self, right: Right) -> bool:
        """Whether ``right`` is held now on the named patients, studies, series and instances."""
        return right in self.rights and not self.is_expired

    def care_departments(self) -> frozenset[int]:
        """Return the departments in which the principal treats patients, and may see their images, now."""
        return self.cares_in & self.departments_with(Right.VIEW)

    def opened_as_prior(self, study_instance_uid: str) -> str:
        """Return the UID of the study as whose prior this one was opened; empty when it was not."""
        return min((prior.of for prior in self.priors if prior.study == study_instance_uid), default="")

    def may(self, right: Right) -> bool:
        """Whether ``right`` is held now on anything at all."""
        if self.is_unrestricted or self.named_with(right):
            return True
        return bool(self.departments_with(right) or self.lent_with(right))


EMPTY: Final = Scope(principal=ANONYMOUS, reason="nobody")


def scope_of_user(user: User | AnonymousUser, *, actor: Actor | None = None, priors: Iterable[Prior] = ()) -> Scope:
    """Return what a person may see now, from the memberships that hold now, with the priors opened in the session.

    Neither ``is_staff`` nor ``is_superuser`` shows an image: an administrator sees what the
    administrator's memberships show. The scope ends with the first membership that ends, so that a
    scope kept in hand never outlives one.
    """
    if not isinstance(user, User) or not user.is_active or user.pk is None:
        return EMPTY
    held: dict[int, frozenset[Right]] = {}
    cares_in: set[int] = set()
    clearances: set[tuple[int, str]] = set()
    ends: list[datetime] = []
    for role_held in held_roles(user):
        department = role_held.department
        held[department] = held.get(department, _NO_RIGHTS) | rights_of(role_held.role)
        clearances.update((department, label) for label in cleared_by(role_held.role, role_held.clears))
        if Capability.READ_PRIORS in capabilities_of(role_held.role):
            cares_in.add(department)
        if role_held.valid_until is not None:
            ends.append(role_held.valid_until)
    # What was granted or lent to a person goes with the work: who has left every department that sees images keeps nothing.
    seeing = frozenset(department for department, rights in held.items() if Right.VIEW in rights)
    own_place = user.own_place_id if seeing else None
    lent = lending.lent_to(user, seeing) if seeing else ()
    if own_place is not None:
        held[own_place] = GRANTED_RIGHTS
    return Scope(
        principal=actor or Actor(kind="user", id=str(user.pk), name=user.get_username()),
        department_rights=frozenset(held.items()),
        clearances=frozenset(clearances),
        valid_until=min(ends, default=None),
        reason="membership",
        cares_in=frozenset(cares_in),
        priors=frozenset(priors),
        own_place=own_place,
        lent=frozenset((key, rights & LENT_RIGHTS) for key, rights in lent),
    )


def scope_of_machine(key: MachineKey, *, door: str, actor: Actor | None = None) -> Scope:
    """Return what a machine may see now at ``door``: its departments, with the rights of that door."""
    if not key.is_usable_at(timezone.now()):
        return EMPTY
    rights = key.rights_at(door)
    departments = key.departments.filter(is_active=True).values_list("pk", flat=True) if rights else ()
    return Scope(
        principal=actor or Actor(kind="machine", id=str(key.pk), name=key.name, door=door),
        department_rights=frozenset((department, rights) for department in departments),
        valid_until=key.expires_at,
        reason="machine key",
    )


def scope_of_departments(
    *,
    principal: Actor,
    departments: Iterable[Department | int] = (),
    rights: Iterable[Right] = (),
    reason: str,
    valid_until: datetime | None = None,
) -> Scope:
    """Return what a configured peer (an application entity) may see: those departments, those rights."""
    held = frozenset(rights)
    keys = [item.pk if isinstance(item, Department) else item for item in departments]
    active = Department.objects.active().filter(pk__in=keys).values_list("pk", flat=True)
    return Scope(
        principal=principal,
        department_rights=frozenset((department, held) for department in active) if held else frozenset(),
        valid_until=valid_until,
        reason=reason,
    )


def scope_of_patients(
    *, principal: Actor, patients: Iterable[int], rights: Iterable[Right], reason: str, valid_until: datetime
) -> Scope:
    """Return what a program may see that another system lets in for these patients (primary keys), and for nobody else.

    No label is cleared: what is specially protected stays shut. Whose program it is, the hospital's or the patient's own, is
    not known: it is told what somebody outside is told.
    """
    return Scope(
        principal=principal,
        patients=frozenset(patients),
        rights=frozenset(rights),
        outside=True,
        valid_until=valid_until,
        reason=reason,
    )


def system_scope(reason: str) -> Scope:
    """Return the scope of the system's own work, which sees everything; it must say why.

    Raises :class:`ValueError` without a reason.
    """
    if not reason.strip():
        raise ValueError("A system scope needs a reason.")
    return Scope(
        principal=SYSTEM,
        rights=frozenset(Right),
        reason=reason,
        unrestricted=True,
    )


def held_rights(scope: Scope) -> Mapping[int, frozenset[Right]]:
    """Return the rights per department as a mapping, for a page that explains them."""
    return dict(scope.department_rights)
