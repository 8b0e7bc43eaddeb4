"""States of memberships and keys, as words to filter by; and the one way from memberships to departments."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

if TYPE_CHECKING:
    # Named in strings below, where the linter does not look.
    from accounts.models import Department, MachineKey, Membership, SetupLink  # noqa: F401

__all__ = ["DepartmentManager", "DepartmentQuerySet", "MachineKeyQuerySet", "MembershipQuerySet", "SetupLinkQuerySet"]


class DepartmentQuerySet(models.QuerySet["Department"]):
    """Departments by state."""

    def active(self) -> Self:
        """Departments that still work."""
        return self.filter(is_active=True)


_Departments = models.Manager.from_queryset(DepartmentQuerySet)


class DepartmentManager(_Departments["Department"]):
    """The departments of the hospital: without the places of single persons."""

    def get_queryset(self) -> DepartmentQuerySet:
        """Leave the personal places out."""
        return DepartmentQuerySet(self.model, using=self._db).filter(is_personal=False)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships by time."""

    def active_at(self, moment: datetime) -> Self:
        """Memberships that hold at ``moment``; the end itself is outside."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=moment), valid_from__lte=moment)

    def active(self) -> Self:
        """Memberships that hold now."""
        return self.active_at(timezone.now())

    def by_place(self) -> Any:
        """One row per membership and department in which it holds, as ``place``, ``place_code`` and ``place_is_active``.

        That is its department, or each of its group. Everything that asks who is what where begins here.
        """
        # Untyped on purpose: what is annotated is declared on the model, for those who read it.
        rows: Any = self
        return rows.annotate(
            place=Coalesce("department_id", F("group__departments")),
            place_code=Coalesce("department__code", F("group__departments__code")),
            place_is_active=Coalesce("department__is_active", F("group__departments__is_active")),
        ).filter(place__isnull=False)

    def held_at(self, moment: datetime) -> Any:
        """What gives something at ``moment``, by place: of departments that are switched off, nothing."""
        return self.active_at(moment).by_place().filter(place_is_active=True)


class MachineKeyQuerySet(models.QuerySet["MachineKey"]):
    """Machine keys by state."""

    def usable_at(self, moment: datetime) -> Self:
        """Keys neither revoked nor expired at ``moment``."""
        return self.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=moment), revoked_at__isnull=True)


class SetupLinkQuerySet(models.QuerySet["SetupLink"]):
    """Set-up links by state."""

    def usable_at(self, moment: datetime) -> Self:
        """Links neither used nor expired at ``moment``."""
        return self.filter(used_at__isnull=True, expires_at__gt=moment)
