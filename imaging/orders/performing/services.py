"""Writing down what machines report of exams, and letting their requests follow (IHE RAD-6 and RAD-7).

What a machine says is kept whatever the request thinks of it: somebody may have finished the exam by hand, another report may
have come first, the step may be unknown. A request that cannot follow stays where it is, and the audit says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.events import services as events
from imaging.events.models import Event
from imaging.orders import transitions
from imaging.orders.models import ExamRequest, PerformedStep, ScheduledStep
from imaging.orders.performing import mpps, selectors
from imaging.orders.performing.mpps import State
from imaging.orders.performing.stations import Station
from imaging.orders.transitions import By
from imaging.orders.workflow import Step, TransitionRefused

_S = ScheduledStep.Status
#: What becomes of the booked step when its request takes a step.
_FOLLOWS: Final[Mapping[Step, str]] = {
    Step.START: _S.STARTED,
    Step.UNSTART: _S.ARRIVED,
    Step.COMPLETE: _S.COMPLETED,
    Step.DISCONTINUE: _S.DISCONTINUED,
}
_BROKEN_OFF: Final = "broken off at the machine"
_WRONG_ENTRY: Final = "another patient's line of the worklist was picked at the machine"


class Duplicate(Exception):
    """A report with this UID is kept already."""


class Unknown(Exception):
    """There is no report with this UID that the machine began."""


class Ended(Exception):
    """The exam was completed or broken off: its report may no longer be changed."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Who reports: the actor, the station that it is, and in which time zone it tells times."""

    actor: Actor
    station: Station
    zone: tzinfo


