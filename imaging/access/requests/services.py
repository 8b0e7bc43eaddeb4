"""Asking, deciding, taking back: each in one transaction with its audit, each with the powers of that very moment."""

import uuid
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit, throttling
from accounts import selectors as accounts
from accounts.actor import SYSTEM, Actor
from accounts.models import User
from accounts.roles import Capability
from imaging.access.matching import Asked
from imaging.access.requests import care_relations, notices, opening, policies, questions, selectors
from imaging.access.requests.models import AccessRequest, RequestedStudy, RequestMessage
from imaging.access.requests.policies import Approver, Asker, Elsewhere, Refused, Ruling, Verdict, Wish
from imaging.studies.models import PatientChoice, Study
from imaging.studies.oppositions import is_opposed

_DAY: Final = 86_400
_State = AccessRequest.State


@dataclass(frozen=True, slots=True)
class Answer:
    """What may be told of a question: that there is something elsewhere, or nothing; or to ask again after ``wait`` seconds."""

    is_elsewhere: bool = False
    wait: int = 0
    seal: str = ""


def ask_elsewhere(person: Asker, asked: Asked) -> Answer:
    """Tell whether an exact question finds somebody outside the person's scope. Counted, and on record each time."""
    if wait := _counted(person.actor):
        return Answer(wait=wait)
    found = selectors.elsewhere(person.scope, asked)
    audit.record(
        audit.Action.EXISTENCE_ASKED,
        actor=person.actor,
        subject_type="patient",
        subject_uid=str(found.patient.pk) if found else "",
        patient_id=found.patient.patient_id if found else "",
        issuer_of_patient_id=found.patient.issuer_of_patient_id if found else "",
        detail={
            "by": asked.identifiers,
            "digest": _digest(asked),
            "answer": "elsewhere" if found else "nothing",
        },
    )
    return Answer(is_elsewhere=found is not None, seal=questions.sealed(asked, person=person.user.pk) if found else "")


def _counted(actor: Actor) -> int:
    """Seconds to wait before the next question; 0 now. Who asks too often is an alarm; when nobody counts, nobody is told."""
    minute = throttling.spend(actor, "access:exists", limit=policies.ASKED_A_MINUTE)
    day = throttling.spend(actor, "access:exists:day", limit=policies.ASKED_A_DAY, length=_DAY)
    if minute is None or day is None:
        return throttling.WINDOW
    wait = max(minute.wait, day.wait)
    if wait:
        audit.record_read(
            audit.Action.SECURITY_ALERTED,
            actor=actor,
            subject_type="user",
            subject_uid=actor.id,
            detail={"what": "existence asked too often", "a_minute": minute.limit, "a_day": day.limit},
        )
    return wait


def _digest(asked: Asked) -> str:
    """What was asked, so that the same question is recognised in the audit, and nobody reads there what was mistyped."""
    text = repr(sorted(questions.told(asked).items()))
    return salted_hmac("imaging.access.requests.digest", text, algorithm="sha256").hexdigest()[:32]


def ask(person: Asker, found: Elsewhere, asked: Asked, wish: Wish) -> AccessRequest:
    """Ask for access to what was found; the same request is not made twice. Raises ``Refused``."""
    if wish.department not in person.departments:
        raise Refused("not_your_department")
    study = None if wish.whole_patient else found.study
    wanted = found.studies if study is None else (study,)
    try:
        with transaction.atomic():
            return _made(person, found, asked, wish, study=study, wanted=wanted)
    except IntegrityError:
        known = AccessRequest.objects.filter(requester=person.user, token=wish.token).first()
        if known is None:
            raise
        return known


def _made(
    person: Asker, found: Elsewhere, asked: Asked, wish: Wish, *, study: Study | None, wanted: tuple[Study, ...]
) -> AccessRequest:
    # One's own requests are made one after the other: what waits already is found, however fast one clicks.
    User.objects.select_for_update(no_key=True).get(pk=person.user.pk)
    same = AccessRequest.objects.filter(requester=person.user, patient=found.patient, study=study)
    waits = same.filter(state=_State.WAITING, for_team=wish.for_team, department=wish.department).first()
    sent = AccessRequest.objects.filter(requester=person.user, token=wish.token).first()
    if (known := sent or waits) is not None:
        return known
    # As they are now: a study may have moved, or have been protected, since the question.
    wanted = tuple(selectors.askable(entry.pk for entry in wanted).filter(patient=found.patient))
    if not wanted:
        raise Refused("nothing")
    request = AccessRequest.objects.create(
        requester=person.user,
        department_id=wish.department,
        for_team=wish.for_team,
        patient=found.patient,
        study=study,
        asked_by=questions.told(asked),
        relation=wish.relation,
        reason=wish.reason,
        words=wish.words,
        hours=wish.hours,
        wants_download=wish.wants_download,
        token=wish.token,
    )
    opening.record(audit.Action.ACCESS_REQUESTED, request, actor=person.actor, detail=_wished(request, len(wanted)))
    _begin(request, wanted)
    return request


