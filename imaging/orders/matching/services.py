"""Linking studies to requests: by themselves when images arrive or a request changes, and by people at the desk.

Rows are locked in one order: the study and its patient (``studies.services.hold``), then requests. What a person has taken apart
is not put together again without one.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts import selectors as accounts
from accounts.actor import SYSTEM, Actor
from accounts.models import User
from imaging.events import services as events
from imaging.events.models import Event
from imaging.orders import transitions
from imaging.orders.matching import policies, selectors
from imaging.orders.matching.policies import Verdict, Why
from imaging.orders.models import ExamRequest, ScheduledStep, StudyLink, UnmatchedStudy
from imaging.orders.requesting import patients
from imaging.orders.transitions import By
from imaging.orders.workflow import State, Step, TransitionRefused
from imaging.studies import services as studies
from imaging.studies.models import Placement, Study
from imaging.studies.rows.incoming import PlannedPlacement

_LONGEST_REASON: Final = 200
_PLACED_BY: Final = "order"
#: Written for people to read in a request's history; these are the words of the system itself.
_ANOTHER_PATIENT: Final = "the study is another patient's now"
_NO_IMAGES: Final = "no study answers it any more"
_UNSIGNED: Final = "the report is not final any more"

_FOLLOWED_BY: Final = {
    Step.START: ScheduledStep.Status.STARTED,
    Step.COMPLETE: ScheduledStep.Status.COMPLETED,
}


class DecidedMeanwhile(Exception):
    """Somebody else has decided about the study since it was looked at; nothing was written. ``by`` is who, if known."""

    def __init__(self, by: str = "") -> None:
        """Keep who it was, for the words that the second person gets."""
        super().__init__(by)
        self.by = by


class OtherPatient(Exception):
    """The request is for somebody else: it is linked together with a correction of the study's patient, or not at all."""


class NotAnswerable(Exception):
    """The request was not sent, or was refused or cancelled."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides with: why, and the links that the study had when they looked (primary keys)."""

    actor: Actor
    reason: str
    seen: frozenset[int]


def match_study(study_instance_uid: str, *, is_complete: bool = False) -> None:
    """Link a study to the request that it answers, or note why a person has to; ``is_complete`` once its images are.

    Run whenever the study changes: a study that was given to another patient leaves its request, and looks for one anew.
    """
    study = _glimpse(study_instance_uid)
    if study is None:
        return
    links = selectors.links_held(study)
    if any(not selectors.is_for(link.request, study) for link in links):
        links = _part_from_others(study)
    if links:
        for link in links:
            follow_images(link.request, is_complete=is_complete)
        return
    verdict = _verdict(study, is_thorough=is_complete)
    if verdict.request is not None:
        _link_by_itself(study, verdict.request, verdict, is_complete=is_complete)
    elif is_complete or verdict.why is not Why.NO_REQUEST:
        _leave_to_a_person(study, verdict)


def _verdict(study: Study, *, is_thorough: bool) -> Verdict:
    found = selectors.by_number(study)
    named = selectors.plainly_named_by(study)
    if is_thorough or len(found) > 1 or any(row.issuer_of_accession_number for row in found):
        named = selectors.named_by(study)
        known = {row.pk for row in found}
        found += [row for row in selectors.by_step(study, named) if row.pk not in known]
    return policies.judge(named, selectors.candidates(study, found, named))


@transaction.atomic
def _part_from_others(study: Study) -> list[StudyLink]:
    """End the links to requests for somebody else; those that stay."""
    study = _held(study)
    staying = []
    for link in selectors.links_held(study):
        if selectors.is_for(link.request, study):
            staying.append(link)
        else:
            _end(link, actor=SYSTEM, reason=_ANOTHER_PATIENT, is_refused=False)
    return staying


