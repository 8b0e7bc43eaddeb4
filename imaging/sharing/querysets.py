"""Conditions on shares."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

if TYPE_CHECKING:
    from imaging.sharing.models import Share  # noqa: F401


class ShareQuerySet(models.QuerySet["Share"]):
    """Shares, by where they stand at this moment."""

    def standing(self) -> Self:
        """Those that open something now."""
        now = timezone.now()
        return self.filter(state="open", valid_from__lte=now, valid_until__gt=now)

    def ended(self) -> Self:
        """Those that will open nothing any more."""
        return self.filter(Q(state__in=["refused", "revoked", "locked"]) | Q(valid_until__lte=timezone.now()))
