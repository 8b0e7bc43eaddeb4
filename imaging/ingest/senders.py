"""What is written about senders: that they were seen, accepted and refused."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.ingest.models import ApplicationEntity


def seen(*, ae_titles: Iterable[str]) -> None:
    """Remember that these application entities called."""
    ApplicationEntity.objects.filter(ae_title__in=list(ae_titles)).update(last_seen_at=timezone.now())


def association_accepted(*, actor: Actor, detail: Mapping[str, Any]) -> None:
    """Audit an association of a known application entity."""
    audit.record(
        audit.Action.ASSOCIATION_ACCEPTED,
        actor=actor,
        subject_type="application_entity",
        subject_uid=actor.name,
        detail=detail,
    )


def association_refused(*, actor: Actor, detail: Mapping[str, Any]) -> None:
    """Audit a refused association."""
    audit.record(
        audit.Action.ASSOCIATION_REFUSED,
        actor=actor,
        subject_type="application_entity",
        subject_uid=actor.name,
        outcome=audit.Outcome.REFUSED,
        detail=detail,
    )


def tested(entity: ApplicationEntity, *, actor: Actor, answered: bool, detail: Mapping[str, Any]) -> None:
    """Audit that a person tested the connection to an application entity, and how it ended."""
    audit.record(
        audit.Action.PEER_TESTED,
        actor=actor,
        subject_type="application_entity",
        subject_uid=entity.ae_title,
        outcome=audit.Outcome.SUCCESS if answered else audit.Outcome.FAILED,
        detail=detail,
    )
