"""Conditions on shares."""

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone


class ShareQuerySet(models.QuerySet[Any]):
    """Shares, by where they stand at this moment."""

    def standing(self) -> Self:
        """Those that open something now."""
        now = timezone.now()
        return self.filter(state="open", valid_from__lte=now, valid_until__gt=now)

    def ended(self) -> Self:
        """Those that will open nothing any more."""
        return self.filter(Q(state__in=["refused", "revoked", "locked"]) | Q(valid_until__lte=timezone.now()))
