"""Providers and rules by state."""

from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    # Named in strings below, where the linter does not look.
    from accounts.federation.models import ClaimRule, IdentityProvider  # noqa: F401


class IdentityProviderQuerySet(models.QuerySet["IdentityProvider"]):
    """Providers by state."""

    def active(self) -> Self:
        """Providers by which somebody may come in now."""
        return self.filter(is_active=True)

    def speaking(self, protocol: str) -> Self:
        """Active providers of one protocol."""
        return self.active().filter(protocol=protocol)


class ClaimRuleQuerySet(models.QuerySet["ClaimRule"]):
    """Rules by state."""

    def active(self) -> Self:
        """Rules that give something: switched on, to a department that still works."""
        return self.filter(is_active=True, department__is_active=True)
