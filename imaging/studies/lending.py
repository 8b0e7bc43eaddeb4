"""Which studies lie in the sets that are lent to a reader: the feature that keeps the sets says so, as a condition in SQL.

A scope names the sets alone (``Scope.lent``). The condition is asked with every row, so that a study is out of a set at every
door at once, and a set of twenty thousand studies costs a reader no more than one of two.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from accounts.models import User
from accounts.roles import Right


@dataclass(frozen=True, slots=True)
class Sets:
    """What a feature knows of its sets, given their primary keys.

    ``condition`` takes the path at which a row has its study's primary key ("pk" for the study itself) and is true for what
    lies in one of the sets now; ``names`` are those of them that lend a study (its primary key) now, by their own key, as the
    audit names them; ``readers`` is everybody to whom one lends a study, with what it gives them.
    """

    condition: Callable[[str, Collection[int]], Q]
    names: Callable[[int, Collection[int]], Mapping[int, str]]
    readers: Callable[[int], Sequence[tuple[User, frozenset[Right]]]]


_SETS: Final[list[Sets]] = []


def register(sets: Sets) -> None:
    """Say what lies in sets; registering it again replaces it."""
    _SETS[:] = [sets]


def condition(path: str, keys: Collection[int]) -> Q:
    """Return the condition that the study at ``path`` lies in one of these sets; nothing does where no feature keeps any."""
    return _SETS[0].condition(path, keys) if _SETS else Q(pk__in=[])


def names(study: int, keys: Collection[int]) -> Mapping[int, str]:
    """Return which of these sets lend a study now, by their keys, as the audit names them."""
    return _SETS[0].names(study, keys) if _SETS and keys else {}


def readers(study: int) -> Sequence[tuple[User, frozenset[Right]]]:
    """Return everybody to whom a set lends a study now, once for each set, with what it gives them."""
    return _SETS[0].readers(study) if _SETS else []
