"""Programs that come with the word of another system of the hospital: a token that it gave out, and vouches for when asked.

The feature that knows such systems registers one function here. It is asked for a Bearer token that is no machine key, at the
doors where tokens are taken; what the guest may see is what it says, and nothing of it is kept here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from accounts.actor import Actor
from accounts.roles import Door
from accounts.scope import Scope

#: The doors at which another system's tokens are taken.
DOORS: Final = frozenset({Door.FHIR, Door.DICOMWEB})


@dataclass(frozen=True, slots=True)
class Guest:
    """A program that was vouched for: who it is for the audit, what it may see, and which kinds of resources it may read."""

    actor: Actor
    scope: Scope
    kinds: frozenset[str]


#: From a token, the door and the address of who came, to the guest; None for a token that nobody vouches for.
Recogniser = Callable[[str, Door, str], Guest | None]

_RECOGNISERS: Final[list[Recogniser]] = []


def register(recogniser: Recogniser) -> None:
    """Say who vouches; the one there is."""
    _RECOGNISERS[:] = [recogniser]


def recognise(token: str, door: Door, address: str) -> Guest | None:
    """The guest who brings a token, or None."""
    if door not in DOORS:
        return None
    return next((guest for ask in _RECOGNISERS if (guest := ask(token, door, address)) is not None), None)
