"""What a reader asks of the reading list, as it stands in the address: hostile, so that what is not understood is left out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from django.http import QueryDict

_LONGEST: Final = 64
_MOST: Final = 20
_PRIORITIES: Final = {"stat": 0, "urgent": 1, "routine": 2}
_LARGEST: Final = 2**63
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Show(StrEnum):
    """Which part of the list."""

    OPEN = "open"
    MINE = "mine"
    COSIGN = "cosign"
    DONE = "done"
    NOT_READ = "notread"


@dataclass(frozen=True, slots=True)
class Place:
    """The row after which a page begins: its key and its primary key."""

    priority: int
    moment: datetime
    pk: int

    @property
    def written(self) -> str:
        """As it stands in an address."""
        return f"{self.priority}.{_micros(self.moment)}.{self.pk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingFilters:
    """What is asked for; empty values ask for everything."""

    show: Show = Show.OPEN
    modalities: tuple[str, ...] = ()
    subspecialties: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    departments: tuple[int, ...] = ()
    is_unlocked: bool = False
    after: Place | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything hides rows."""
        return bool(self.modalities or self.subspecialties or self.priorities or self.departments or self.is_unlocked)


def read(query: QueryDict) -> ReadingFilters:
    """Understand an address. What it says beside is left out; values are capped in number and length."""
    return ReadingFilters(
        show=_show(query.get("show", "")),
        modalities=_words(query, "modality"),
        subspecialties=_words(query, "subspecialty"),
        priorities=tuple(_PRIORITIES[name] for name in dict.fromkeys(query.getlist("priority")) if name in _PRIORITIES),
        departments=tuple(
            int(text)
            for text in dict.fromkeys(query.getlist("department")[:_MOST])
            if text.isascii() and text.isdigit() and len(text) < len(str(_LARGEST))
        ),
        is_unlocked=query.get("free") == "1",
        after=_place(query.get("after", "")),
    )


def address(filters: ReadingFilters, *, after: Place | None = None) -> str:
    """The query string that ``read`` understands as these filters."""
    query = QueryDict(mutable=True)
    if filters.show is not Show.OPEN:
        query["show"] = filters.show
    names = {number: name for name, number in _PRIORITIES.items()}
    query.setlist("priority", [names[number] for number in filters.priorities])
    query.setlist("modality", list(filters.modalities))
    query.setlist("subspecialty", list(filters.subspecialties))
    query.setlist("department", [str(pk) for pk in filters.departments])
    if filters.is_unlocked:
        query["free"] = "1"
    if after is not None:
        query["after"] = after.written
    return query.urlencode()


def _show(text: str) -> Show:
    return Show(text) if text in set(Show) else Show.OPEN


def _words(query: QueryDict, name: str) -> tuple[str, ...]:
    found = (text.strip()[:_LONGEST].replace("\x00", "") for text in query.getlist(name)[:_MOST])
    return tuple(dict.fromkeys(filter(None, found)))


def _place(text: str) -> Place | None:
    parts = text.split(".")
    if len(text) > _LONGEST or len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    priority, moment, pk = (int(part) for part in parts)
    if priority > 2 or pk >= _LARGEST:
        return None
    try:
        return Place(priority, _EPOCH + timedelta(microseconds=moment), pk)
    except OverflowError:
        return None


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