@transaction.atomic
def _link_by_itself(study: Study, found: int, verdict: Verdict, *, is_complete: bool) -> None:
    study = _held(study)
    request = ExamRequest.objects.select_related("patient").get(pk=found)
    if selectors.links_of_study(study).exists() or not selectors.is_for(request, study):
        return  # decided, or corrected, while the study was waited for: that change is followed by a run of its own
    basis = StudyLink.Basis(verdict.basis.value) if verdict.basis else StudyLink.Basis.STUDY_UID
    _make(study, request, basis=basis, actor=SYSTEM, reason="")
    follow_images(request, is_complete=is_complete)


@transaction.atomic
def _leave_to_a_person(study: Study, verdict: Verdict) -> None:
    """Note that a study waits for a person; what a person has settled stays so until there is something else to say."""
    why = verdict.why or Why.NO_REQUEST
    study = _held(study)
    if selectors.links_of_study(study).exists():
        return
    known = UnmatchedStudy.objects.filter(study=study).first()
    if known is None:
        if policies.waits_for_request(why, study_at=study.study_at, received_at=study.first_received_at):
            UnmatchedStudy.objects.create(study=study, why=why.value, candidate_id=verdict.candidate)
        return
    is_decided = known.settled_at is not None and known.settled_reason != ""
    is_new = (known.why, known.candidate_id) != (why.value, verdict.candidate)
    if is_decided and (why is Why.NO_REQUEST or not is_new):
        return
    if is_new or known.settled_at is not None:
        known.why, known.candidate_id = why.value, verdict.candidate
        known.settled_at, known.settled_by, known.settled_reason = None, "", ""
        known.save()


def match_late_order(key: str) -> None:
    """Look for studies that were there before a request was, or before it got its number."""
    request = ExamRequest.objects.filter(key=key).first()
    if request is None or State(request.state) in selectors.UNANSWERABLE:
        return
    for study in selectors.studies_named_by(request):
        match_study(study.study_instance_uid, is_complete=study.settled_at is not None)


@transaction.atomic
def link(study: Study, request: ExamRequest, decision: Decision) -> StudyLink:
    """Say that a study answers a request. Raises ``DecidedMeanwhile``, ``OtherPatient`` and ``NotAnswerable``."""
    study = _held(study)
    request = transitions.locked(request.key)
    _check_seen(study, decision)
    if State(request.state) in selectors.UNANSWERABLE:
        raise NotAnswerable
    if not selectors.is_for(request, study):
        raise OtherPatient
    made = _make(study, request, basis=StudyLink.Basis.PERSON, actor=decision.actor, reason=decision.reason)
    follow_images(request, is_complete=study.settled_at is not None, by=By(decision.actor))
    return made


@transaction.atomic
def unlink(held: StudyLink, decision: Decision) -> None:
    """Say that a study does not answer a request; it waits for a person again. Raises ``DecidedMeanwhile``."""
    study = _held(held.study)
    _check_seen(study, decision)
    fresh = StudyLink.objects.filter(pk=held.pk, ended_at=None).select_related("request").first()
    if fresh is None:
        raise DecidedMeanwhile(StudyLink.objects.get(pk=held.pk).ended_by)
    _end(fresh, actor=decision.actor, reason=decision.reason, is_refused=True)
    if not selectors.links_of_study(study).exists():
        _wait_again(study)


@transaction.atomic
def settle_without(study: Study, decision: Decision) -> UnmatchedStudy:
    """Say that no request belongs to a study (images from elsewhere). Raises ``DecidedMeanwhile``."""
    study = _held(study)
    _check_seen(study, decision)
    known, _made = UnmatchedStudy.objects.get_or_create(study=study, defaults={"why": UnmatchedStudy.Why.NO_REQUEST})
    if known.settled_at is not None:
        raise DecidedMeanwhile(known.settled_by)
    known.settled_at, known.settled_by = timezone.now(), _name(decision.actor)
    known.settled_reason = decision.reason[:_LONGEST_REASON]
    known.save()
    _record(audit.Action.STUDY_UNLINKED, study, None, decision.actor, reason=decision.reason, needs_request=False)
    return known


