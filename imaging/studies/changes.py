"""The change feed as one reader may see it: what changed of the studies in scope and what left it, in order, without a gap."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Exists, OuterRef, Q

from accounts.roles import Right
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
    """Up to ``limit`` changes that concern ``scope`` now, after the sequence number ``after``; 0 is the beginning.

    Raises ``Forgotten`` when lines after ``after`` are no longer kept.
    """
    limit = max(1, min(limit, MOST))
    first, last = changes.bounds()
    if after > last or 0 < after < first - 1:
        raise Forgotten(first)
    end = min(last, max(after, first - 1) + _WINDOW)
    lines: list[Change] = []
    if not scope.is_empty:
        told = Change.objects.filter(_concerns(scope), sequence__gt=after, sequence__lte=end)
        lines = list(told.order_by("sequence")[: limit + 1])
    if len(lines) > limit:
        return ChangePage(lines[:limit], lines[limit - 1].sequence, more=True)
    return ChangePage(lines, end, more=end < last)


def _concerns(scope: Scope) -> Q:
    """The condition that a line is told: of a study that may be listed, or that could be and cannot be any more."""
    visible = Q(Exists(Study.objects.visible_to(scope).filter(study_instance_uid=OuterRef("study_instance_uid"))))
    removed = Q(kind=Change.Kind.STUDY_REMOVED)
    return (~removed & visible) | (removed & _had(scope) & ~visible)


def _had(scope: Scope) -> Q:
    """The condition that a removed study was one which this reader could list."""
    if scope.is_unrestricted:
        return Q()
    placed = Q(pk__in=[])
    for labels, departments in scope.label_sets(Right.LIST).items():
        placed |= Q(departments__overlap=sorted(departments), sensitivity__in=labels)
    return placed | Q(study_instance_uid__in=scope.studies) if scope.named_with(Right.LIST) else placed


def extent(scope: Scope) -> str:
    """An opaque value of which studies ``scope`` is made of: another one says that the feed alone does not tell all.

    The feed tells what happens to studies. That its reader was given a department, or lost one, happens to none of them.
    """
    held = (
        scope.is_unrestricted,
        sorted(scope.departments_with(Right.LIST)),
        sorted(scope.cleared),
        sorted(scope.clearances),
        [sorted(part) for part in (scope.patients, scope.studies, scope.series, scope.instances)]
        if scope.named_with(Right.LIST)
        else [],
    )
    return hashlib.sha256(repr(held).encode()).hexdigest()[:32]
