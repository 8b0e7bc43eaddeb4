"""Study lists that people keep: for themselves, for a department of theirs, or for everybody with a role.

A saved list gives no right: whoever opens it sees there what their own scope shows. Anybody who may list a department's
studies may give it a list; lists of a role are for people who manage departments. What was given to a department is changed
and deleted by its owner, while a member, and by who manages the department; what was given to a role by who manages any.
"""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, Q, QuerySet

from accounts import audit
from accounts.actor import Actor
from accounts.models import Department, User
from accounts.roles import Capability, Right, Role, capabilities_of
from accounts.scope import Scope
from accounts.selectors import roles_by_department
from imaging.studies.models import SavedList

#: More than anybody finds again.
MOST_OF_ONE_PERSON = 100
_MOST_SHOWN = 200
_MANAGE = Capability.MANAGE_DEPARTMENT

Audience = SavedList.Audience


class ListRefused(ValueError):
    """The list cannot be kept like that; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ListNotFound(LookupError):
    """There is no such list for this reader, or it is not theirs to change: one answer for both."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """For whom a list is kept. `department` and `role` only with their audience."""

    audience: str = Audience.MINE
    department: Department | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Powers:
    """What one reader may do with saved lists: asked once per request."""

    user: User
    departments: frozenset[int]
    roles: frozenset[str]
    managed: frozenset[int]
    #: Of which list the lists are: of studies, or of studies to be read.
    of: str = SavedList.Of.STUDIES

    def may_change(self, kept: SavedList) -> bool:
        """Whether the reader may rename, move and delete this list."""
        is_own = kept.owner_id == self.user.pk
        if kept.audience == Audience.DEPARTMENT:
            # Who has left the department decides no more what its readers find.
            return kept.department_id in self.managed or (is_own and kept.department_id in self.departments)
        if kept.audience == Audience.ROLE:
            return bool(self.managed)
        return is_own

    def may_give(self, recipient: Recipient) -> bool:
        """Whether the reader may keep a list for this recipient."""
        if recipient.audience == Audience.MINE:
            return True
        if recipient.audience == Audience.DEPARTMENT:
            return recipient.department is not None and recipient.department.pk in self.departments
        return recipient.audience == Audience.ROLE and recipient.role in Role.values and bool(self.managed)


def powers_of(user: User, scope: Scope, of: str = SavedList.Of.STUDIES) -> Powers:
    """What this reader may do with saved lists. One query."""
    held = roles_by_department(user)
    managing = [departments for role, departments in held.items() if _MANAGE in capabilities_of(role)]
    return Powers(
        user=user,
        departments=scope.departments_with(Right.LIST),
        roles=frozenset(held),
        managed=frozenset().union(*managing),
        of=of,
    )


def lists_for(powers: Powers) -> list[SavedList]:
    """The lists that a reader finds beside the study list: own, of the departments, of the roles; each group in order."""
    return list(_readable(powers).select_related("department", "owner")[:_MOST_SHOWN])


def list_for(powers: Powers, key: str) -> SavedList:
    """One list that the reader may open. Raises ``ListNotFound``."""
    try:
        wanted = uuid.UUID(key)
    except ValueError:
        raise ListNotFound(key) from None
    found = _readable(powers).select_related("department", "owner").filter(key=wanted).first()
    if found is None:
        raise ListNotFound(key)
    return found


def _readable(powers: Powers) -> QuerySet[SavedList]:
    given = Q(audience=Audience.DEPARTMENT, department__in=powers.departments)
    given |= Q(audience=Audience.ROLE, role__in=powers.roles)
    return SavedList.objects.filter(Q(owner=powers.user) | given, of=powers.of)


@transaction.atomic
def save_list(
    powers: Powers, *, actor: Actor, name: str, query: str, columns: list[dict[str, object]], recipient: Recipient
) -> SavedList:
    """Keep a list under a name, after those that its recipient has. Raises ``ListRefused``."""
    name = _name(name)
    if not powers.may_give(recipient):
        raise ListRefused("not_given")
    if len(query) > 2000:
        raise ListRefused("too_long")
    # The owner's row is the lock: two requests at once must not pass the limit together.
    User.objects.select_for_update(no_key=True).get(pk=powers.user.pk)
    own = SavedList.objects.filter(owner=powers.user)
    if own.count() >= MOST_OF_ONE_PERSON:
        raise ListRefused("too_many")
    beside = _beside(recipient, powers.user, powers.of)
    last = beside.aggregate(last=Max("position"))["last"]
    kept = SavedList.objects.create(
        of=powers.of,
        name=name,
        query=query,
        columns=columns,
        owner=powers.user,
        audience=recipient.audience,
        department=recipient.department if recipient.audience == Audience.DEPARTMENT else None,
        role=recipient.role if recipient.audience == Audience.ROLE else "",
        position=0 if last is None else min(last + 1, 32_000),
    )
    _record(audit.Action.LIST_SAVED, kept, actor)
    return kept


@transaction.atomic
def change_list(
    powers: Powers,
    key: str,
    *,
    actor: Actor,
    name: str | None = None,
    query: str | None = None,
    columns: list[dict[str, object]] | None = None,
    recipient: Recipient | None = None,
) -> SavedList:
    """Rename a list, give it other filters, or give it to others. Raises ``ListNotFound``, ``ListRefused``."""
    kept = _changeable(powers, key)
    if name is not None:
        kept.name = _name(name)
    if query is not None:
        if len(query) > 2000:
            raise ListRefused("too_long")
        kept.query = query
    if columns is not None:
        kept.columns = columns
    if recipient is not None:
        if not powers.may_give(recipient):
            raise ListRefused("not_given")
        kept.audience = recipient.audience
        kept.department = recipient.department if recipient.audience == Audience.DEPARTMENT else None
        kept.role = recipient.role if recipient.audience == Audience.ROLE else ""
    kept.save()
    _record(audit.Action.LIST_CHANGED, kept, actor)
    return kept


@transaction.atomic
def move_list(powers: Powers, key: str, *, actor: Actor, step: int) -> SavedList:
    """Move a list one place up (-1) or down (1) within its group. Raises ``ListNotFound``."""
    kept = _changeable(powers, key)
    recipient = Recipient(kept.audience, kept.department, kept.role)
    rows = list(_beside(recipient, kept.owner, kept.of).select_for_update(of=("self",), no_key=True))
    now = next(place for place, row in enumerate(rows) if row.pk == kept.pk)
    new = min(max(now + (1 if step > 0 else -1), 0), len(rows) - 1)
    rows.insert(new, rows.pop(now))
    for position, row in enumerate(rows):
        row.position = position
    SavedList.objects.bulk_update(rows, ["position"])
    if new != now:
        _record(audit.Action.LIST_CHANGED, kept, actor)
    return kept


@transaction.atomic
def delete_list(powers: Powers, key: str, *, actor: Actor) -> SavedList:
    """Delete a list for everybody who had it, and return what it was. Raises ``ListNotFound``."""
    kept = _changeable(powers, key)
    _record(audit.Action.LIST_DELETED, kept, actor)
    SavedList.objects.filter(pk=kept.pk).delete()
    return kept


def _changeable(powers: Powers, key: str) -> SavedList:
    found = list_for(powers, key)
    kept = SavedList.objects.select_for_update(of=("self",), no_key=True).filter(pk=found.pk).first()
    if kept is None or not powers.may_change(kept):
        raise ListNotFound(key)
    return kept


def _beside(recipient: Recipient, owner: User, of: str) -> QuerySet[SavedList]:
    """The lists of the same group, in order."""
    rows = SavedList.objects.filter(of=of, audience=recipient.audience)
    if recipient.audience == Audience.DEPARTMENT:
        return rows.filter(department=recipient.department)
    if recipient.audience == Audience.ROLE:
        return rows.filter(role=recipient.role)
    return rows.filter(owner=owner)


def _name(text: str) -> str:
    """A name as it is kept: one line, without characters that cannot be seen. Raises ``ListRefused``."""
    name = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    if not name:
        raise ListRefused("no_name")
    if len(name) > 80:
        raise ListRefused("long_name")
    return name


def _record(action: audit.Action, kept: SavedList, actor: Actor) -> None:
    """Record it by name and audience; the filters may hold a patient's name and stay out of the audit."""
    audit.record(
        action,
        actor=actor,
        subject_type="saved_list",
        subject_uid=str(kept.key),
        detail={
            "name": kept.name,
            "audience": kept.audience,
            "department": kept.department.code if kept.department else "",
            "role": kept.role,
        },
    )
