"""Makes room here: local copies leave when a store holds a verified one, the longest unread first. Never the last copy.

A copy leaves in three steps, each of which may be the last before a crash: its row says ``leaving`` and nobody reads it
any more; the file goes; the row goes. The next round takes up what was left behind.
"""

import logging
import threading
from datetime import datetime, timedelta
from typing import Final

from django import db
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from imaging.storage import tiers
from imaging.storage.errors import StorageError
from imaging.storage.models import ObjectCopy, StoredObject

logger = logging.getLogger(__name__)

_BATCH: Final = 200
#: Seconds between two rounds.
_EVERY: Final = 60.0
#: Headers and pictures are small, and read by every page: they stay.
_KINDS: Final = (StoredObject.Kind.DICOM, StoredObject.Kind.FRAMES, StoredObject.Kind.REFUSED)
_SOUND: Final = (ObjectCopy.State.WRITTEN, ObjectCopy.State.VERIFIED)


def run(keep: timedelta | int, stopping: threading.Event) -> None:
    """Keep to the limit until ``stopping`` is set: an age since the last reading, or a number of bytes."""
    while not stopping.is_set():
        try:
            make_room(keep, stopping)
        except (db.OperationalError, db.InterfaceError, OSError) as error:
            logger.warning("Local copies cannot leave now: %s.", type(error).__name__)
            db.connections.close_all()
        stopping.wait(_EVERY)
    db.connections.close_all()


def make_room(keep: timedelta | int, stopping: threading.Event | None = None) -> int:
    """Let local copies go that are beyond ``keep``; how many have left."""
    tier = tiers.write_tier()
    left = _finish(tier)
    over = spare_bytes(tier) - keep if isinstance(keep, int) else 0
    while stopping is None or not stopping.is_set():
        batch = list(_spare(tier).select_related("stored_object").order_by("spare_since")[:_BATCH])
        leaving: list[int] = []
        moved = False
        for copy in batch:
            if isinstance(keep, int) and over <= 0:
                break
            if isinstance(keep, timedelta) and copy.spare_since and copy.spare_since > timezone.now() - keep:
                break
            if _was_read(copy) or not _may_leave(copy):
                moved = True
                continue
            leaving.append(copy.pk)
            over -= copy.stored_object.length
        left += _finish(tier) if leaving else 0
        if not leaving and not moved:
            break
    if left:
        logger.info("%d local copies have left: a store holds them, verified.", left)
    return left


def spare_bytes(tier: str) -> int:
    """Bytes here that a store holds as well."""
    return _spare(tier).aggregate(total=Sum("stored_object__length"))["total"] or 0


def _spare(tier: str) -> QuerySet[ObjectCopy]:
    return ObjectCopy.objects.filter(
        tier=tier, spare_since__isnull=False, state__in=_SOUND, stored_object__kind__in=_KINDS
    )


def _was_read(copy: ObjectCopy) -> bool:
    """Whether it was read since it could be spared; then it goes to the end of the line."""
    at: datetime | None = tiers.last_read(copy.tier, copy.location)
    if at is None or copy.spare_since is None or not copy.spare_since < at <= timezone.now():
        return False
    ObjectCopy.objects.filter(pk=copy.pk, spare_since=copy.spare_since).update(spare_since=at)
    return True


def _may_leave(copy: ObjectCopy) -> bool:
    """Mark a copy as leaving, if a store that answers holds a verified one now; otherwise it is no longer spare."""
    with transaction.atomic():
        # Locked, so that nobody finds the other copy damaged in between without our seeing it.
        others = ObjectCopy.objects.select_for_update().filter(
            stored_object_id=copy.stored_object_id, state=ObjectCopy.State.VERIFIED, tier__in=tiers.copy_tiers()
        )
        mine = ObjectCopy.objects.filter(pk=copy.pk, state__in=_SOUND)
        if any(_holds(other, copy.stored_object.length) for other in others if other.pk != copy.pk):
            return bool(mine.update(state=ObjectCopy.State.LEAVING))
        # Taken into the line again when it has been copied once more.
        mine.update(spare_since=None)
        return False


def _holds(copy: ObjectCopy, length: int) -> bool:
    """Whether the store says so itself. Raises ``OSError`` when it does not answer: then nothing leaves."""
    try:
        return tiers.size(copy.tier, copy.location) == length
    except StorageError:
        return False


def _finish(tier: str) -> int:
    """Remove the files of copies that are leaving, then their rows; how many."""
    finished = 0
    while True:
        with transaction.atomic():
            rows = ObjectCopy.objects.select_for_update(skip_locked=True).filter(
                tier=tier, spare_since__isnull=False, state=ObjectCopy.State.LEAVING
            )
            batch = list(rows.order_by("spare_since")[:_BATCH])
            for copy in batch:
                tiers.delete(copy.tier, copy.location)
            ObjectCopy.objects.filter(pk__in=[copy.pk for copy in batch]).delete()
        finished += len(batch)
        if not batch:
            return finished
