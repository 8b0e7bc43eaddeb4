"""What radiographers say of a patient in their room: here, begun, done, broken off, not come; and taking it back."""

import uuid
from collections.abc import Mapping
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from imaging.orders import transitions
from imaging.orders.models import ExamRequest, ScheduledStep
from imaging.orders.transitions import By
from imaging.orders.workflow import State, Step

_S = ScheduledStep.Status
#: What can be said, in the order in which it is offered.
SAID: Final = (
    *(Step.ARRIVE, Step.START, Step.COMPLETE, Step.MISS, Step.DISCONTINUE),
    *(Step.UNARRIVE, Step.REOPEN_EXAM, Step.UNMISS, Step.RESUME),
)
#: What becomes of the booked step, by what becomes of its request.
_BECOMES: Final[Mapping[str, str]] = {
    State.SCHEDULED: _S.SCHEDULED,
    State.ARRIVED: _S.ARRIVED,
    State.IN_PROGRESS: _S.STARTED,
    State.COMPLETED: _S.COMPLETED,
    State.DISCONTINUED: _S.DISCONTINUED,
    State.NO_SHOW: _S.NO_SHOW,
}


class PlaceGone(Exception):
    """The place of the booking has been given to somebody else; ``request`` is as it is now.

    Who was missed waits for another place (vetted); otherwise nothing was written.
    """

    def __init__(self, request: ExamRequest) -> None:
        """Keep what became of it."""
        super().__init__(str(request.key))
        self.request = request


def take(key: uuid.UUID, step: Step, *, by: By, reason: str, seen_version: int | None) -> ExamRequest:
    """Take a step with a request and its latest booking. Raises ``PlaceGone`` and what ``transitions.take`` raises."""
    try:
        with transaction.atomic():
            request = transitions.take(key, step, by=by, reason=reason, seen_version=seen_version)
            latest = request.steps.exclude(status=_S.CANCELLED).order_by("-id").values("pk")[:1]
            rows = ScheduledStep.objects.filter(pk__in=latest)
            rows.update(status=_BECOMES[request.state], changed_at=timezone.now())
    except IntegrityError as error:
        raise PlaceGone(_expected_again(key, step, by, seen_version)) from error
    return request


def _expected_again(key: uuid.UUID, step: Step, by: By, seen_version: int | None) -> ExamRequest:
    """The request after its place was found to be somebody else's: who is expected after all needs a new one."""
    if step is not Step.UNMISS:
        return ExamRequest.objects.get(key=key)
    return transitions.take(
        key, Step.REVIVE, by=by, seen_version=seen_version, changes={"scheduled_for": None}, detail={"place": "gone"}
    )
