"""Making, ending and testing webhooks, and telling their receivers what changed."""

import logging
import time
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import orjson
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.models import MachineKey
from accounts.outbound import selectors as outbound_hosts
from accounts.outbound import services as outbound
from accounts.outbound.errors import Failed, Refused
from accounts.roles import Door
from accounts.scope import scope_of_machine
from imaging.events import changes, jobs
from imaging.events.jobs import Ask, Outcome
from imaging.events.models import Change
from imaging.studies.changes import ChangePage, Forgotten, changes_after, extent
from imaging.webhooks import notices, policies, selectors
from imaging.webhooks.models import Webhook, WebhookAttempt

logger = logging.getLogger(__name__)

DELIVER_STEP: Final = "tell webhooks"
#: Lines in one request, and requests and seconds in one turn of the job: a slow receiver keeps no worker from the others.
_AT_ONCE: Final = 100
_TURN: Final = 20
_TURN_SECONDS: Final = 15.0
_MOST_PER_KEY: Final = 20


def create(*, machine_key: MachineKey, address: str, description: str = "", actor: Actor) -> Webhook:
    """Register a receiver; it is told what changes from now on.

    Raises ``outbound.errors.Refused`` for an address that may not be called, ``ValidationError`` for too many or bad text.
    """
    outbound_hosts.listed(address)
    if selectors.webhooks_of(machine_key).count() >= _MOST_PER_KEY:
        raise ValidationError(_("A machine key has at most %(count)d webhooks.") % {"count": _MOST_PER_KEY})
    _first, last = changes.bounds()
    webhook = Webhook(
        machine_key=machine_key, address=address, description=description, sent_through=last, created_by=actor.name
    )
    webhook.full_clean()
    with transaction.atomic():
        webhook.save()
        _record(audit.Action.WEBHOOK_CREATED, webhook, actor)
    return webhook


def remove(webhook: Webhook, *, actor: Actor) -> None:
    """Forget a receiver and its attempts."""
    with transaction.atomic():
        _record(audit.Action.WEBHOOK_REMOVED, webhook, actor)
        webhook.delete()


def renew_secret(webhook: Webhook, *, actor: Actor) -> str:
    """Make a new secret, valid at once in place of the old one; it is returned."""
    with transaction.atomic():
        webhook.generation += 1
        webhook.save(update_fields=["generation"])
        _record(audit.Action.WEBHOOK_CHANGED, webhook, actor, changed="secret")
    return policies.secret_of(webhook.key, webhook.generation)


def resume(webhook: Webhook, *, actor: Actor) -> None:
    """Switch a receiver on again and try at once; what it missed is still told, as far as the feed reaches back."""
    with transaction.atomic():
        Webhook.objects.filter(pk=webhook.pk).update(
            is_active=True, failures=0, failing_since=None, next_attempt_at=None, stopped_because=""
        )
        _record(audit.Action.WEBHOOK_CHANGED, webhook, actor, changed="resumed")
        jobs.enqueue([Ask(DELIVER_STEP, str(webhook.key))])


def test(webhook: Webhook) -> WebhookAttempt:
    """Send a message without changes, now, so that the receiver's people can see that it arrives and check the signature."""
    return _send(webhook, f"{webhook.key}:test:{int(time.time())}", "webhook.tested", ChangePage([], 0, more=False))


def offer() -> None:
    """Queue the telling of every receiver that is behind the feed."""
    jobs.enqueue(Ask(DELIVER_STEP, str(key)) for key in selectors.due())


def deliver(key: str) -> Outcome:
    """Tell one receiver what it has not taken yet, in order; stop at the first message that it does not take."""
    begun = time.monotonic()
    for _turn in range(_TURN):
        # Asked again while a message was refused, the job runs once more: it is still too early then.
        waited = selectors.waited()
        webhook = Webhook.objects.select_related("machine_key").filter(waited, key=UUID(key), is_active=True).first()
        if webhook is None or not _next(webhook):
            return Outcome.DONE
        if time.monotonic() - begun > _TURN_SECONDS:
            break
    return Outcome.AGAIN


