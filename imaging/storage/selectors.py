"""Questions about contents and their copies."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils import timezone

from imaging.storage import tiers
from imaging.storage.errors import ObjectMissing, StorageAway
from imaging.storage.models import CopyOrder, ObjectCopy, StoredObject

# A missing copy comes last: it may be there again after a disk is back. Damaged and leaving ones are never read.
_READABLE = {ObjectCopy.State.VERIFIED: 0, ObjectCopy.State.WRITTEN: 0, ObjectCopy.State.MISSING: 1}
_TRUST = {ObjectCopy.State.VERIFIED: 0, ObjectCopy.State.WRITTEN: 1, ObjectCopy.State.MISSING: 2}


@dataclass(frozen=True, slots=True)
class WaitingCopies:
    """What waits for one tier: how many contents, since when, how many of them had a problem, and the latest one."""

    tier: str
    count: int
    oldest_at: datetime | None
    with_problem: int
    problem: str

    @property
    def age(self) -> float:
        """Seconds since the oldest was ordered."""
        return max((timezone.now() - self.oldest_at).total_seconds(), 0.0) if self.oldest_at else 0.0


def readable_copies(content: StoredObject) -> list[ObjectCopy]:
    """Copies that may be read, the best first: the local one, then those elsewhere, the most trusted of them first."""
    here = tiers.write_tier()

    def rank(copy: ObjectCopy) -> tuple[int, bool, int, int]:
        state = ObjectCopy.State(copy.state)
        return _READABLE[state], copy.tier != here, _TRUST[state], copy.pk

    return sorted((copy for copy in content.copies.all() if copy.state in _READABLE), key=rank)


def lost(lengths: Mapping[int, int]) -> frozenset[int]:
    """Those of these contents, by primary key with their length, of which no copy can be read. One query.

    A copy here is looked for; one in a store on the network is believed. What lies there with another length counts as
    lost; whether the bytes are still the same is known when they are read. Raises ``StorageAway`` when the disk does not
    answer.
    """
    remote = set(tiers.copy_tiers())
    rows = ObjectCopy.objects.filter(stored_object__in=list(lengths), state__in=_READABLE)
    found: set[int] = set()
    try:
        for pk, tier, location, state in rows.values_list("stored_object_id", "tier", "location", "state").iterator():
            if pk in found:
                continue
            is_believed = tier in remote and state != ObjectCopy.State.MISSING
            if is_believed or _lies_there(tier, location) == lengths[pk]:
                found.add(pk)
    except OSError as error:
        raise StorageAway("a tier does not answer") from error
    return frozenset(lengths) - found


def _lies_there(tier: str, location: str) -> int | None:
    """Length of what lies there; None where there is nothing, or no such tier any more."""
    try:
        return tiers.size(tier, location)
    except ObjectMissing:
        return None


def contents_by_digest(kind: str, digests: Iterable[str]) -> dict[str, StoredObject]:
    """Contents of one kind by the SHA-256 of their file."""
    rows = StoredObject.objects.filter(kind=kind, file_sha256__in=set(digests))
    return {row.file_sha256: row for row in rows}


def waiting_copies() -> list[WaitingCopies]:
    """What waits for the copier, tier by tier; a tier without anything to wait for is there with a count of 0."""
    rows = (
        CopyOrder.objects.values("tier")
        .annotate(count=Count("pk"), oldest_at=Min("created_at"), with_problem=Count("pk", filter=~Q(problem="")))
        .values_list("tier", "count", "oldest_at", "with_problem")
    )
    found = {
        tier: WaitingCopies(tier, count, oldest_at, with_problem, _problem(tier) if with_problem else "")
        for tier, count, oldest_at, with_problem in rows
    }
    return [found.get(tier) or WaitingCopies(tier, 0, None, 0, "") for tier in sorted({*tiers.copy_tiers(), *found})]


def _problem(tier: str) -> str:
    """The problem of the oldest order that has one."""
    orders = CopyOrder.objects.filter(tier=tier).exclude(problem="").order_by("created_at")
    return orders.values_list("problem", flat=True).first() or ""
