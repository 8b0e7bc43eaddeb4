"""How the tiers are: how full, what waits for them and what is wrong. Asked of a few thousand rows, however many there are."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from accounts import audit
from accounts.actor import Actor
from imaging.storage import tiers
from imaging.storage.errors import ObjectMissing
from imaging.storage.models import CopyOrder

#: Orders that are looked at, tier by tier: a new store begins with millions of them.
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Condition:
    """One tier. ``total`` and ``free`` are bytes of its disk, None in a store without such a limit.

    ``waiting`` and ``problems`` (by code) are counted to `MOST`; ``is_configured`` is false for one that only orders name.
    """

    tier: str
    is_written_first: bool
    is_configured: bool
    total: int | None = None
    free: int | None = None
    waiting: int = 0
    oldest_at: datetime | None = None
    problems: Mapping[str, int] = field(default_factory=dict)

    @property
    def full_percent(self) -> int | None:
        """How full it is."""
        return round(100 * (1 - self.free / self.total)) if self.total and self.free is not None else None

    @property
    def is_counted_out(self) -> bool:
        """Whether more wait than were counted."""
        return self.waiting >= MOST

    @property
    def failing(self) -> int:
        """How many of those that wait have met a problem."""
        return sum(self.problems.values())


def conditions() -> list[Condition]:
    """Return every tier, the one written to first at the head. Two bounded queries a tier of copies."""
    first = tiers.write_tier()
    named = CopyOrder.objects.order_by("tier").values_list("tier", flat=True).distinct()
    others = sorted({*tiers.copy_tiers(), *named} - {first})
    return [_of(first, is_first=True), *(_of(tier, is_first=False) for tier in others)]


def _of(tier: str, *, is_first: bool) -> Condition:
    room: tuple[int, int] | None = None
    is_configured = is_first or tier in tiers.copy_tiers()
    with suppress(OSError, ObjectMissing):
        room = tiers.room(tier)
    total, free = room or (None, None)
    if is_first:
        return Condition(tier, is_written_first=True, is_configured=True, total=total, free=free)
    orders = CopyOrder.objects.filter(tier=tier)
    problems = Counter(orders.order_by("due_at").values_list("problem", flat=True)[:MOST])
    waiting = sum(problems.values())
    del problems[""]
    oldest = orders.order_by("pk").values_list("created_at", flat=True).first() if waiting else None
    return Condition(
        tier,
        is_written_first=False,
        is_configured=is_configured,
        total=total,
        free=free,
        waiting=waiting,
        oldest_at=oldest,
        problems=dict(problems),
    )


def try_failed_now(tier: str, *, actor: Actor) -> int:
    """Make the copies of a tier that met a problem due at once, as a person asked. How many: at most `MOST` a time."""
    with transaction.atomic():
        failed = CopyOrder.objects.filter(tier=tier).exclude(problem="").order_by("pk").values("pk")[:MOST]
        count = CopyOrder.objects.filter(pk__in=failed).update(due_at=Now())
        audit.record(
            audit.Action.STEP_RETRIED,
            actor=actor,
            subject_type="copy_order",
            subject_uid=tier,
            detail={"via": "admin", "count": count},
        )
    return count
