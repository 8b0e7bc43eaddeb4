"""Which studies lie in the sets that are lent to a reader: the feature that keeps the sets says so, as a condition in SQL.

A scope names the sets alone (``Scope.lent``). The condition is asked with every row, so that a study is out of a set at every
door at once, and a set of twenty thousand studies costs a reader no more than one of two.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Sets:
    """What a feature knows of its sets, given their primary keys.

    ``condition`` takes the path at which a row has its study's primary key ("pk" for the study itself) and is true for what
    lies in one of the sets now; ``names`` are how the audit names those of them that lend a study (its primary key) now.
    """

    condition: Callable[[str, Collection[int]], Q]
    names: Callable[[int, Collection[int]], Sequence[str]]


_SETS: Final[list[Sets]] = []


def register(sets: Sets) -> None:
    """Say what lies in sets; registering it again replaces it."""
    _SETS[:] = [sets]


def condition(path: str, keys: Collection[int]) -> Q:
    """Return the condition that the study at ``path`` lies in one of these sets; nothing does where no feature keeps any."""
    return _SETS[0].condition(path, keys) if _SETS else Q(pk__in=[])


def names(study: int, keys: Collection[int]) -> Sequence[str]:
    """Return which of these sets lend a study now, as the audit names them."""
    return _SETS[0].names(study, keys) if _SETS else []