@transaction.atomic
def begin(sop_instance_uid: str, told: Mapping[str, Any], *, by: Machine) -> PerformedStep:
    """Keep the report of an exam that begins (N-CREATE), and start its requests.

    Raises ``mpps.NotAcceptable`` and ``Duplicate``: then nothing was written.
    """
    record = mpps.cleaned(dict(told))
    mpps.check_creation(record)
    named = mpps.named(record)
    steps = selectors.steps_named(named, station=by.station, patient_id=mpps.patient_id(record))
    row = PerformedStep(
        sop_instance_uid=sop_instance_uid,
        sender=by.station.ae_title[:16],
        step=steps[0] if steps else None,
        told_step_id=named[0].step_id,
        accession_number=named[0].accession_number,
        study_instance_uid=named[0].study_instance_uid,
        patient_id=mpps.patient_id(record),
        modality=mpps.modality(record),
        attributes=record,
        started_at=mpps.started(record, by.zone),
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Duplicate(sop_instance_uid) from error
    _record(row, steps, by, followed=[_follow(step, Step.START, by) for step in steps])
    return row


@transaction.atomic
def change(sop_instance_uid: str, told: Mapping[str, Any], *, by: Machine) -> list[int]:
    """Keep what a machine adds to its report (N-SET), and let the requests follow when the exam ends.

    The attributes (as numbers) that it would have changed and may not. Raises ``mpps.NotAcceptable``, ``Unknown`` and ``Ended``:
    then nothing was written.
    """
    rows = PerformedStep.objects.select_for_update(of=("self",), no_key=True)
    row = rows.filter(sop_instance_uid=sop_instance_uid, sender=by.station.ae_title[:16]).first()
    if row is None:
        raise Unknown(sop_instance_uid)
    if row.state != PerformedStep.State.IN_PROGRESS:
        raise Ended(sop_instance_uid)
    record = mpps.cleaned(dict(told))
    held = mpps.check_change(record, row.attributes, has_images=selectors.has_images(row.study_instance_uid))
    unchanged = mpps.refused(record, row.attributes)
    row.attributes = held
    row.state = mpps.state_of(held).value
    if row.state == PerformedStep.State.DISCONTINUED:
        row.discontinuation_code, row.discontinuation_reason = mpps.discontinuation(held)
    if row.state != PerformedStep.State.IN_PROGRESS:
        row.ended_at = mpps.ended(held, by.zone)
    row.save()
    if row.state != PerformedStep.State.IN_PROGRESS:
        _end(row, by)
    return unchanged


def _end(row: PerformedStep, by: Machine) -> None:
    steps = selectors.steps_named(mpps.named(row.attributes), station=by.station, patient_id=row.patient_id)
    followed = []
    for step in steps:
        taken = _step_at_end(row, step)
        if taken is not None:
            followed.append(_follow(step, taken, by, reason=_reason(row)))
    _record(row, steps, by, followed=followed)
    settle_as_told(row.study_instance_uid)


def _step_at_end(row: PerformedStep, step: ScheduledStep) -> Step | None:
    """What the end of one report means for a request: nothing while another machine, or another try, goes on."""
    others = PerformedStep.objects.filter(step=step).exclude(pk=row.pk)
    if others.filter(state=PerformedStep.State.IN_PROGRESS).exists():
        return None
    if State(row.state) is State.COMPLETED or others.filter(state=PerformedStep.State.COMPLETED).exists():
        return Step.COMPLETE
    return Step.UNSTART if row.discontinuation_code == mpps.WRONG_ENTRY else Step.DISCONTINUE


def _reason(row: PerformedStep) -> str:
    if State(row.state) is not State.DISCONTINUED:
        return ""
    if row.discontinuation_code == mpps.WRONG_ENTRY:
        return _WRONG_ENTRY
    told = " ".join(filter(None, (row.discontinuation_code, row.discontinuation_reason)))
    return f"{_BROKEN_OFF}: {told}" if told else _BROKEN_OFF


def _follow(step: ScheduledStep, taken: Step, by: Machine, *, reason: str = "") -> dict[str, Any]:
    """Take a step of the request, if it stands where that can be taken; what became of it, for the audit."""
    request = step.request
    told = {"request": str(request.key), "step": taken.value}
    try:
        with transaction.atomic():
            transitions.take(
                request.key,
                taken,
                by=By(by.actor),
                reason=reason,
                detail={"station": by.station.ae_title, "told": "MPPS"},
            )
            ScheduledStep.objects.filter(pk=step.pk).update(status=_FOLLOWS[taken], changed_at=timezone.now())
    except (TransitionRefused, ExamRequest.DoesNotExist) as error:
        return {**told, "taken": False, "stands": str(getattr(error, "state", "gone"))}
    return {**told, "taken": True}


def settle_as_told(study_instance_uid: str) -> bool:
    """Let a study count as complete at once when its machine says so and everything that it made is here."""
    if not study_instance_uid or not selectors.is_whole(study_instance_uid):
        return False
    return events.hasten(kind=Event.Kind.STUDY_SETTLED, subject_uid=study_instance_uid)


@transaction.atomic
def mend(performed: int, *, actor: Actor, reason: str) -> PerformedStep | None:
    """Note that a person has put right what a report had left wrong, and how; None when somebody has already."""
    rows = PerformedStep.objects.select_for_update(of=("self",), no_key=True)
    row = rows.filter(pk=performed, mended_at=None).first()
    if row is None:
        return None
    row.mended_at, row.mended_by = timezone.now(), (actor.name or actor.id)[:150]
    row.mended_reason = reason.strip()[:200]
    row.save(update_fields=["mended_at", "mended_by", "mended_reason", "changed_at"])
    audit.record(
        audit.Action.STEP_REPORTED,
        actor=actor,
        subject_type="performed step",
        subject_uid=row.sop_instance_uid,
        detail={"put right": row.mended_reason},
    )
    return row


def _record(row: PerformedStep, steps: Sequence[ScheduledStep], by: Machine, *, followed: list[dict[str, Any]]) -> None:
    patient = steps[0].request.patient if steps else None
    audit.record(
        audit.Action.STEP_REPORTED,
        actor=by.actor,
        subject_type="performed step",
        subject_uid=row.sop_instance_uid,
        patient_id=patient.patient_id if patient else row.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail={
            "state": str(row.state),
            "study": row.study_instance_uid,
            "known": bool(steps),
            "requests": followed,
            **({"reason": row.discontinuation_code} if row.discontinuation_code else {}),
        },
    )
