"""How a push ends: done, failed, stopped, or put off until the partner is there again. Each once, by the worker that has it."""

from django.db import transaction
from django.utils import timezone

from accounts import audit
from imaging.events.models import Job
from imaging.sharing.models import PartnerTransfer
from imaging.sharing.models.partners import UNDER_WAY
from imaging.sharing.partners import notices, policies, record

State = PartnerTransfer.State
_FAILED = audit.Outcome.FAILED


def finish(transfer: PartnerTransfer) -> None:
    """Say that every object had its turn: done, or failed where the partner did not take all of them."""
    with transaction.atomic():
        held = _held(transfer)
        if held is None:
            return
        if held.refused or not held.total:
            _fail(held, "some_refused" if held.total else "nothing_left", "")
            return
        held.state, held.finished_at, held.problem, held.problem_words = State.DONE, timezone.now(), "", ""
        held.next_attempt_at = None
        held.save()
        actor = record.actor_of(held.created_by)
        record.record(audit.Action.TRANSFER_DONE, held, actor=actor, detail=record.counts_of(held))


def fail(transfer: PartnerTransfer, problem: str, words: str = "") -> None:
    """Say that it failed for good, until a person tries again."""
    with transaction.atomic():
        held = _held(transfer)
        if held is not None:
            _fail(held, problem, words)


def put_off(transfer: PartnerTransfer, problem: str, words: str = "") -> None:
    """Have it tried again later, with growing pauses; failed once the partner's hours are over."""
    with transaction.atomic():
        held = _held(transfer)
        if held is None:
            return
        now = timezone.now()
        held.failures += 1
        held.failing_since = held.failing_since or now
        if policies.is_given_up(held.failing_since, now, hours=held.partner.tries_hours):
            _fail(held, problem, words)
            return
        held.state, held.next_attempt_at = State.PAUSED, now + policies.pause(held.failures)
        held.problem, held.problem_words = problem, words[:200]
        held.save()


def stop_by_itself(transfer: PartnerTransfer, problem: str) -> None:
    """End it because the images may not be passed on any more, or not there."""
    with transaction.atomic():
        held = _held(transfer)
        if held is None:
            return
        held.state, held.finished_at, held.problem = State.STOPPED, timezone.now(), problem
        held.save()
        actor = record.actor_of(held.created_by)
        detail = {"why": problem, **record.counts_of(held)}
        record.record(audit.Action.TRANSFER_STOPPED, held, actor=actor, detail=detail)
        notices.tell_sender(held, notices.STOPPED)


def end_abandoned(step: str) -> int:
    """Fail what no worker goes on with: its job failed each time. How many."""
    keys = Job.objects.filter(step=step, state=Job.State.FAILED).values("subject_uid")
    lost = list(PartnerTransfer.objects.filter(key__in=keys, state__in=[State.WAITING, State.SENDING]))
    for transfer in lost:
        fail(transfer, "unexpected")
    return len(lost)


def _fail(held: PartnerTransfer, problem: str, words: str) -> None:
    held.state, held.finished_at, held.next_attempt_at = State.FAILED, timezone.now(), None
    held.problem, held.problem_words = problem, words[:200]
    held.save()
    actor = record.actor_of(held.created_by)
    detail = {"why": problem, **record.counts_of(held)}
    record.record(audit.Action.TRANSFER_FAILED, held, actor=actor, outcome=_FAILED, detail=detail)
    notices.tell_sender(held, notices.FAILED)


def _held(transfer: PartnerTransfer) -> PartnerTransfer | None:
    """Return the row, locked; None where another worker has it, or it ended meanwhile."""
    rows = PartnerTransfer.objects.select_for_update(of=("self",), no_key=True)
    rows = rows.select_related("partner", "patient", "created_by")
    return rows.filter(pk=transfer.pk, run=transfer.run, state__in=UNDER_WAY).first()
