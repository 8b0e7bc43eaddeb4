"""How much a sender may hand over on one day, and who is over it. Asked often, so answered from memory for a moment."""

import logging
import threading
import time
from datetime import UTC
from typing import Final

from django import db
from django.db.models import F, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from imaging.ingest.models import Quota, Receipt
from imaging.ingest.routing import fits
from imaging.ingest.source import Source

logger = logging.getLogger(__name__)

_FRESH: Final = 2.0
_MEGABYTE: Final = 1_000_000

Sender = tuple[str, str]


def exhausted() -> frozenset[Sender]:
    """(door, sender) of those who have handed over today (UTC) as much as they may."""
    quotas = list(Quota.objects.filter(is_active=True))
    if not quotas:
        return frozenset()
    today = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    used = (
        Receipt.objects.filter(hour__gte=today)
        .values_list("door", "sender")
        .annotate(
            number=Coalesce(Sum(F("new") + F("duplicate") + F("conflict") + F("quarantined")), 0),
            size=Coalesce(Sum("octets"), 0),
        )
    )
    return frozenset(
        (door, sender)
        for door, sender, number, size in used
        if any(_is_over(quota, number, size) for quota in quotas if _applies(quota, door, sender))
    )


def _applies(quota: Quota, door: str, sender: str) -> bool:
    return quota.door in {"", door} and fits(quota.sender, sender)


def _is_over(quota: Quota, number: int, size: int) -> bool:
    over_number = quota.objects_per_day is not None and number >= quota.objects_per_day
    return over_number or (quota.megabytes_per_day is not None and size >= quota.megabytes_per_day * _MEGABYTE)


class Allowance:
    """Who is over a quota, as of a moment ago: a sender in full flow gets a little more than its quota at most."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._over: frozenset[Sender] = frozenset()
        self._read_at = -_FRESH
        self._lock = threading.Lock()

    def is_used_up(self, source: Source) -> bool:
        """Whether this sender is over a quota. While the database is away, what was known last counts."""
        with self._lock:
            if time.monotonic() - self._read_at >= _FRESH:
                self._read_at = time.monotonic()
                try:
                    self._over = exhausted()
                except db.Error as error:
                    logger.warning("Quotas cannot be read (%s).", type(error).__name__)
            return (source.door, source.sender[:64]) in self._over


allowance: Final = Allowance()
