"""Forwarding the audit to other systems, in order, at least once, from where each of them stands."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.audit import dicom_codes, order, syslog_connection
from accounts.audit.actions import Action, Outcome
from accounts.audit.formats import syslog
from accounts.audit.models import AuditReceiver
from accounts.audit.record import record

logger = logging.getLogger("accounts.audit")

#: One turn of one receiver; the lease is longer than any step can hold a worker.
_TURN: Final = 30.0
_LEASE: Final = timedelta(minutes=3)
_FIRST_WAIT: Final = timedelta(seconds=10)
_LONGEST_WAIT: Final = timedelta(minutes=10)
#: After so many failures, some twenty minutes after the first, an outage is told.
_TOLD_AT: Final = 8


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a receiver is: events still to come (of all kinds), and since when it has not taken any, if it does not."""

    name: str
    is_active: bool
    behind: int
    failing_since: datetime | None
    problem: str


def standings() -> list[Standing]:
    """Return how far every receiver is."""
    last = order.last_number()
    return [
        Standing(row.name, row.is_active, max(0, last - row.sent_through), row.failing_since, row.problem)
        for row in AuditReceiver.objects.all()
    ]


def forward() -> None:
    """Give every receiver that is due what it has not had. To be called outside of a transaction, as often as one likes."""
    due = AuditReceiver.objects.filter(_due(), is_active=True, sent_through__lt=order.last_number())
    if not due.exists():
        return
    try:
        through = order.settled_through()
    except order.NotSettled:
        # Something long has the database: the next call, in seconds, finds it ended or waits on.
        return
    for receiver in due:
        # Two workers would send the same at the same time.
        until = timezone.now() + _LEASE
        if AuditReceiver.objects.filter(_due(), pk=receiver.pk, is_active=True).update(leased_until=until):
            try:
                _turn(receiver, through)
            finally:
                AuditReceiver.objects.filter(pk=receiver.pk, leased_until=until).update(leased_until=None)


def _due() -> Q:
    now = timezone.now()
    waited = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now)
    return waited & (Q(leased_until__isnull=True) | Q(leased_until__lt=now))


def _turn(receiver: AuditReceiver, through: int) -> None:
    begun = time.monotonic()
    actions = dicom_codes.actions_of(receiver.event_ids) if receiver.event_ids else []
    for events, reached in order.pages(after=receiver.sent_through, through=through, among=order.wanted(actions)):
        if events:
            try:
                syslog_connection.deliver(receiver, (syslog.frame(event) for event in events))
            except syslog_connection.NotTaken as reason:
                _put_off(receiver, reason.code)
                return
        _moved(receiver, reached, is_taken=bool(events))
        if time.monotonic() - begun > _TURN:
            return


def _moved(receiver: AuditReceiver, reached: int, *, is_taken: bool) -> None:
    moved: dict[str, object] = {"sent_through": reached}
    if is_taken:
        moved |= {"sent_at": timezone.now(), "failures": 0, "failing_since": None, "next_attempt_at": None}
        moved |= {"problem": ""}
        receiver.failures, receiver.failing_since = 0, None
    # Never backwards: a worker that was held up longer than its lease finds another ahead.
    AuditReceiver.objects.filter(pk=receiver.pk, sent_through__lt=reached).update(**moved)


def _put_off(receiver: AuditReceiver, problem: str) -> None:
    now = timezone.now()
    failures, since = receiver.failures + 1, receiver.failing_since or now
    wait = min(_FIRST_WAIT * 2 ** min(failures - 1, 10), _LONGEST_WAIT)
    changed = {"failures": failures, "failing_since": since, "next_attempt_at": now + wait, "problem": problem}
    AuditReceiver.objects.filter(pk=receiver.pk).update(**changed)
    logger.warning(
        "The audit receiver %s did not take its events (%s); next attempt in %s.", receiver.name, problem, wait
    )
    if failures == _TOLD_AT:
        logger.critical("AUDIT ALARM: %s has taken no events since %s (%s).", receiver.name, since, problem)
        record(
            Action.AUDIT_FORWARDING_FAILED,
            actor=SYSTEM,
            subject_type="auditreceiver",
            subject_uid=str(receiver.pk),
            outcome=Outcome.FAILED,
            detail={"receiver": receiver.name, "problem": problem, "failing_since": since.isoformat()},
        )
