"""What time does to requests: reminders, deputies, closing what nobody answers, warning before the end, and the end."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import audit
from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.roles import Capability
from imaging.access.requests import notices, opening, policies, selectors
from imaging.access.requests.models import AccessPolicy, AccessRequest, RequestedStudy
from imaging.studies import services as studies
from imaging.studies.models import Grant, PatientChoice, Placement, Study
from imaging.studies.oppositions import is_opposed

#: Rows that one turn looks at: the rest have theirs in a few minutes.
_AT_ONCE: Final = 500
_Waiting: Final = AccessRequest.State.WAITING
_State = RequestedStudy.State


def tend() -> None:
    """Do all that is due."""
    _tend_waiting(timezone.now())
    _tell_of_ends(timezone.now())
    _note_ends(timezone.now())


def _tend_waiting(now: datetime) -> None:
    known = selectors.policies()
    shortest = min(policy.remind_hours for policy in known.values())
    old = AccessRequest.objects.filter(state=_Waiting, asked_at__lte=now - timedelta(hours=shortest))
    strange = RequestedStudy.objects.filter(state=_State.WAITING).exclude(study__patient=F("request__patient"))
    moved = AccessRequest.objects.filter(state=_Waiting, pk__in=strange.values("request"))
    for pk in dict.fromkeys(
        (*old.values_list("pk", flat=True)[:_AT_ONCE], *moved.values_list("pk", flat=True)[:_AT_ONCE])
    ):
        with transaction.atomic():
            rows = AccessRequest.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
            request = rows.select_related("requester", "department", "patient", "study").filter(pk=pk).first()
            if request is not None and request.state == _Waiting:
                _tend_one(request, now, known)


def _tend_one(request: AccessRequest, now: datetime, known: Mapping[int | None, AccessPolicy]) -> None:
    """Close what is another patient's by now, or nobody's; then look at the clock."""
    strangers = request.studies.filter(state=_State.WAITING).exclude(study__patient=request.patient_id)
    strangers.update(state=_State.CLOSED, decided_at=now)
    if not _may_ask(request):
        opening.close_waiting(request)
    if opening.settle(request):
        notices.tell(request, notices.DECIDED)
        return
    waiting = list(request.studies.filter(state=_State.WAITING).values_list("study_id", flat=True))
    owners = selectors.owners_of(waiting)
    ruling = [selectors.policy_of(owners.get(study), known) for study in waiting]
    waited = now - request.asked_at
    if waited >= timedelta(hours=max(policy.answer_hours for policy in ruling)):
        _without_answer(request, ruling, now, waited)
    elif request.reminded_at is None and waited >= timedelta(hours=min(policy.remind_hours for policy in ruling)):
        request.reminded_at = now
        request.save(update_fields=["reminded_at"])
        opening.record(audit.Action.ACCESS_REMINDED, request, actor=SYSTEM)
        asks_back = request.awaits_requester
        notices.tell(request, notices.ASKED_BACK if asks_back else notices.REMINDED)


def _may_ask(request: AccessRequest) -> bool:
    held = accounts.capabilities_by_department(request.requester).get(Capability.REQUEST_ACCESS, frozenset())
    return request.department_id in held


def _without_answer(request: AccessRequest, ruling: list[AccessPolicy], now: datetime, waited: timedelta) -> None:
    """Pass it on where a policy says so, for as long again; else close it."""
    passes_on = any(policy.unanswered == AccessPolicy.Unanswered.DEPUTY and policy.deputy_id for policy in ruling)
    if passes_on and request.escalated_at is None:
        request.escalated_at = now
        request.save(update_fields=["escalated_at"])
        opening.record(audit.Action.ACCESS_REMINDED, request, actor=SYSTEM, detail={"passed_on": True})
        notices.tell(request, notices.ESCALATED)
        return
    if passes_on and waited < timedelta(hours=2 * max(policy.answer_hours for policy in ruling)):
        return
    opening.close_waiting(request)
    opening.settle(request)
    opening.record(audit.Action.ACCESS_UNANSWERED, request, actor=SYSTEM)
    notices.tell(request, notices.UNANSWERED)


def _tell_of_ends(now: datetime) -> None:
    """Tell a day before, once; not of what was short from the beginning, nor of what was prolonged meanwhile."""
    ends = selectors.running().filter(
        expiry_told_at=None,
        grant__until__lte=now + policies.BEFORE_END,
        grant__until__gt=F("grant__granted_at") + policies.SHORT,
    )
    found: dict[int, list[int]] = {}
    for pk, key in ends.values_list("pk", "request_id")[:_AT_ONCE]:
        found.setdefault(key, []).append(pk)
    for request in AccessRequest.objects.filter(pk__in=found):
        with transaction.atomic():
            told = RequestedStudy.objects.filter(pk__in=found[request.pk], expiry_told_at=None)
            if told.update(expiry_told_at=now) and not _is_prolonged(request):
                notices.tell(request, notices.ENDING)


def _is_prolonged(request: AccessRequest) -> bool:
    granted = AccessRequest.State.GRANTED
    return request.renewals.filter(Q(state=_Waiting) | Q(state=granted)).exists()


def _note_ends(now: datetime) -> None:
    """Put on record what has ended by time: the doors have been closed since that moment."""
    over = RequestedStudy.objects.filter(state=_State.GRANTED, grant__ended_at=None, grant__until__lte=now)
    rows = over.select_related("study", "request__requester", "request__study", "request__patient", "grant")
    for item in rows.order_by("pk")[:_AT_ONCE]:
        with transaction.atomic():
            ended = RequestedStudy.objects.filter(pk=item.pk, state=_State.GRANTED).update(state=_State.EXPIRED)
            if ended:
                until = item.grant.until if item.grant else None
                detail = {"until": until}
                opening.record(audit.Action.ACCESS_EXPIRED, item.request, actor=SYSTEM, item=item, detail=detail)


def follow(study_instance_uid: str) -> int:
    """Open a study that has arrived to who was granted the patient by the department that made it. How many grants."""
    rows = Study.objects.filter(study_instance_uid=study_instance_uid, sensitivity="").select_related("patient")
    study = rows.first()
    if study is None or is_opposed(study.patient, PatientChoice.Use.DEPARTMENTS):
        return 0
    owner = selectors.owner_of(study)
    made = 0
    for item in _granted_by(owner, study):
        with transaction.atomic():
            made += _follow_one(item, study)
    return made


def _granted_by(owner: int | None, study: Study) -> Iterable[RequestedStudy]:
    """What the same department decided in favour of the whole patient, and holds; one for each request."""
    here = Placement.objects.live().filter(kind=Placement.Kind.OWNER, department=owner, department__isnull=False)
    rows = selectors.running().filter(
        request__patient=study.patient_id, request__study=None, study__in=here.values("study")
    )
    rows = rows.exclude(request__studies__study=study).select_related("request__requester", "grant")
    return rows.order_by("request_id", "pk").distinct("request_id")


def _follow_one(item: RequestedStudy, study: Study) -> bool:
    rows = AccessRequest.objects.select_for_update(of=("self",), no_key=True)
    request = rows.select_related("requester", "department__site", "patient").get(pk=item.request_id)
    held = selectors.running().filter(pk=item.pk).select_related("grant").first()
    is_known = request.studies.filter(study=study).exists()
    if held is None or held.grant is None or is_known or not _may_ask(request):
        return False
    opened = RequestedStudy(
        request=request,
        study=study,
        state=_State.GRANTED,
        handling=held.handling,
        evidence=held.evidence,
        department_id=held.department_id,
        decided_by_id=held.decided_by_id,
        decided_at=timezone.now(),
    )
    opened.grant = studies.grant(
        study,
        holder=opening.holder_of(request),
        gives=Grant.Gives(held.grant.gives),
        basis=Grant.Basis.REQUEST,
        actor=SYSTEM,
        until=held.grant.until,
        reason=held.grant.reason,
        source=f"request:{request.pk}:{study.pk}",
    )
    opened.save()
    detail = {"handling": str(held.handling), "until": held.grant.until, "follows": held.study_id}
    opening.record(audit.Action.ACCESS_APPROVED, request, actor=SYSTEM, item=opened, detail=detail)
    return True
