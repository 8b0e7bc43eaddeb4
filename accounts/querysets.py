"""States of memberships and keys, as words to filter by."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
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


class DepartmentManager(models.Manager.from_queryset(DepartmentQuerySet)):  # type: ignore[misc]
    """The departments of the hospital: without the places of single persons."""

    def get_queryset(self) -> DepartmentQuerySet:
        """Leave the personal places out."""
        rows: DepartmentQuerySet = super().get_queryset()
        return rows.filter(is_personal=False)


class MembershipQuerySet(models.QuerySet["Membership"]):
    """Memberships by time."""

    def active_at(self, moment: datetime) -> Self:
        """Memberships that hold at ``moment``; the end itself is outside."""
        return self.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=moment), valid_from__lte=moment)

    def active(self) -> Self:
        """Memberships that hold now."""
        return self.active_at(timezone.now())


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
