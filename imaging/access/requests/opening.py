"""What every decision does to one study of a request, and how a request stands after it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts import audit
from accounts import services as accounts
from accounts.actor import Actor
from accounts.models import Department, User
from imaging.access.requests import policies, selectors
from imaging.access.requests.models import AccessRequest, RequestedStudy
from imaging.access.requests.policies import Ruling
from imaging.studies import services as studies
from imaging.studies.models import Grant

_State = RequestedStudy.State


def holder_of(request: AccessRequest) -> Department:
    """To whom it is opened: the department, or the person's own place."""
    if request.for_team:
        return request.department
    return accounts.own_place_of(request.requester, site=request.department.site)


def hold(request: AccessRequest, wanted: Iterable[int]) -> None:
    """Lock what several approvals of a request write, before the first: the person, then the studies (`studies.hold`)."""
    holder_of(request)
    studies.hold(wanted)


def approve(
    item: RequestedStudy,
    ruling: Ruling,
    *,
    department: int | None,
    handling: RequestedStudy.Handling,
    actor: Actor,
    by: User | None = None,
) -> Grant:
    """Open one study as ruled, within the policy of the department that has it now; in the decision's transaction."""
    request = item.request
    policy = selectors.policy_of(selectors.owner_of(item.study))
    now = timezone.now()
    gives = policies.gives(policy, download=ruling.download and request.wants_download)
    until = policies.end_of(
        policy, hours=min(ruling.hours, request.hours), now=now, running_until=_running_until(item, now)
    )
    item.grant = studies.grant(
        item.study,
        holder=holder_of(request),
        gives=gives,
        basis=Grant.Basis.REQUEST,
        actor=actor,
        until=until,
        reason=f"{request.reason}: {request.words}".rstrip(": "),
        source=f"request:{request.pk}:{item.study_id}",
    )
    _close(item, _State.GRANTED, handling=handling, department=department, by=by, note=ruling.note, now=now)
    told = {"handling": str(handling), "gives": str(gives), "until": until, "evidence": item.evidence}
    record(audit.Action.ACCESS_APPROVED, request, actor=actor, item=item, detail=told)
    return item.grant


def deny(item: RequestedStudy, ruling: Ruling, *, department: int | None, actor: Actor, by: User) -> None:
    """Deny one study; in the decision's transaction."""
    manual = RequestedStudy.Handling.MANUAL
    _close(item, _State.DENIED, handling=manual, department=department, by=by, note=ruling.note, now=timezone.now())
    record(audit.Action.ACCESS_DENIED, item.request, actor=actor, item=item, detail={"note": ruling.note})


def close_waiting(request: AccessRequest) -> None:
    """Nobody decides any more about what still waits of a request."""
    request.studies.filter(state=_State.WAITING).update(state=_State.CLOSED, decided_at=timezone.now())


def end(items: Iterable[RequestedStudy], state: RequestedStudy.State, *, actor: Actor) -> int:
    """End what was granted, at once and at every door. How many grants were still running."""
    ended = 0
    running = list(items)
    studies.hold(item.study_id for item in running)
    for item in running:
        if item.grant is not None and studies.end_grant(item.grant, actor=actor):
            ended += 1
            RequestedStudy.objects.filter(pk=item.pk, state=_State.GRANTED).update(state=state)
    return ended


def settle(request: AccessRequest) -> bool:
    """Say of a locked request what its studies say; whether it was closed by that."""
    states = set(request.studies.values_list("state", flat=True))
    if request.state != AccessRequest.State.WAITING or _State.WAITING in states:
        return False
    request.state = _standing(states)
    request.closed_at = timezone.now()
    request.awaits_requester = False
    request.save(update_fields=["state", "closed_at", "awaits_requester"])
    return True


def _standing(states: set[str]) -> AccessRequest.State:
    if _State.GRANTED in states:
        return AccessRequest.State.GRANTED
    return AccessRequest.State.DENIED if _State.DENIED in states else AccessRequest.State.UNANSWERED


def _running_until(item: RequestedStudy, now: datetime) -> datetime | None:
    """The end of what a renewal prolongs, where it still runs."""
    if item.request.renews_id is None:
        return None
    before = RequestedStudy.objects.filter(request=item.request.renews_id, study=item.study, state=_State.GRANTED)
    until = before.filter(grant__ended_at=None).values_list("grant__until", flat=True).first()
    return until if until is not None and until > now else None


def _close(
    item: RequestedStudy,
    state: RequestedStudy.State,
    *,
    handling: RequestedStudy.Handling,
    department: int | None,
    by: User | None,
    note: str,
    now: datetime,
) -> None:
    item.state, item.handling = state, handling
    item.department_id, item.decided_by, item.decided_at, item.note = department, by, now, note
    item.save(
        update_fields=["state", "handling", "department", "decided_by", "decided_at", "note", "grant", "evidence"]
    )


def record(
    action: audit.Action,
    request: AccessRequest,
    *,
    actor: Actor,
    item: RequestedStudy | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    """Put on record what happened to a request, or to one study of it."""
    study = item.study if item is not None else request.study
    audit.record(
        action,
        actor=actor,
        subject_type="study" if study is not None else "patient",
        subject_uid=study.study_instance_uid if study is not None else str(request.patient_id),
        patient_id=request.patient.patient_id,
        issuer_of_patient_id=request.patient.issuer_of_patient_id,
        detail={"request": request.pk, "requester": request.requester.get_username(), **(detail or {})},
    )
