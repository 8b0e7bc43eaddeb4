"""What came and what waits: figures out of the receipts, one row per hour, door and sender, and out of the spool's folder."""

import datetime as dt
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db.models import F, Sum
from django.utils import timezone

from accounts.roles import Door
from imaging.ingest.models import ApplicationEntity, Receipt
from imaging.ingest.spool import Spool
from imaging.studies.finding.relative_days import midnight

#: The first days of a portal are an import or a trial: no pace of a hospital.
_SETTLING: Final = dt.timedelta(days=3)
_TAKEN: Final = F("new") + F("duplicate") + F("conflict") + F("quarantined")


@dataclass(frozen=True, slots=True)
class Hour:
    """Objects of one hour: taken in, and refused."""

    taken: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Depth:
    """The spool: objects that wait for registration, seconds of the oldest, and the disk: bytes, free ones, kept free."""

    objects: int
    oldest: float
    total: int
    free: int
    reserve: int

    @property
    def is_near_reserve(self) -> bool:
        """Whether new objects will soon be refused: less than twice the reserve is free."""
        return self.free < 2 * self.reserve


def today_by_hour() -> list[tuple[dt.datetime, Hour]]:
    """Return the hours of today in the present time zone, with what came in each; the one that comes twice in autumn once."""
    start = midnight(timezone.localdate())
    rows = Receipt.objects.filter(hour__gte=start, hour__lt=start + dt.timedelta(days=1)).order_by()
    sums = rows.values("hour").annotate(taken=Sum(_TAKEN), turned=Sum("refused"))
    found: dict[int, Hour] = {}
    for row in sums:
        hour = timezone.localtime(row["hour"]).hour
        known = found.get(hour, Hour())
        found[hour] = Hour(known.taken + row["taken"], known.refused + row["turned"])
    return [(start + dt.timedelta(hours=hour), found.get(hour, Hour())) for hour in range(24)]


def octets_per_day(*, days: int = 30) -> float:
    """Return the mean of the bytes that came on each of the last days; of fewer where it is younger, 0 in its first days."""
    since = timezone.now() - dt.timedelta(days=days)
    rows = Receipt.objects.filter(hour__gte=since).order_by("hour")
    first = rows.values_list("hour", flat=True).first()
    if first is None or timezone.now() - first < _SETTLING:
        return 0.0
    total = rows.aggregate(octets=Sum("octets"))["octets"] or 0
    lived = (timezone.now() - first).total_seconds() / 86400
    return float(total / lived)


def today_of_sender(ae_title: str) -> Mapping[str, int]:
    """Return what an application entity handed over today in the present time zone, by what became of it."""
    names = ("new", "duplicate", "conflict", "quarantined", "refused")
    rows = Receipt.objects.filter(sender=ae_title, door=Door.DIMSE, hour__gte=midnight(timezone.localdate()))
    return {name: count or 0 for name, count in rows.aggregate(**{name: Sum(name) for name in names}).items()}


def depth(spool: Spool) -> Depth:
    """Return what waits in the spool of this machine, and how much room there is. Names only: no file is opened."""
    entries = spool.entries()
    oldest = max(time.time() - entries[0].received_ns / 1e9, 0.0) if entries else 0.0
    usage = shutil.disk_usage(settings.SPOOL_DIR if settings.SPOOL_DIR.exists() else settings.DATA_DIR)
    return Depth(len(entries), oldest, usage.total, usage.free, settings.SPOOL_RESERVE(usage.total))


def watched_and_silent() -> tuple[int, list[str]]:
    """Return how many application entities have an alarm, and the titles of those that have fallen silent."""
    rows = ApplicationEntity.objects.filter(is_active=True).exclude(silence_hours=None)
    states = list(rows.order_by("ae_title").values_list("ae_title", "silent_since"))
    return len(states), [title for title, since in states if since is not None]
