"""The modality worklist: the steps that are booked in rooms and not yet done, as a machine asks for them (IHE RAD-5).

A station sees every patient who is booked in its own rooms and in those of its departments, the protected among them: it is to
examine them.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import matching
from imaging.dicom.matching import Key
from imaging.orders.models import ScheduledStep
from imaging.orders.performing import worklist_keys
from imaging.orders.performing.stations import Station, rooms_of
from imaging.orders.performing.worklist_items import Item, Items
from imaging.studies.finding.time_limit import time_limit

#: Steps that one question is answered with.
MOST_STEPS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what was found, in order of time. ``more`` says whether others follow, ``not_matched`` which keys did not count."""

    items: list[Item]
    more: bool
    not_matched: tuple[Key, ...] = ()


def pages(station: Station, keys: Sequence[Key], *, actor: Actor, first: int, size: int) -> Iterator[Page]:
    """The booked steps of a station's rooms that the keys ask for: ``first`` of them at once, then ``size`` at a time.

    Which ones is decided with the first page; a step that is done by the time that its turn comes is left out. Dates and times
    are of the current time zone. The question is on record. Raises ``SearchTooBroad``.
    """
    kept, ignored = worklist_keys.divided(keys)
    with time_limit():
        found = list(steps(station, kept).values_list("pk", flat=True)[: MOST_STEPS + 1])
    more, found = len(found) > MOST_STEPS, found[:MOST_STEPS]
    _record(keys, actor=actor, found=len(found))
    start, end = 0, first
    while True:
        part = found[start:end]
        yield Page(_items(part), more or end < len(found), ignored)
        if end >= len(found):
            return
        start, end = end, end + size


def steps(station: Station, keys: Sequence[Key]) -> QuerySet[ScheduledStep]:
    """The booked steps of a station's rooms that all keys choose, in order of time."""
    # Rooms are few: named by number, the steps' indexes by station, modality and time serve the rest.
    rooms = list(rooms_of(station).values_list("pk", flat=True))
    rows = ScheduledStep.objects.filter(
        worklist_keys.condition(keys),
        status__in=ScheduledStep.LIVE,
        room__in=rooms,
        request__state__in=worklist_keys.OPEN,
    )
    return rows.order_by("starts_at", "pk")


def _items(ids: Sequence[int]) -> list[Item]:
    rows = ScheduledStep.objects.filter(pk__in=ids, status__in=ScheduledStep.LIVE).select_related(
        "room__department__site",
        "room__station",
        "request__patient",
        "request__procedure",
        "request__requester",
        "request__requesting_department",
    )
    found: dict[Any, ScheduledStep] = rows.in_bulk()
    steps = [found[pk] for pk in ids if pk in found]
    return Items(steps).all()


def _record(keys: Sequence[Key], *, actor: Actor, found: int) -> None:
    """Once in a while for the same question of the same machine: most ask every minute."""
    asked = {key.name: matching.written(key.match) for key in keys if not key.is_universal}
    digest = hashlib.sha256(repr(sorted(asked.items())).encode("utf-8", "replace")).hexdigest()[:32]
    audit.record_read(
        audit.Action.WORKLIST_ASKED,
        actor=actor,
        subject_type="worklist",
        subject_uid=digest,
        detail={"keys": asked, "found": found},
    )
