"""What others lend to a person: sets of objects that a feature keeps, each with the rights on what lies in it.

The feature registers one function here. It is asked whenever a person's scope is built, so that whoever is taken out of a set
sees nothing of it from the next request on. What lies in a set is no matter of this application.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from accounts.models import User

if TYPE_CHECKING:
    from accounts.roles import Right

#: From a person, and the departments in which they see objects, to pairs of a set's primary key and rights.
Lender = Callable[[User, frozenset[int]], "Iterable[tuple[int, frozenset[Right]]]"]

_LENDERS: Final[list[Lender]] = []


def register(lender: Lender) -> None:
    """Add who lends; the one there is. Registering another replaces it: keys of two kinds of sets must never meet."""
    _LENDERS[:] = [lender]


def lent_to(user: User, departments: frozenset[int]) -> "Iterable[tuple[int, frozenset[Right]]]":
    """Return what is lent to a person who sees objects in these departments: each set with its rights."""
    return [pair for lender in _LENDERS for pair in lender(user, departments)]
