"""The change feed as one reader may see it: what changed of the studies in scope, in order, without a gap."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef

from accounts.scope import Scope
from imaging.events import changes
from imaging.events.models import Change
from imaging.studies.models import Study

MOST: Final = 500
#: Lines that one request looks at: a reader who may see little still gets on, in bounded time.
_WINDOW: Final = 5_000


class Forgotten(Exception):
    """The reader's place is older than what is kept, or of another archive: what was missed is found by asking the list again.

    ``first`` is the sequence number from which the feed is complete.
    """

    def __init__(self, first: int) -> None:
        super().__init__(f"the feed begins at {first}")
        self.first = first


@dataclass(frozen=True, slots=True)
class ChangePage:
    """Lines after a place. ``next_after`` is the place to ask from next; ``more`` whether that is worth doing at once."""

    changes: Sequence[Change]
    next_after: int
    more: bool


def changes_after(scope: Scope, after: int, *, limit: int = 100) -> ChangePage:
    """Up to ``limit`` changes of studies that ``scope`` may list now, after the sequence number ``after``; 0 is the beginning.

    Raises ``Forgotten`` when lines after ``after`` are no longer kept.
    """
    limit = max(1, min(limit, MOST))
    first, last = changes.bounds()
    if after > last or 0 < after < first - 1:
        raise Forgotten(first)
    end = min(last, max(after, first - 1) + _WINDOW)
    lines: list[Change] = []
    if not scope.is_empty:
        visible = Study.objects.visible_to(scope).filter(study_instance_uid=OuterRef("study_instance_uid"))
        told = Change.objects.filter(Exists(visible), sequence__gt=after, sequence__lte=end)
        lines = list(told.order_by("sequence")[: limit + 1])
    if len(lines) > limit:
        return ChangePage(lines[:limit], lines[limit - 1].sequence, more=True)
    return ChangePage(lines, end, more=end < last)
