"""Emergency accesses by what is the matter with them."""

from datetime import datetime
from typing import Self, TypeVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

ModelT = TypeVar("ModelT", bound=models.Model)

#: Verdicts after which nobody needs to look again.
FINAL = ("justified", "not_justified")


class EmergencyQuerySet(models.QuerySet[ModelT]):
    """Emergency accesses."""

    def active(self) -> Self:
        """Those by which a record is open now."""
        return self.filter(ended_at=None, until__gt=timezone.now())

    def run_out(self) -> Self:
        """Those whose time is over, and of which nobody has written so yet."""
        return self.filter(ended_at=None, until__lte=timezone.now())

    def to_review(self) -> Self:
        """Those that wait for a final verdict."""
        return self.exclude(verdict__in=FINAL)

    def overdue(self, at: datetime) -> Self:
        """Those that have waited for too long."""
        return self.to_review().filter(review_due_at__lte=at)

    def reviewable_by(self, user_id: int) -> Self:
        """Those that this person may judge: nobody judges their own."""
        return self.filter(~Q(user_id=user_id))
