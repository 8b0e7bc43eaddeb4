"""What radiographers say of a patient in their room: here, begun, done, broken off, not come; and taking it back."""

import uuid
from collections.abc import Mapping
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from imaging.orders import transitions
from imaging.orders.models import ScheduledStep
from imaging.orders.transitions import By
from imaging.orders.workflow import Step

_S = ScheduledStep.Status
#: What becomes of the booked step.
FOLLOWS: Final[Mapping[Step, str]] = {
    Step.ARRIVE: _S.ARRIVED,
    Step.UNARRIVE: _S.SCHEDULED,
    Step.START: _S.STARTED,
    Step.COMPLETE: _S.COMPLETED,
    Step.REOPEN_EXAM: _S.STARTED,
    Step.DISCONTINUE: _S.DISCONTINUED,
    Step.MISS: _S.NO_SHOW,
}


class PlaceGone(Exception):
    """The place of the booking has been given to somebody else: it has to be booked anew. Nothing was written."""


def take(key: uuid.UUID, step: Step, *, by: By, reason: str, seen_version: int | None) -> None:
    """Take a step with a request and its latest booking. Raises ``PlaceGone`` and what ``transitions.take`` raises."""
    try:
        with transaction.atomic():
            request = transitions.take(key, step, by=by, reason=reason, seen_version=seen_version)
            latest = request.steps.exclude(status=_S.CANCELLED).order_by("-id").values("pk")[:1]
            ScheduledStep.objects.filter(pk__in=latest).update(status=FOLLOWS[step], changed_at=timezone.now())
    except IntegrityError as error:
        raise PlaceGone(str(key)) from error