def _wished(request: AccessRequest, count: int) -> dict[str, object]:
    return {
        "relation": request.relation,
        "reason": request.reason,
        "words": request.words,
        "hours": request.hours,
        "download": request.wants_download,
        "department": request.department.code,
        "for_team": request.for_team,
        "studies": count,
    }


def _begin(request: AccessRequest, wanted: tuple[Study, ...]) -> None:
    """Let the rules decide what they may; tell the people who decide the rest."""
    proofs = care_relations.evidence_of(request.requester, request.department_id, request.patient)
    known = selectors.policies()
    opening.hold(request, [study.pk for study in wanted])
    owners = selectors.owners_of(study.pk for study in wanted)
    for study in wanted:
        owner = owners.get(study.pk)
        item = RequestedStudy(request=request, study=study, evidence=[entry.written() for entry in proofs])
        item.save()
        handling = policies.handling(
            selectors.policy_of(owner, known),
            request.relation,
            for_team=request.for_team,
            download=request.wants_download,
            is_proved=any(entry.proves for entry in proofs),
        )
        if handling is not RequestedStudy.Handling.MANUAL:
            ruling = Ruling(verdict=Verdict.APPROVE, hours=request.hours)
            opening.approve(item, ruling, department=owner, handling=handling, actor=SYSTEM)
    if not opening.settle(request):
        notices.tell(request, notices.ASKED)


def decide(user: User, pk: int, ruling: Ruling, *, actor: Actor) -> AccessRequest:
    """Approve or deny what this person may decide of a request now, as the studies are placed now. Raises ``Refused``."""
    with transaction.atomic():
        request = _locked(pk)
        by = selectors.approver(user, actor=actor)
        if by is None or request.requester_id == user.pk:
            raise Refused("not_yours")
        items = list(selectors.decidable(by).filter(request=request).select_related("study").order_by("pk"))
        if not items:
            raise Refused("decided" if request.state != _State.WAITING else "not_yours")
        if ruling.verdict is Verdict.APPROVE:
            _refuse_departed(request)
            if is_opposed(request.patient, PatientChoice.Use.DEPARTMENTS):
                raise Refused("opposed")
            opening.hold(request, [item.study_id for item in items])
        for item in items:
            item.request = request
            department = _speaking(by, item)
            if ruling.verdict is Verdict.APPROVE:
                manual = RequestedStudy.Handling.MANUAL
                opening.approve(item, ruling, department=department, handling=manual, actor=actor, by=user)
            else:
                opening.deny(item, ruling, department=department, actor=actor, by=user)
        opening.settle(request)
        notices.tell(request, notices.DECIDED)
        return request


def _refuse_departed(request: AccessRequest) -> None:
    """Nothing is opened to who may not ask for it any more."""
    held = accounts.capabilities_by_department(request.requester).get(Capability.REQUEST_ACCESS, frozenset())
    if request.department_id not in held:
        raise Refused("requester_gone")


def _speaking(by: Approver, item: RequestedStudy) -> int:
    """For which of the person's departments it is decided: one that has the study, else the deputy."""
    deciding = selectors.deciding_departments(item.study, escalated=item.request.escalated_at is not None)
    return min(deciding & by.departments, default=min(by.departments))