@transaction.atomic
def ask_again(study: Study, decision: Decision) -> None:
    """Take back that a study needs no request. Nothing happens when it waits already. Raises ``DecidedMeanwhile``."""
    study = _held(study)
    _check_seen(study, decision)
    if not selectors.links_of_study(study).exists():
        _wait_again(study)
        _record(audit.Action.STUDY_UNLINKED, study, None, decision.actor, reason=decision.reason, needs_request=True)


def follow_images(request: ExamRequest, *, is_complete: bool, by: By | None = None) -> None:
    """Bring a request in line with its images: begun with the first, made once they are complete and the machine agrees."""
    is_asked = is_complete and State(request.state) in policies.UNFINISHED
    step = policies.step_after_images(
        State(request.state),
        is_complete=is_complete,
        is_performing=selectors.is_being_performed(request) if is_asked else False,
    )
    if step is None:
        return
    with transaction.atomic():
        try:
            taken = transitions.take(request.key, step, by=by or By(SYSTEM))
        except TransitionRefused:
            return  # somebody took it further meanwhile
        status = _FOLLOWED_BY.get(step)
        if status is not None:
            ScheduledStep.objects.filter(request=taken, status__in=ScheduledStep.LIVE).update(
                status=status, changed_at=timezone.now()
            )


def follow_report(study_instance_uid: str, *, is_reported: Callable[[str], bool]) -> None:
    """Bring the requests that a study answers, and no others, in line with the reports of the studies that answer each.

    ``is_reported`` tells of a study whether a final report stands: a request is reported while one of its studies is.
    """
    study = _study(study_instance_uid)
    for held in selectors.links_of_study(study) if study else ():
        stands = any(is_reported(each.study.study_instance_uid) for each in selectors.links_of_request(held.request))
        try:
            by_report = Step.REPORT if stands else Step.UNREPORT
            transitions.take(held.request.key, by_report, by=By(SYSTEM), reason="" if stands else _UNSIGNED)
        except TransitionRefused:
            continue  # it stands so already, or its images are not complete


def acknowledge(study_instance_uid: str, *, reader: User) -> None:
    """Note that who asked has read the final report of the study that answers them."""
    study = _study(study_instance_uid)
    capabilities = accounts.capabilities_by_department(reader)
    by = By(Actor(kind="user", id=str(reader.pk), name=reader.get_username()), reader, capabilities)
    for held in selectors.links_of_study(study) if study else ():
        if held.request.requester_id != reader.pk:
            continue
        try:
            transitions.take(held.request.key, Step.ACKNOWLEDGE, by=by)
        except (TransitionRefused, transitions.NotAllowed):
            continue  # it stands so already, or they ask there no more


def _study(study_instance_uid: str) -> Study | None:
    rows = Study.objects.filter(study_instance_uid=study_instance_uid, instance_count__gt=0)
    return rows.select_related("patient").first()


def _glimpse(study_instance_uid: str) -> Study | None:
    """The study with what its numbers and its age are looked up by: it is asked for whenever an image came."""
    rows = Study.objects.filter(study_instance_uid=study_instance_uid, instance_count__gt=0)
    return rows.only("study_instance_uid", "accession_number", "patient_id").first()


def _held(study: Study) -> Study:
    """The study, held until the transaction ends, as it is then."""
    (held,) = studies.hold([study.pk])
    return held


def _check_seen(study: Study, decision: Decision) -> None:
    held = {row.pk: row.made_by for row in selectors.links_of_study(study)}
    if frozenset(held) != decision.seen:
        newer = [by for pk, by in held.items() if pk not in decision.seen]
        gone = StudyLink.objects.filter(pk__in=decision.seen - held.keys()).values_list("ended_by", flat=True)
        raise DecidedMeanwhile(next(iter([*newer, *gone]), ""))


