"""The change feed's lines: written in order, kept for some months (DESIGN 4.5)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection
from django.db.models import Max, Min
from django.utils import timezone

from imaging.events.models import Change, Event
from imaging.events.services import Happened

#: What the feed tells of. That a series has begun is our own business: its study has changed as well.
TOLD: Final = frozenset({Event.Kind.STUDY_CHANGED, Event.Kind.STUDY_SETTLED})
DAYS_KEPT: Final = 90

#: Numbers are drawn and committed by one transaction at a time: no number ever appears below one that was read.
_LOCK: Final = 0x4E_47_43_48


@dataclass(frozen=True, slots=True)
class Removed:
    """A study that these departments (primary keys) had until now, and under which protection they had it."""

    study_instance_uid: str
    departments: tuple[int, ...]
    sensitivity: str = ""


def write(happened: Iterable[Happened], removed: Iterable[Removed] = ()) -> int:
    """Write what is told of these events and removals, in the caller's transaction. How many lines."""
    now = timezone.now()
    lines = [
        Change(kind=event.kind, study_instance_uid=event.subject_uid, changed_at=now)
        for event in happened
        if event.kind in TOLD
    ]
    lines += [
        Change(
            kind=Change.Kind.STUDY_REMOVED,
            study_instance_uid=gone.study_instance_uid,
            changed_at=now,
            departments=list(gone.departments),
            sensitivity=gone.sensitivity,
        )
        for gone in removed
    ]
    if lines:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        Change.objects.bulk_create(lines)
    return len(lines)


def bounds() -> tuple[int, int]:
    """The first sequence number that is kept, and the last one written; (1, 0) for an empty feed."""
    found = Change.objects.aggregate(first=Min("sequence"), last=Max("sequence"))
    return found["first"] or 1, found["last"] or 0


def prune(*, days: int = DAYS_KEPT) -> int:
    """Forget lines of long ago. The last one stays, so that the feed's end is always known. How many."""
    _first, last = bounds()
    old = Change.objects.filter(changed_at__lt=timezone.now() - timedelta(days=days), sequence__lt=last)
    return old.delete()[0]
