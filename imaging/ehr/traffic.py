"""How much came from each system and went to each, in the last hour and day, and what waits for a person. Bounded questions."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Max, Q
from django.utils import timezone

from imaging.ehr.models import Hl7Message, Hl7Notice

_HOUR: Final = dt.timedelta(hours=1)
_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Of one system: the last message, how many in an hour and a day, and how many wait for a person."""

    last_at: dt.datetime | None = None
    hour: int = 0
    day: int = 0
    for_a_person: int = 0


NONE: Final = Traffic()


def received() -> dict[int, Traffic]:
    """Messages of each HL7 sender, by its key."""
    now = timezone.now()
    rows = Hl7Message.objects.filter(received_at__gte=now - _DAY, peer__isnull=False).values("peer")
    counted = rows.annotate(
        last=Max("received_at"), day=Count("pk"), hour=Count("pk", filter=Q(received_at__gte=now - _HOUR))
    ).values_list("peer", "last", "hour", "day")
    failed = dict(_by("peer", Hl7Message.objects.filter(state=Hl7Message.State.FAILED, peer__isnull=False)))
    found = {peer: Traffic(last, hour, day, failed.pop(peer, 0)) for peer, last, hour, day in counted}
    return found | {peer: Traffic(for_a_person=count) for peer, count in failed.items()}


def sent() -> dict[int, Traffic]:
    """Messages that each HL7 receiver took, by its key."""
    now = timezone.now()
    rows = Hl7Notice.objects.filter(state=Hl7Notice.State.TAKEN, ended_at__gte=now - _DAY).values("destination")
    counted = rows.annotate(
        last=Max("ended_at"), day=Count("pk"), hour=Count("pk", filter=Q(ended_at__gte=now - _HOUR))
    ).values_list("destination", "last", "hour", "day")
    refused = dict(_by("destination", Hl7Notice.objects.filter(state=Hl7Notice.State.REFUSED)))
    found = {key: Traffic(last, hour, day, refused.pop(key, 0)) for key, last, hour, day in counted}
    return found | {key: Traffic(for_a_person=count) for key, count in refused.items()}


def _by(name: str, rows: object) -> list[tuple[int, int]]:
    return list(rows.order_by().values(name).annotate(count=Count("pk")).values_list(name, "count"))  # type: ignore[attr-defined]