def withdraw(person: Asker, pk: int) -> AccessRequest:
    """Take a request of one's own back; what it had opened already ends too, prolonged or not. Raises ``Refused``."""
    with transaction.atomic():
        chain, request = _locked_with_others(pk)
        if request.requester_id != person.user.pk:
            raise Refused("not_yours")
        # Who takes back that they asked for longer keeps what they have.
        meant = {pk} if request.state == _State.WAITING else chain
        running = list(selectors.running().filter(request__in=meant).select_related("grant", "study"))
        if request.state == _State.WAITING:
            opening.close_waiting(request)
            request.state, request.closed_at, request.awaits_requester = _State.WITHDRAWN, timezone.now(), False
            request.save(update_fields=["state", "closed_at", "awaits_requester"])
            opening.record(audit.Action.ACCESS_WITHDRAWN, request, actor=person.actor)
        elif not running:
            raise Refused("ended")
        if opening.end(running, RequestedStudy.State.GIVEN_BACK, actor=person.actor):
            opening.record(audit.Action.ACCESS_GIVEN_BACK, request, actor=person.actor)
        return request


def revoke(user: User, pk: int, *, note: str, actor: Actor) -> AccessRequest:
    """End what a request opened, prolonged or not, of the studies that this person decides about now. Raises ``Refused``."""
    with transaction.atomic():
        chain, request = _locked_with_others(pk)
        by = selectors.approver(user, actor=actor)
        if by is None or request.requester_id == user.pk:
            raise Refused("not_yours")
        items = list(selectors.held(by).filter(request__in=chain).select_related("grant", "study"))
        if not opening.end(items, RequestedStudy.State.REVOKED, actor=actor):
            raise Refused("ended")
        RequestedStudy.objects.filter(pk__in=[item.pk for item in items]).update(note=note)
        opening.record(audit.Action.ACCESS_REVOKED, request, actor=actor, detail={"note": note})
        notices.tell(request, notices.REVOKED)
        return request


def write(user: User, pk: int, words: str, *, actor: Actor) -> AccessRequest:
    """Ask back as an approver, or answer as the requester. Raises ``Refused``."""
    with transaction.atomic():
        request = _locked(pk)
        is_requesters = request.requester_id == user.pk
        if not is_requesters:
            by = selectors.approver(user, actor=actor)
            if by is None or not selectors.decidable(by).filter(request=request).exists():
                raise Refused("not_yours")
        if request.state != _State.WAITING:
            raise Refused("decided")
        RequestMessage.objects.create(request=request, author=user, is_requesters=is_requesters, words=words)
        request.awaits_requester = not is_requesters
        request.save(update_fields=["awaits_requester"])
        opening.record(audit.Action.ACCESS_DISCUSSED, request, actor=actor)
        notices.tell(request, notices.ANSWERED if is_requesters else notices.ASKED_BACK)
        return request


def renew(person: Asker, pk: int, *, hours: int) -> AccessRequest:
    """Ask for longer access to what still runs of a request of one's own. One renewal waits at a time. Raises ``Refused``."""
    with transaction.atomic():
        before = _locked(pk)
        if before.requester_id != person.user.pk or before.department_id not in person.departments:
            raise Refused("not_yours")
        waits = before.renewals.filter(state=_State.WAITING).first()
        if waits is not None:
            return waits
        keys = selectors.running().filter(request=before).values_list("study_id", flat=True)
        wanted = tuple(selectors.askable(keys).filter(patient=before.patient_id))
        if not wanted:
            raise Refused("ended")
        request = AccessRequest.objects.create(
            requester=before.requester,
            department=before.department,
            for_team=before.for_team,
            patient=before.patient,
            study=before.study,
            asked_by=before.asked_by,
            relation=before.relation,
            reason=before.reason,
            words=before.words,
            hours=hours,
            wants_download=before.wants_download,
            token=uuid.uuid4(),
            renews=before,
        )
        detail = {**_wished(request, len(wanted)), "renews": before.pk}
        opening.record(audit.Action.ACCESS_RENEWED, request, actor=person.actor, detail=detail)
        _begin(request, wanted)
        return request


def _locked_with_others(pk: int) -> tuple[frozenset[int], AccessRequest]:
    """A request, and the keys of all that prolong one another with it, locked in one order. Raises ``Refused``."""
    chain = selectors.prolonged_with(pk)
    locking = AccessRequest.objects.filter(pk__in=chain).order_by("pk").select_for_update(of=("self",), no_key=True)
    list(locking.values_list("pk"))
    return chain, _locked(pk)


def _locked(pk: int) -> AccessRequest:
    """The request, which nobody else changes meanwhile. Raises ``Refused``."""
    rows = AccessRequest.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("requester", "department__site", "patient", "study").filter(pk=pk).first()
    if found is None:
        raise Refused("not_yours")
    return found
