"""Application entities that have fallen silent: found, told once, and forgotten when they call again."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.actor import SYSTEM
from accounts.roles import Door
from imaging.ingest import notices
from imaging.ingest.models import ApplicationEntity, Receipt

logger = logging.getLogger(__name__)


def watch() -> list[ApplicationEntity]:
    """Raise the alarm about those that have newly fallen silent; who they are."""
    now = timezone.now()
    watched = list(ApplicationEntity.objects.filter(is_active=True).exclude(silence_hours=None))
    heard = _last_heard(watched)
    fallen = []
    for entity in watched:
        last = heard.get(entity.pk)
        is_silent = last is not None and now - last > timedelta(hours=entity.silence_hours or 0)
        if is_silent and entity.silent_since is None:
            entity.silent_since = last
            fallen.append(entity)
        elif not is_silent and entity.silent_since is not None:
            entity.silent_since = None
        else:
            continue
        _keep(entity)
    return fallen


def _last_heard(watched: list[ApplicationEntity]) -> dict[int, datetime]:
    """The last association or object of each; an association may be open for days."""
    rows = Receipt.objects.filter(door=Door.DIMSE, sender__in=[entity.ae_title for entity in watched])
    objects = dict(rows.values_list("sender").annotate(last=Max("last_at")).values_list("sender", "last"))
    found = {}
    for entity in watched:
        moments = [moment for moment in (entity.last_seen_at, objects.get(entity.ae_title)) if moment is not None]
        if moments:
            found[entity.pk] = max(moments)
    return found


def _keep(entity: ApplicationEntity) -> None:
    with transaction.atomic():
        entity.save(update_fields=["silent_since"])
        if entity.silent_since is not None:
            audit.record(
                audit.Action.SENDER_SILENT,
                actor=SYSTEM,
                subject_type="application_entity",
                subject_uid=entity.ae_title,
                outcome=audit.Outcome.FAILED,
                detail={"last_heard": entity.silent_since.isoformat(), "hours": entity.silence_hours},
            )
            logger.warning("%s has been silent since %s.", entity.ae_title, entity.silent_since.isoformat())
            notices.tell_silent(entity)
