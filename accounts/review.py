"""The regular review of who may still do what (ISO 27001, A.5.18), and who answers for a department."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.holding import memberships_in
from accounts.labels import name_of
from accounts.models import Department, Membership
from accounts.roles import POWERS, Capability, cleared_by


@dataclass(frozen=True, slots=True)
class Line:
    """One role of one person in one department, as it stands now."""

    membership: Membership
    department: Department

    def values(self, moment: Callable[[datetime | None], str]) -> list[Any]:
        """Return the cells, in the reader's language and zone."""
        row = self.membership
        return [
            row.user.get_username(),
            row.user.label,
            row.user.email,
            _("yes") if row.user.is_active else _("no"),
            moment(row.user.last_login),
            self.department.site.name,
            self.department.label,
            row.group.label if row.group else "",
            row.get_role_display(),
            ", ".join(name_of(label) for label in sorted(cleared_by(row.role, row.clears))),
            moment(row.valid_from),
            moment(row.valid_until),
            row.made_by.label if row.made_by else str(row.given_by or ""),
            _("yes") if row.is_active_at(timezone.now()) and row.user.is_active else _("no"),
        ]


def headings() -> list[str]:
    """Return the names of the columns."""
    return [
        _("Account"),
        _("Name"),
        _("E-mail"),
        _("Account active"),
        _("Last sign-in"),
        _("Site"),
        _("Department"),
        _("By the group"),
        _("Role"),
        _("Cleared for"),
        _("Since"),
        _("Until"),
        _("Given by"),
        _("Holds now"),
    ]


def reviewed() -> Iterator[Line]:
    """Yield every membership by person and department, those of groups once for each department; ended ones too."""
    departments = {row.pk: row for row in Department.objects.select_related("site")}
    rows = Membership.objects.by_place().select_related("user", "group", "given_by", "made_by")
    for row in rows.order_by("user__username", "pk", "place").iterator(chunk_size=500):
        department = departments.get(row.place)
        if department is not None:
            yield Line(row, department)


def headed_departments() -> frozenset[int]:
    """Return the departments (by primary key) that somebody heads now."""
    return frozenset(_heads().values_list("place", flat=True))


def without_head(department_ids: Iterable[int]) -> list[Department]:
    """Return those of these departments that work and that nobody heads now."""
    rows = Department.objects.active().filter(pk__in=list(department_ids)).exclude(pk__in=headed_departments())
    return list(rows.order_by("name"))


def _heads() -> Any:
    roles = [role for role, powers in POWERS.items() if Capability.APPROVE_ACCESS in powers.capabilities]
    return memberships_in(roles=roles)
