"""Sending what is owed: one receiver after the other, each in the order of what happened, none twice once it was answered (HL-13).

A receiver that is away, or asks for patience, is tried again for as long as it takes, and its messages keep their order. A
message that it will not have is laid aside for a person, and the next one goes.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.ehr import notices
from imaging.ehr.models import Hl7Destination, Hl7Notice
from imaging.ehr.sending import connection, policies, selectors
from imaging.ehr.sending.connection import Exchange, NotTaken
from imaging.events import jobs
from imaging.events.jobs import Ask, Outcome

logger = logging.getLogger(__name__)

#: The step of the pipeline that sends; its subject is the primary key of a receiver.
STEP: Final = "send HL7"
_TURN_SECONDS: Final = 20.0
State = Hl7Notice.State


def ask(destination: Hl7Destination) -> None:
    """Have what is owed sent once the transaction is over."""
    jobs.enqueue([Ask(STEP, str(destination.pk))])


def offer() -> None:
    """Queue the sending to every receiver that need not wait any longer."""
    jobs.enqueue(Ask(STEP, str(pk)) for pk in selectors.due())


def deliver(key: str) -> Outcome:
    """Send what one receiver is owed, for one turn: what the job does."""
    destination = Hl7Destination.objects.filter(pk=int(key), is_active=True).first()
    if destination is None or (destination.next_attempt_at and destination.next_attempt_at > timezone.now()):
        return Outcome.DONE
    if not selectors.owed(destination).exists():
        return Outcome.DONE
    ends = time.monotonic() + _TURN_SECONDS
    try:
        while selectors.owed(destination).exists():
            _converse(destination, ends)
            if time.monotonic() >= ends:
                return Outcome.AGAIN
    except NotTaken as error:
        _put_off(destination, error.code)
    return Outcome.DONE


def resume(destination: Hl7Destination, *, actor: Actor) -> None:
    """Try at once."""
    with transaction.atomic():
        Hl7Destination.objects.filter(pk=destination.pk).update(next_attempt_at=None)
        audit.record(
            audit.Action.SETTING_CHANGED,
            actor=actor,
            subject_type="hl7destination",
            subject_uid=str(destination.pk),
            detail={"name": destination.name, "changed": "tried again"},
        )
        ask(destination)


def reach(destination: Hl7Destination) -> str:
    """Connect and hang up again: why that fails, in one word; empty when it does not."""
    try:
        with connection.opened(destination):
            return ""
    except NotTaken as error:
        return error.code


def skip(row: Hl7Notice, *, actor: Actor) -> bool:
    """Let a message be that was laid aside, or waits; False when it was taken meanwhile."""
    changed = Hl7Notice.objects.filter(pk=row.pk, state__in=(State.REFUSED, State.WAITING)).update(
        state=State.SKIPPED, ended_at=timezone.now(), decided_by=(actor.name or actor.id)[:150]
    )
    if changed:
        decided(row, actor, "skipped")
    return bool(changed)


def decided(row: Hl7Notice, actor: Actor, what: str) -> None:
    """Put on record what a person did with a message."""
    audit.record(
        audit.Action.HL7_MESSAGE_DECIDED,
        actor=actor,
        subject_type="hl7notice",
        subject_uid=str(row.pk),
        detail={"decision": what, "kind": row.kind},
    )


def prune(*, days: int = 90) -> int:
    """Forget what messages said that were taken or skipped long ago. How many.

    That they were sent stays known: nobody is told the same again.
    """
    limit = timezone.now() - timedelta(days=days)
    rows = Hl7Notice.objects.filter(state__in=(State.TAKEN, State.SKIPPED), ended_at__lt=limit)
    return rows.exclude(raw=b"").update(raw=b"", note="")


def _converse(destination: Hl7Destination, ends: float) -> None:
    """Send on one connection until nothing is owed, or the receiver hangs up, which after an answer is no failure.

    Raises ``NotTaken``.
    """
    has_answered = False
    with connection.opened(destination) as line:
        while time.monotonic() < ends and (row := selectors.owed(destination).first()):
            try:
                _send(destination, row, line)
            except NotTaken as error:
                if error.code == "connection_lost" and has_answered:
                    return
                raise
            has_answered = True
            if destination.new_connection_each:
                return


def _send(destination: Hl7Destination, row: Hl7Notice, line: Exchange) -> None:
    """Send one message and write down what became of it. Raises ``NotTaken``, also for a receiver that asks for patience."""
    row.attempts += 1
    code, words = line.send(bytes(row.raw), row.control_id)
    is_later = code in policies.LATER
    if is_later and row.attempts < policies.MOST_LATER:
        Hl7Notice.objects.filter(pk=row.pk, state=State.WAITING).update(attempts=row.attempts, code=code)
        raise NotTaken("asked_to_wait")
    taken = code in policies.TAKEN
    now = timezone.now()
    with transaction.atomic():
        Hl7Notice.objects.filter(pk=row.pk, state=State.WAITING).update(
            state=State.TAKEN if taken else State.REFUSED,
            code=code[:2],
            note=words[:400],
            attempts=row.attempts,
            ended_at=now if taken else None,
        )
        Hl7Destination.objects.filter(pk=destination.pk).update(
            failures=0, failing_since=None, next_attempt_at=None, problem="", told_at=None, last_taken_at=now
        )
        if not taken:
            logger.warning("A message to an HL7 receiver was refused by it: %s.", code[:2])
            notices.tell_refused(destination)
    destination.failures, destination.failing_since, destination.told_at = 0, None, None


def _put_off(destination: Hl7Destination, problem: str) -> None:
    """Wait longer after each failure; after a while say so to those who look after machines, once."""
    now = timezone.now()
    failures = destination.failures + 1
    since = destination.failing_since or now
    waiting_since = selectors.owed_since(destination) or now
    is_late = destination.told_at is None and now - min(since, waiting_since) >= policies.TOLD_AFTER
    with transaction.atomic():
        Hl7Destination.objects.filter(pk=destination.pk).update(
            failures=failures,
            failing_since=since,
            next_attempt_at=now + policies.pause(failures),
            problem=problem[:40],
            told_at=now if is_late else destination.told_at,
        )
        if is_late:
            notices.tell_late(destination)