def _next(webhook: Webhook) -> bool:
    """Send the next message. Whether there may be more to send at once."""
    scope = scope_of_machine(webhook.machine_key, door=Door.API)
    if scope.is_empty:
        # Nothing once the key has ended; its place stays, should the key get longer.
        return False
    try:
        page = changes_after(scope, webhook.sent_through, limit=_AT_ONCE)
    except Forgotten as error:
        # It was away for longer than the feed is kept: it is told so, once, and goes on from what there is.
        page = ChangePage([], error.first - 1, more=True)
        attempt = _send(webhook, f"{webhook.key}:{page.next_after}", "changes.forgotten", page)
    else:
        if not page.changes:
            Webhook.objects.filter(pk=webhook.pk).update(sent_through=page.next_after)
            return page.more
        attempt = _send(webhook, f"{webhook.key}:{page.next_after}", "studies.changed", page)
    if attempt.is_taken:
        Webhook.objects.filter(pk=webhook.pk).update(
            sent_through=page.next_after, failures=0, failing_since=None, next_attempt_at=None
        )
        return page.more
    _put_off(webhook, attempt)
    return False


def _send(webhook: Webhook, message_id: str, kind: str, page: ChangePage) -> WebhookAttempt:
    """One signed request, and its line in the log."""
    told = {"type": kind, "changes": [_line(change) for change in page.changes], "after": page.next_after}
    body = orjson.dumps(told | {"scope": extent(scope_of_machine(webhook.machine_key, door=Door.API))})
    timestamp = int(time.time())
    secret = policies.secret_of(webhook.key, webhook.generation)
    started = time.monotonic()
    status, problem = None, ""
    try:
        answer = outbound.send(
            "POST",
            webhook.address,
            body=body,
            headers={
                "Content-Type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": policies.signature(secret, message_id=message_id, timestamp=timestamp, body=body),
            },
            most_octets=4096,
        )
        status = answer.status
    except (Refused, Failed) as error:
        problem = error.code
    sequences = [change.sequence for change in page.changes]
    return WebhookAttempt.objects.create(
        webhook=webhook,
        message_id=message_id,
        attempted_at=timezone.now(),
        first_sequence=min(sequences, default=None),
        last_sequence=max(sequences, default=None),
        change_count=len(sequences),
        status=status,
        problem=problem,
        milliseconds=int((time.monotonic() - started) * 1000),
    )


def _line(change: Change) -> dict[str, Any]:
    return {
        "sequence": change.sequence,
        "type": change.kind,
        "study_instance_uid": change.study_instance_uid,
        "changed_at": change.changed_at,
    }


def _put_off(webhook: Webhook, attempt: WebhookAttempt) -> None:
    """Wait longer after each failure; give a receiver up that says it is gone, or has taken nothing for a week."""
    now = timezone.now()
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    webhook.next_attempt_at = now + policies.pause(webhook.failures)
    if attempt.status == 410:
        webhook.stopped_because = "gone"
    elif now - webhook.failing_since > policies.GIVEN_UP_AFTER:
        webhook.stopped_because = "takes_nothing"
    webhook.is_active = not webhook.stopped_because
    with transaction.atomic():
        webhook.save(update_fields=["failures", "failing_since", "next_attempt_at", "stopped_because", "is_active"])
        if webhook.stopped_because:
            _record(audit.Action.WEBHOOK_CHANGED, webhook, SYSTEM, stopped_because=webhook.stopped_because)
            logger.warning("A webhook was switched off: %s", webhook.address)
            notices.tell_stopped(webhook)


def prune(*, days: int = 30) -> int:
    """Forget attempts of long ago. How many."""
    limit = timezone.now() - timedelta(days=days)
    return WebhookAttempt.objects.filter(attempted_at__lt=limit).delete()[0]


def _record(action: audit.Action, webhook: Webhook, actor: Actor, **detail: str) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="webhook",
        subject_uid=str(webhook.key),
        detail={"machine_key": webhook.machine_key.name, **detail},
    )
