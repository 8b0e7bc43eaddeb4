"""The queue of copies: contents lie in the landing tier first, and an order says where else they are to lie.

An order is written in the transaction that keeps the content, so that none is forgotten; the copier (``copier``) takes
orders with ``SKIP LOCKED`` and a lease, and several copiers may run. All times are the database's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Now

from imaging.storage import naming, tiers
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject

#: Seconds until the orders of a copier that died are taken by another; a living one extends its lease.
LEASE: Final = 60.0
#: Seconds until an order is tried again: for each failure of its own, never for a store that was away.
_BACKOFF: Final = (5, 30, 120, 600, 3600)
_BATCH: Final = 1000

#: Pictures are made again from what they show, and stay where they are seen.
KINDS: Final = frozenset(
    {
        StoredObject.Kind.DICOM,
        StoredObject.Kind.SEGMENT,
        StoredObject.Kind.FRAMES,
        StoredObject.Kind.REFUSED,
        StoredObject.Kind.REPORT,
        StoredObject.Kind.ATTACHMENT,
    }
)
_SOUND: Final = (ObjectCopy.State.WRITTEN, ObjectCopy.State.VERIFIED)

_CLAIM = """
    UPDATE imaging_copyorder SET attempts = least(attempts + 1, 32000),
                                 due_at = clock_timestamp() + %s * interval '1 second'
    WHERE id IN (SELECT id FROM imaging_copyorder WHERE tier = %s AND due_at <= clock_timestamp()
                 ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
    RETURNING id, stored_object_id, attempts
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An order in hand. ``attempts`` counts this one; the content comes with its copies."""

    id: int
    tier: str
    content: StoredObject
    attempts: int

    @property
    def location(self) -> str:
        """The name that the copy gets."""
        return naming.location(self.content.kind, self.content.file_sha256)


def order(contents: Iterable[StoredObject]) -> None:
    """Order the copies that these contents lack, in the caller's transaction."""
    rows = [content for content in contents if content.kind in KINDS]
    if not rows:
        return
    for tier in tiers.copy_tiers():
        there = set(
            ObjectCopy.objects.filter(stored_object__in=rows, tier=tier, state__in=_SOUND).values_list(
                "stored_object_id", flat=True
            )
        )
        CopyOrder.objects.bulk_create(
            [CopyOrder(stored_object=row, tier=tier) for row in rows if row.pk not in there],
            batch_size=_BATCH,
            ignore_conflicts=True,
        )


def order_existing() -> Iterator[int]:
    """Order every copy that is missing, from the oldest content on; yields how many were looked at, by batches."""
    last = 0
    while True:
        batch = list(StoredObject.objects.filter(pk__gt=last, kind__in=KINDS).order_by("pk")[:_BATCH])
        if not batch:
            return
        order(batch)
        last = batch[-1].pk
        yield len(batch)


def claim(tier: str, most: int) -> list[Claimed]:
    """Take up to ``most`` orders that are due, the one due for longest first. No two copiers get the same one."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [LEASE, tier, most])
        rows = cursor.fetchall()
    contents = StoredObject.objects.prefetch_related("copies").in_bulk([content_id for _id, content_id, _ in rows])
    return [
        Claimed(order_id, tier, contents[content_id], attempts)
        for order_id, content_id, attempts in rows
        if content_id in contents
    ]


def extend(orders: Iterable[Claimed]) -> None:
    """Keep these in hand."""
    _rows(orders).update(due_at=Now() + timedelta(seconds=LEASE))


@transaction.atomic
def settle(orders: Sequence[Claimed]) -> None:
    """Write down copies that lie in their tier and were read back, and end their orders."""
    if not orders:
        return
    tier = orders[0].tier
    # Sorted, so that two copiers with the same contents wait for each other in the same order.
    rows = [
        ObjectCopy(
            stored_object=item.content,
            tier=tier,
            location=item.location,
            state=ObjectCopy.State.VERIFIED,
            verified_at=Now(),
        )
        for item in sorted(orders, key=lambda item: item.content.pk)
    ]
    ObjectCopy.objects.bulk_create(
        rows,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["stored_object", "tier"],
        update_fields=["location", "state", "verified_at"],
    )
    ObjectCopy.objects.filter(
        stored_object__in=[item.content.pk for item in orders], tier=tiers.write_tier(), spare_since=None
    ).exclude(tier=tier).update(spare_since=Now())
    _rows(orders).delete()


def fail(item: Claimed, problem: str) -> None:
    """Say that this content could not be copied: it is tried again after a growing pause."""
    pause = _BACKOFF[min(item.attempts, len(_BACKOFF)) - 1]
    _rows([item]).update(due_at=Now() + timedelta(seconds=pause), problem=problem)


def postpone(orders: Iterable[Claimed], problem: str, *, pause: float) -> None:
    """Put orders off because their store is away: that is no attempt, however often it happens."""
    _rows(orders).update(
        due_at=Now() + timedelta(seconds=pause), attempts=Greatest(F("attempts") - 1, 0), problem=problem
    )


def give_back(orders: Iterable[Claimed]) -> None:
    """Let go of orders that were not begun; another copier may take them at once."""
    _rows(orders).update(due_at=Now(), attempts=Greatest(F("attempts") - 1, 0))


def try_now(order_ids: Iterable[int]) -> int:
    """Make orders due, as a person asked. How many there were."""
    return CopyOrder.objects.filter(pk__in=list(order_ids)).update(due_at=Now())


def _rows(orders: Iterable[Claimed]) -> QuerySet[CopyOrder]:
    return CopyOrder.objects.filter(pk__in=[item.id for item in orders])
