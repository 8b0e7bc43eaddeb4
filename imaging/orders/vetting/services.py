"""Deciding about a request: with a protocol, with a question, with a reason, or as another exam."""

import uuid
from typing import Final

from django.db import transaction

from accounts.roles import Capability
from imaging.orders import transitions
from imaging.orders.models import ExamRequest, Procedure, Sides
from imaging.orders.requesting.policies import Asker
from imaging.orders.transitions import ChangedMeanwhile, NotAllowed
from imaging.orders.workflow import State, Step, TransitionRefused

LONGEST_PROTOCOL: Final = 4000
#: What is vetted is vetted as one exam: that is taken back first. Once booked, another exam is another request.
EXCHANGEABLE: Final = frozenset({State.REQUESTED, State.RETURNED})


class SideMissing(ValueError):
    """The exam is of a side, and none that suits was named. Nothing was written."""


class ExamMissing(ValueError):
    """No exam that is offered was named. Nothing was written."""


def decide(person: Asker, key: uuid.UUID, step: Step, *, text: str, seen_version: int) -> ExamRequest:
    """Vet with the protocol, return with the question, refuse with the reason, or take that back.

    Raises what ``transitions.take`` raises: then nothing was written.
    """
    changes = {"protocol": text[:LONGEST_PROTOCOL], "vetted_by": person.user} if step is Step.VET else {}
    reason = text if step in {Step.RETURN, Step.REFUSE} else ""
    return transitions.take(key, step, by=person.by, reason=reason, seen_version=seen_version, changes=changes)


@transaction.atomic
def exchange(
    person: Asker, key: uuid.UUID, procedure: Procedure, *, laterality: str, why: str, seen_version: int
) -> ExamRequest:
    """Let the request ask for another exam, which is vetted next; who asked sees it in the history, with why.

    Raises ``SideMissing``, ``ChangedMeanwhile``, ``NotAllowed`` and ``TransitionRefused``: then nothing was written.
    """
    request = transitions.locked(key)
    places = person.capabilities.get(Capability.VET_REQUEST, frozenset())
    if request.performing_department_id not in places:
        raise NotAllowed(key)
    if seen_version != request.version:
        raise ChangedMeanwhile(request)
    if request.state not in EXCHANGEABLE:
        raise TransitionRefused(Step.VET, State(request.state))
    before = request.procedure
    request.procedure, request.laterality = procedure, _side(procedure, laterality)
    request.protocol = ""
    request.version += 1
    request.save()
    detail = {"from": before.code if before else "", "to": procedure.code, "side": request.laterality}
    transitions.record(request, "exchange", before=State(request.state), by=person.by, reason=why, detail=detail)
    return request


def _side(procedure: Procedure, laterality: str) -> str:
    if procedure.sides == Sides.NONE:
        return ""
    allowed = {"L", "R"} if procedure.sides == Sides.ONE else set(ExamRequest.Laterality.values)
    if laterality not in allowed:
        raise SideMissing(procedure.code)
    return laterality
