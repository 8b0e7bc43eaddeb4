"""Taking a step of a request's life: the one way in which its state changes, with its record, its audit and its event."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability
from imaging.events import services as events
from imaging.events.models import Event
from imaging.orders import workflow
from imaging.orders.models import ExamRequest, RequestTransition, ScheduledStep
from imaging.orders.workflow import Side, State, Step

_LONGEST_REASON = 400


class ChangedMeanwhile(Exception):
    """Somebody else has changed the request since it was read; ``request`` is as it is now. Nothing was written."""

    def __init__(self, request: ExamRequest) -> None:
        """Keep what is there now, so that it can be shown beside what was to be done."""
        super().__init__(str(request.key))
        self.request = request


class NotAllowed(Exception):
    """The person cannot take this step in the department that it belongs to."""


@dataclass(frozen=True, slots=True)
class By:
    """Who takes a step: a person with capabilities by department, or (without ``user``) the system, which may take all."""

    actor: Actor
    user: User | None = None
    capabilities: Mapping[Capability, frozenset[int]] | None = None

    def may(self, step: Step, request: ExamRequest) -> bool:
        """Whether the step is this person's, in the department on whose side it is taken."""
        if self.user is None:
            return True
        rule = workflow.RULES[step]
        asking = rule.side is Side.REQUESTING
        department = request.requesting_department_id if asking else request.performing_department_id
        held = self.capabilities or {}
        return any(department in held.get(capability, frozenset()) for capability in rule.capabilities)

    def capabilities_in(self, department_id: int | None) -> frozenset[Capability]:
        """What this person can do in one department."""
        held = self.capabilities or {}
        return frozenset(capability for capability, places in held.items() if department_id in places)


def offered(request: ExamRequest, by: By) -> tuple[Step, ...]:
    """What this person may do with the request now."""
    return workflow.offered(
        State(request.state),
        asking=by.capabilities_in(request.requesting_department_id),
        doing=by.capabilities_in(request.performing_department_id),
        needs_vetting=needs_vetting(request),
    )


def needs_vetting(request: ExamRequest) -> bool:
    """Whether the procedure asked for is vetted before it is booked."""
    return request.procedure is None or request.procedure.needs_vetting


@transaction.atomic
def take(
    key: uuid.UUID,
    step: Step,
    *,
    by: By,
    reason: str = "",
    seen_version: int | None = None,
    changes: Mapping[str, Any] | None = None,
    detail: Mapping[str, Any] | None = None,
) -> ExamRequest:
    """Take ``step`` with the request, write ``changes`` into its columns, and tell who listens. The request as it is then.

    ``seen_version`` is the version that the person looked at. ``detail`` is told in the request's history; both it and the audit
    carry no name of the patient. Raises ``ChangedMeanwhile``, ``NotAllowed``, ``workflow.TransitionRefused`` and
    ``workflow.ReasonMissing``: then nothing was written.
    """
    request = locked(key)
    if seen_version is not None and seen_version != request.version:
        raise ChangedMeanwhile(request)
    if not by.may(step, request):
        raise NotAllowed(step)
    before = State(request.state)
    after = workflow.reached(
        step,
        before,
        reason=reason,
        needs_vetting=needs_vetting(request),
        came_from=came_from(request) if workflow.RULES[step].goes_back_to else None,
    )
    now = timezone.now()
    request.state = after
    column = workflow.REACHED_AT.get(after)
    # What is taken back was never left: who waits has waited since then.
    if column and not (step in workflow.TAKE_BACK and getattr(request, column)):
        setattr(request, column, now)
    if after not in {*workflow.ENDED, State.NO_SHOW}:
        request.ended_at, request.ended_reason = None, ""
    elif after is not State.ACKNOWLEDGED:
        request.ended_reason = reason[:_LONGEST_REASON]
    for name, value in (changes or {}).items():
        setattr(request, name, value)
    request.version += 1
    request.save()
    if after is State.CANCELLED:
        held = ScheduledStep.objects.filter(request=request, status__in=ScheduledStep.LIVE)
        held.update(status=ScheduledStep.Status.CANCELLED, changed_at=now)
    record(request, step.value, before=before, by=by, reason=reason, detail=detail)
    return request


def came_from(request: ExamRequest) -> State | None:
    """The state in which a request was before it came where it stands; None for one that has not moved yet."""
    moves = request.transitions.exclude(from_state=F("to_state")).filter(to_state=request.state)
    name = moves.order_by("-pk").values_list("from_state", flat=True).first()
    return State(name) if name in set(State) else None


def locked(key: uuid.UUID) -> ExamRequest:
    """The request, held until the transaction ends. Raises ``ExamRequest.DoesNotExist``."""
    rows = ExamRequest.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("procedure", "patient", "requesting_department", "performing_department").get(key=key)


def record(
    request: ExamRequest,
    name: str,
    *,
    before: State,
    by: By,
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Write down what happened to a request, in its history and in the audit, and tell who listens; in the caller's transaction."""
    RequestTransition.objects.create(
        request=request,
        name=name,
        from_state=before,
        to_state=request.state,
        actor_name=(by.actor.name or by.actor.id)[:150],
        user=by.user,
        at=timezone.now(),
        reason=reason[:_LONGEST_REASON],
        detail=dict(detail or {}),
    )
    patient = request.patient
    audit.record(
        audit.Action.REQUEST_CHANGED,
        actor=by.actor,
        subject_type="request",
        subject_uid=str(request.key),
        patient_id=patient.patient_id if patient else request.typed_patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else request.typed_issuer,
        detail={
            "step": name,
            "from": str(before),
            "to": request.state,
            "reason": reason[:_LONGEST_REASON],
            **(detail or {}),
        },
    )
    events.append(kind=Event.Kind.REQUEST_CHANGED, subject_uid=str(request.key))
