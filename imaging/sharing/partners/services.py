"""Asking for a push, deciding about it, stopping it and trying it again: each in one transaction with its audit."""

import uuid
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.sharing import scopes, secrets
from imaging.sharing import selectors as shares
from imaging.sharing.making import choosing
from imaging.sharing.making.policies import Problem, Wish, needs_approval
from imaging.sharing.making.services import NotShared, Person
from imaging.sharing.models import Partner, PartnerTransfer, SharePolicy, TransferItem, TransferObject
from imaging.sharing.models.partners import UNDER_WAY
from imaging.sharing.partners import notices, record, selectors, sending

State = PartnerTransfer.State
#: What a push is to the rules of a department: a copy that leaves is a download, whoever fetches it.
_LIKE_A_DOWNLOAD: Final = Wish((), may_download=True)


def made_before(user: User, token: str) -> PartnerTransfer | None:
    """Return what this person has asked for with this very form already."""
    key = _token(token)
    return PartnerTransfer.objects.filter(created_by=user, token=key).first() if key else None


def ask(person: Person, wish: Wish, partner: Partner, *, token: str = "") -> PartnerTransfer:
    """Have images sent to a partner. Raises ``NotShared``, ``StudyNotVisible`` and ``RightMissing``."""
    rules = shares.policy_of(person.department.pk)
    studies = choosing.opened(wish, person.scope, actor=person.actor)
    here = person.scope.within([person.department.pk])
    found, problems = choosing.chosen(wish, studies, here, report_waits=False)
    problems = [*_against(person, partner, rules), *problems]
    patients = {entry.study.patient_id for entry in found}
    if len(patients) > 1:
        problems.append(Problem("", "several_patients"))
    elif found and scopes.is_kept_back(found[0].study.patient, PartnerTransfer.recipient):
        problems.append(Problem("", "patient_opposes"))
    if problems:
        raise NotShared(problems)
    with transaction.atomic():
        transfer = PartnerTransfer.objects.create(
            key=secrets.new_key(),
            partner=partner,
            created_by=person.user,
            department=person.department,
            patient=found[0].study.patient,
            token=_token(token) or uuid.uuid4(),
            purpose=wish.purpose,
            purpose_words=wish.purpose_words,
            with_report=wish.with_report,
            state=State.ASKED if needs_approval(_LIKE_A_DOWNLOAD, rules) else State.WAITING,
        )
        TransferItem.objects.bulk_create(
            TransferItem(transfer=transfer, study=entry.study, series=entry.series, instance=entry.instance)
            for entry in found
        )
        record.record(
            audit.Action.TRANSFER_ASKED,
            transfer,
            actor=person.actor,
            detail={
                "what": wish.what.value,
                "report": wish.with_report,
                "purpose_words": wish.purpose_words,
                "state": transfer.state,
            },
        )
        if transfer.state == State.ASKED:
            notices.tell_approvers(transfer)
        else:
            sending.ask(transfer)
    return transfer


def _against(person: Person, partner: Partner, rules: SharePolicy) -> list[Problem]:
    """What the rules of the department have against it."""
    found = [] if rules.is_allowed else [Problem("", "not_allowed")]
    if not person.roles & set(rules.roles):
        found.append(Problem("", "not_your_role"))
    if not rules.may_download:
        found.append(Problem("", "no_download"))
    if not selectors.partners_for([person.department.pk]).filter(pk=partner.pk).exists():
        found.append(Problem("partner", "not_your_partner"))
    return found


def decide(transfer: PartnerTransfer, *, allow: bool, words: str, user: User, actor: Actor) -> bool:
    """Allow or refuse what waits for a second person; who asked cannot. False where it does not wait any more."""
    with transaction.atomic():
        held = _locked(transfer)
        if held.state != State.ASKED or held.created_by_id == user.pk:
            return False
        held.state = State.WAITING if allow else State.REFUSED
        held.decided_by, held.words = user, words[:300]
        held.finished_at = None if allow else timezone.now()
        held.save()
        record.record(audit.Action.TRANSFER_DECIDED, held, actor=actor, detail={"allowed": allow, "words": words})
        notices.tell_sender(held, notices.DECIDED)
        if allow:
            sending.ask(held)
    return True


def stop(transfer: PartnerTransfer, *, words: str, user: User, actor: Actor) -> bool:
    """End it now: no further object goes. False where it had ended already."""
    with transaction.atomic():
        held = _locked(transfer)
        if held.state not in UNDER_WAY and held.state != State.ASKED:
            return False
        held.state, held.finished_at, held.run = State.STOPPED, timezone.now(), None
        held.stopped_by, held.words, held.problem = user, words[:300], ""
        held.next_attempt_at = None
        held.save()
        detail = {"words": words, **record.counts_of(held)}
        record.record(audit.Action.TRANSFER_STOPPED, held, actor=actor, detail=detail)
        if held.created_by_id != user.pk:
            notices.tell_sender(held, notices.STOPPED)
    return True


def try_again(transfer: PartnerTransfer) -> bool:
    """Send now what has not gone yet, refused objects among it. False where nothing waits or failed."""
    with transaction.atomic():
        held = _locked(transfer)
        if held.state not in {State.PAUSED, State.FAILED, State.STOPPED}:
            return False
        refused = selectors.left_of(held, TransferObject.State.REFUSED)
        refused.update(state=TransferObject.State.PENDING, problem="", status=None, words="")
        waits = held.decided_by_id is None and needs_approval(_LIKE_A_DOWNLOAD, shares.policy_of(held.department_id))
        held.state, held.refused, held.failures = State.ASKED if waits else State.WAITING, 0, 0
        held.failing_since = held.next_attempt_at = held.finished_at = None
        held.problem = held.problem_words = held.words = ""
        held.stopped_by = None
        held.save()
        if waits:
            notices.tell_approvers(held)
        else:
            sending.ask(held)
    return True


def _locked(transfer: PartnerTransfer) -> PartnerTransfer:
    rows = PartnerTransfer.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("partner", "patient", "created_by").get(pk=transfer.pk)


def _token(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
