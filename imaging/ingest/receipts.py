"""What each sender handed over, hour by hour, and what became of it: one statement per batch, no patient data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.utils import timezone

_COUNTS: Final = ("new", "duplicate", "conflict", "quarantined", "refused")
#: One row per hour, door and sender; whoever comes second adds.
_UPSERT = """
    INSERT INTO imaging_receipt (hour, door, sender, new, duplicate, conflict, quarantined, refused, octets,
                                 longest_wait, last_at, last_address, last_refusal)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (hour, door, sender) DO UPDATE SET
        new = imaging_receipt.new + EXCLUDED.new,
        duplicate = imaging_receipt.duplicate + EXCLUDED.duplicate,
        conflict = imaging_receipt.conflict + EXCLUDED.conflict,
        quarantined = imaging_receipt.quarantined + EXCLUDED.quarantined,
        refused = imaging_receipt.refused + EXCLUDED.refused,
        octets = imaging_receipt.octets + EXCLUDED.octets,
        longest_wait = greatest(imaging_receipt.longest_wait, EXCLUDED.longest_wait),
        last_at = greatest(imaging_receipt.last_at, EXCLUDED.last_at),
        last_address = EXCLUDED.last_address,
        last_refusal = coalesce(nullif(EXCLUDED.last_refusal, ''), imaging_receipt.last_refusal)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One object that a sender handed over. ``outcome`` is a count of ``Receipt``; ``waited`` is in seconds."""

    door: str
    sender: str
    outcome: str
    address: str = ""
    octets: int = 0
    waited: float = 0.0
    refusal: str = ""


def record(handed: Iterable[Handed], *, at: datetime | None = None) -> None:
    """Add these to the receipts of their senders, in the caller's transaction if there is one."""
    moment = (at or timezone.now()).astimezone(UTC)
    hour = moment.replace(minute=0, second=0, microsecond=0)
    groups: dict[tuple[str, str], list[Handed]] = {}
    for item in handed:
        groups.setdefault((item.door[:16], _text(item.sender, 64)), []).append(item)
    # Sorted, so that two writers lock shared rows in the same order.
    rows: list[tuple[Any, ...]] = [(hour, *key, *_sums(group, moment)) for key, group in sorted(groups.items())]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_UPSERT, rows)


def _sums(group: list[Handed], moment: datetime) -> tuple[object, ...]:
    counts = [sum(item.outcome == name for item in group) for name in _COUNTS]
    refusals = [item.refusal for item in group if item.refusal]
    return (
        *counts,
        sum(item.octets for item in group),
        max(item.waited for item in group),
        moment,
        _text(group[-1].address, 64),
        _text(refusals[-1], 200) if refusals else "",
    )


def _text(value: str, limit: int) -> str:
    return value.replace("\x00", "")[:limit]
