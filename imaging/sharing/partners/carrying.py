"""What whoever carries objects to a partner promises: the doors speak the protocols, and know nothing of transfers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from imaging.sharing.models import Partner


class Taken(StrEnum):
    """What a partner did with one object."""

    STORED = "stored"
    WARNED = "warned"
    REFUSED = "refused"


class Content(Protocol):
    """The bytes of an object as it goes out: a Part 10 file, read in pieces."""

    @property
    def length(self) -> int:
        """How many bytes there are."""

    def read(self) -> Iterator[bytes]:
        """Read them from beginning to end."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One object on its way."""

    sop_class_uid: str
    transfer_syntax_uid: str
    content: Content


@dataclass(frozen=True, slots=True)
class Answer:
    """What a partner said of one object. ``problem`` has a sentence (``words.py``); ``words`` are the partner's own."""

    taken: Taken
    problem: str = ""
    status: int | None = None
    words: str = ""


STORED: Final = Answer(Taken.STORED)


class Away(Exception):
    """The partner cannot be reached, or cannot take anything now: it is tried again by itself."""

    def __init__(self, problem: str, words: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.words = words


class TurnedAway(Exception):
    """The partner takes nothing of us, and will not until somebody changes a setting: trying again by itself is no use."""

    def __init__(self, problem: str, words: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.words = words


class Line(Protocol):
    """An open connection to a partner."""

    def store(self, parcel: Parcel) -> Answer:
        """Hand one object over. Raises :class:`Away`, :class:`TurnedAway`, and what reading the object raises."""


#: SOP class and transfer syntax of objects that are to be sent.
Forms = Sequence[tuple[str, str]]
#: Opens a line for objects of these forms. Raises :class:`Away` and :class:`TurnedAway`.
Carrier = Callable[[Partner, Forms], AbstractContextManager[Line]]


def of_status(status: int, words: str = "") -> Answer:
    """Return what a status of the storage service means (PS3.4 table B.2-1, PS3.7 annex C; PS3.18 I.2 has the same codes).

    Raises :class:`Away` for a partner that has no room now, :class:`TurnedAway` where it says that we may not.
    """
    said = "".join(char for char in words if char.isprintable())[:200]
    if status == _SUCCESS:
        return STORED
    if status in _WARNINGS:
        return Answer(Taken.WARNED, _WARNINGS[status], status, said)
    if status >> 8 == _OUT_OF_RESOURCES:
        raise Away("partner_full", said)
    if status == _NOT_AUTHORISED:
        raise TurnedAway("not_authorised", said)
    return Answer(Taken.REFUSED, _FAILURES.get(status) or _RANGES.get(status >> 8, "not_understood"), status, said)


_SUCCESS: Final = 0x0000
_OUT_OF_RESOURCES: Final = 0xA7
_NOT_AUTHORISED: Final = 0x0124
_WARNINGS: Final = {
    0x0001: "taken_partly",
    0x0107: "taken_partly",
    0x0116: "coerced",
    0xB000: "coerced",
    0xB006: "taken_partly",
    0xB007: "unlike_its_class",
}
_FAILURES: Final = {
    0x0110: "processing_failed",
    0x0111: "known_otherwise",
    0x0117: "not_understood",
    0x0122: "class_not_taken",
    0xC122: "syntax_not_taken",
}
_RANGES: Final = {0xA9: "unlike_its_class"}