def _make(study: Study, request: ExamRequest, *, basis: StudyLink.Basis, actor: Actor, reason: str) -> StudyLink:
    """Link, tell who the patient is, and place the study where the exam was asked for."""
    names_patient = request.patient_id is None
    made = StudyLink.objects.create(
        request=request,
        study=study,
        basis=basis,
        made_by=_name(actor),
        reason=reason[:_LONGEST_REASON],
        names_patient=names_patient,
    )
    if names_patient:
        request = transitions.locked(request.key)
        patients.join(request, study.patient, by=By(actor), reason=reason)
    UnmatchedStudy.objects.filter(study=study, settled_at=None).update(
        settled_at=timezone.now(), settled_by=_name(actor), settled_reason=""
    )
    if request.requesting_department_id is not None:
        plan = PlannedPlacement(
            request.requesting_department_id, Placement.Kind.REQUESTING, _PLACED_BY, str(request.accession_number)
        )
        studies.place_study(study, plan, actor=actor)
    _record(audit.Action.STUDY_LINKED, study, request, actor, basis=basis.value, reason=reason)
    _tell(request, study, "link", by=By(actor), reason=reason)
    return made


def _end(held: StudyLink, *, actor: Actor, reason: str, is_refused: bool) -> None:
    """End a link, and with it what it had given: the placement, the patient's record, the state of the request."""
    held.ended_at, held.ended_by, held.is_refused = timezone.now(), _name(actor), is_refused
    held.save(update_fields=["ended_at", "ended_by", "is_refused"])
    request, study = held.request, held.study
    department = request.requesting_department_id
    others = StudyLink.objects.filter(study=study, ended_at=None, request__requesting_department=department)
    if department is not None and not others.exists():
        placed = Placement.objects.live().filter(
            study=study,
            department_id=department,
            kind=Placement.Kind.REQUESTING,
            reason_code=_PLACED_BY,
        )
        for row in placed:
            studies.remove_placement(row, actor=actor)
    _record(audit.Action.STUDY_UNLINKED, study, request, actor, reason=reason)
    _tell(request, study, "unlink", by=By(actor), reason=reason)
    if StudyLink.objects.filter(request=request, ended_at=None).exists():
        return
    if held.names_patient:
        patients.part(transitions.locked(request.key), by=By(actor), reason=reason)
    _without_images(request, actor=actor, reason=reason or _NO_IMAGES)


def _without_images(request: ExamRequest, *, actor: Actor, reason: str) -> None:
    was_booked = ScheduledStep.objects.filter(request=request).exists()
    state = State(ExamRequest.objects.values_list("state", flat=True).get(pk=request.pk))
    for step in policies.steps_without_images(state, was_booked=was_booked):
        transitions.take(request.key, step, by=By(actor), reason=reason)


def _wait_again(study: Study) -> None:
    UnmatchedStudy.objects.update_or_create(
        study=study,
        defaults={
            "why": UnmatchedStudy.Why.NO_REQUEST,
            "candidate": None,
            "settled_at": None,
            "settled_by": "",
            "settled_reason": "",
        },
    )


def _tell(request: ExamRequest, study: Study, step: str, *, by: By, reason: str) -> None:
    """Write it into the request's history; who follows requests hears of it, and so do the pages of the study."""
    request.state = ExamRequest.objects.values_list("state", flat=True).get(pk=request.pk)
    transitions.record(
        request,
        step,
        before=State(request.state),
        by=by,
        reason=reason,
        detail={"study_instance_uid": study.study_instance_uid},
    )
    events.append(kind=Event.Kind.STUDY_CHANGED, subject_uid=study.study_instance_uid)


def _name(actor: Actor) -> str:
    return (actor.name or actor.id)[:150]


def _record(action: audit.Action, study: Study, request: ExamRequest | None, actor: Actor, **detail: object) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={**({"request": str(request.key)} if request else {}), **detail},
    )


def link_with_correction(study: Study, key: uuid.UUID, decision: Decision) -> StudyLink:
    """Give a study to the patient of a request and link the two, both or neither; the bytes stay as they were received.

    Raises as ``link``, and ``CorrectionInvalid`` for a patient who cannot be written into a header.
    """
    with transaction.atomic():
        request = ExamRequest.objects.select_related("patient").get(key=key)
        held = _held(study)
        _check_seen(held, decision)
        attributes = selectors.identity_asked(request)
        studies.correct(held, attributes, reason=decision.reason, actor=decision.actor)
        return link(held, request, decision)
