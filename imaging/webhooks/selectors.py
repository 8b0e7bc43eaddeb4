"""Which receivers there are, and which have something to be told."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import MachineKey
from imaging.events import changes
from imaging.webhooks.models import Webhook, WebhookAttempt


def webhooks_of(machine_key: MachineKey | int) -> QuerySet[Webhook]:
    """The webhooks of one machine key."""
    return Webhook.objects.filter(machine_key=machine_key)


def webhook_of(machine_key: MachineKey | int, key: UUID) -> Webhook | None:
    """One webhook of a machine key, or None."""
    return webhooks_of(machine_key).filter(key=key).first()


def attempts_of(webhook: Webhook, *, limit: int = 50) -> Sequence[WebhookAttempt]:
    """The latest attempts, newest first."""
    return list(webhook.attempts.all()[:limit])


def waited() -> Q:
    """The condition that a webhook need not wait any longer."""
    return Q(next_attempt_at=None) | Q(next_attempt_at__lte=timezone.now())


def due() -> Sequence[UUID]:
    """Keys of the active webhooks that are behind the feed and need not wait any longer."""
    _first, last = changes.bounds()
    return list(Webhook.objects.filter(waited(), is_active=True, sent_through__lt=last).values_list("key", flat=True))
