"""Booking places in rooms: the database refuses the second of two who want the same, and the second is told."""

import datetime as dt
import secrets
import string
import uuid
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from imaging.orders import transitions
from imaging.orders.models import ExamRequest, Priority, Room, ScheduledStep
from imaging.orders.scheduling import selectors
from imaging.orders.scheduling.places import Span, is_open
from imaging.orders.transitions import By
from imaging.orders.workflow import State, Step

_LETTERS: Final = string.digits + string.ascii_uppercase
_DIGITS: Final = 13


class Taken(Exception):
    """The place is booked; ``steps`` are those in the way. Nothing was written."""

    def __init__(self, steps: list[ScheduledStep]) -> None:
        """Keep what stands there."""
        super().__init__([step.step_id for step in steps])
        self.steps = steps


class Closed(Exception):
    """The room is closed or down then; only a STAT exam is booked all the same, with a reason. Nothing was written."""


class NotSuited(Exception):
    """The exam cannot be done in the room. Nothing was written."""


def book(
    key: uuid.UUID, room: Room, starts: dt.datetime, *, by: By, seen_version: int | None, overruling: str = ""
) -> ScheduledStep:
    """Book a place for a request, or move its booking there.

    ``overruling`` is why a STAT exam is booked although the room is closed. Raises ``Taken``, ``Closed``, ``NotSuited`` and what
    ``transitions.take`` raises: then nothing was written.
    """
    request = ExamRequest.objects.select_related("procedure").get(key=key)
    span = Span(starts, starts + selectors.length_of(request))
    try:
        with transaction.atomic():
            return _booked(request, room, span, by, seen_version, overruling.strip())
    except IntegrityError as error:
        raise Taken([step for step in selectors.booked(room, span) if step.request_id != request.pk]) from error


def _booked(
    request: ExamRequest, room: Room, span: Span, by: By, seen_version: int | None, overruling: str
) -> ScheduledStep:
    held = transitions.locked(request.key)
    if not room.is_active or not selectors.suits(room, held):
        raise NotSuited(room.code)
    day = span.starts.astimezone(room.department.site.zone).date()
    is_closed = not is_open(span, selectors.opened(room, day)) or bool(selectors.downtimes(room, span))
    if is_closed and not (held.priority == Priority.STAT and overruling):
        raise Closed(room.code)
    moves = held.state in {State.SCHEDULED, State.ARRIVED}
    transitions.take(
        held.key,
        Step.RESCHEDULE if moves else Step.SCHEDULE,
        by=by,
        reason=overruling if is_closed else "",
        seen_version=seen_version,
        changes={"scheduled_for": span.starts},
        detail={"room": room.code, "starts": span.starts.isoformat()},
    )
    step = ScheduledStep.objects.filter(request=held, status__in=ScheduledStep.LIVE).select_for_update().first()
    if step is None:
        step = ScheduledStep(request=held, step_id=_new_step_id(), booked_by=by.user)
    else:
        step.version += 1
    step.room, step.starts_at, step.ends_at = room, span.starts, span.ends
    step.modality = held.procedure.modality if held.procedure else room.modalities[0]
    step.station_ae_title = room.station.ae_title if room.station else ""
    step.status = ScheduledStep.Status.SCHEDULED
    step.save()
    return step


@transaction.atomic
def unbook(key: uuid.UUID, *, by: By, seen_version: int | None) -> None:
    """Give a place back. Raises what ``transitions.take`` raises."""
    request = transitions.take(key, Step.UNSCHEDULE, by=by, seen_version=seen_version, changes={"scheduled_for": None})
    rows = ScheduledStep.objects.filter(request=request, status__in=ScheduledStep.LIVE)
    rows.update(status=ScheduledStep.Status.CANCELLED, changed_at=timezone.now())


def _new_step_id() -> str:
    """16 letters that no other step has (0040,0009 is an SH); chance keeps two servers apart."""
    return "SPS" + "".join(secrets.choice(_LETTERS) for _ in range(_DIGITS))
