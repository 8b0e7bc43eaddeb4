"""Search parameters, read from their text (R4 section 3.1.1.4): tokens, references, dates with prefixes, strings.

Several values in one parameter are alternatives; a parameter that is given several times holds each time.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from imaging.ehr.fhir.outcomes import Refused

_LONGEST: Final = 2_000
_MOST_VALUES: Final = 200
_MOST_TIMES: Final = 8
_ID: Final = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_DATE: Final = re.compile(
    r"(?P<prefix>eq|ne|gt|lt|ge|le|sa|eb|ap)?"
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,9})?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?"
)
_PREFIXES: Final = frozenset({"eq", "gt", "lt", "ge", "le", "sa", "eb"})


class Type(StrEnum):
    """Types of search parameters that are offered here (value set search-param-type)."""

    TOKEN = "token"  # noqa: S105  # a kind of parameter
    REFERENCE = "reference"
    DATE = "date"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a resource. ``target`` is the resource that a reference names, ``element`` the element that holds it."""

    name: str
    type: Type
    about: str
    target: str = ""
    element: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A value and its system: None where any will do, empty where there must be none."""

    value: str
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Moments from ``since`` on, and before ``until``; None is open."""

    since: dt.datetime | None = None
    until: dt.datetime | None = None


#: The values of a parameter: each group must hold, by any of its values.
Groups = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a search asks for, by the names of parameters."""

    given: Mapping[str, Groups]

    def __contains__(self, name: str) -> bool:
        return name in self.given

    def tokens(self, *names: str) -> tuple[tuple[Token, ...], ...]:
        """The tokens of these parameters, which mean the same."""
        return tuple(tuple(_token(text) for text in group) for group in self._groups(names))

    def codes(self, *names: str, system: str) -> tuple[tuple[str, ...], ...]:
        """The codes of tokens of one code system; a code of another is none of ours, and finds nothing."""
        return tuple(
            tuple(token.value for token in group if token.system in {None, system}) for group in self.tokens(*names)
        )

    def ids(self, *names: str, target: str) -> tuple[tuple[str, ...], ...]:
        """The ids that references name. Raises ``Refused`` for a reference to another kind of resource."""
        return tuple(
            tuple(_reference(text, name, target) for text in group) for name in names for group in self._groups((name,))
        )

    def strings(self, *names: str) -> tuple[tuple[str, ...], ...]:
        """Texts."""
        return tuple(tuple(_unescaped(text) for text in group) for group in self._groups(names))

    def periods(self, name: str) -> tuple[Period, ...]:
        """Spans of time, which all hold. Raises ``Refused`` for what is no date, and for alternatives."""
        found = []
        for group in self._groups((name,)):
            if len(group) != 1:
                raise Refused(400, _("One date at a time: several of them cannot be alternatives."), expression=name)
            found.append(_period(group[0], name))
        return tuple(found)

    def span(self, name: str) -> Period:
        """What all the spans of a parameter have in common. Raises ``Refused`` as ``periods``."""
        found = self.periods(name)
        since = max((period.since for period in found if period.since), default=None)
        return Period(since, min((period.until for period in found if period.until), default=None))

    def _groups(self, names: tuple[str, ...]) -> Groups:
        return tuple(group for name in names for group in self.given.get(name, ()))


def divided(name: str, texts: list[str]) -> Groups:
    """The values of one parameter. Raises ``Refused`` for what is too long."""
    if len(texts) > _MOST_TIMES or any(len(text) > _LONGEST for text in texts):
        raise Refused(400, _("This parameter is too long."), code="too-long", expression=name)
    groups = []
    for text in texts:
        values = tuple(part for part in re.split(r"(?<!\\),", text.replace("\x00", "")) if part.strip())
        if not values:
            raise Refused(400, _("This parameter has no value."), code="value", expression=name)
        if len(values) > _MOST_VALUES:
            raise Refused(400, _("There are too many values at once."), code="too-long", expression=name)
        groups.append(values)
    return tuple(groups)


def _unescaped(text: str) -> str:
    r"""The text in which `\,`, `\|`, `\$` and `\\` were meant."""
    return re.sub(r"\\([,|$\\])", r"\1", text)


def _token(text: str) -> Token:
    parts = re.split(r"(?<!\\)\|", text, maxsplit=1)
    if len(parts) == 1:
        return Token(_unescaped(parts[0]))
    return Token(_unescaped(parts[1]), _unescaped(parts[0]))


def _reference(text: str, name: str, target: str) -> str:
    kind, slash, key = text.rpartition("/")
    # The address of a server before it says nothing: what is asked for is looked for here.
    if slash and kind.rpartition("/")[2] != target:
        raise Refused(400, _("This parameter names another kind of resource."), code="value", expression=name)
    if not _ID.fullmatch(key):
        raise Refused(400, _("This is no reference."), code="value", expression=name)
    return key


def _period(text: str, name: str) -> Period:
    found = _DATE.fullmatch(text)
    prefix = (found["prefix"] or "eq") if found else ""
    if found is None or prefix not in _PREFIXES:
        words = _("Write a date as 2026-11-20 or 2026-11-20T08:00:00Z, with eq, ge, gt, le, lt, sa or eb before it.")
        raise Refused(400, words, code="value", expression=name)
    try:
        first, after = _span(found)
    except (ValueError, OverflowError) as error:
        raise Refused(400, _("There is no such day or time."), code="value", expression=name) from error
    if prefix == "eq":
        return Period(first, after)
    if prefix in {"gt", "sa"}:
        return Period(since=after)
    if prefix == "ge":
        return Period(since=first)
    return Period(until=first) if prefix in {"lt", "eb"} else Period(until=after)


def _span(found: re.Match[str]) -> tuple[dt.datetime, dt.datetime]:
    """What a date covers: a year, a month, a day, a minute or a second, in the zone that is told, otherwise in the reader's."""
    part = {name: int(found[name] or least) for name, least in _LEAST.items()}
    first = dt.datetime(**part)  # type: ignore[arg-type]  # noqa: DTZ001  # its zone is told below
    if found["second"]:
        after = first + dt.timedelta(seconds=1)
    elif found["hour"]:
        after = first + dt.timedelta(minutes=1)
    elif found["day"]:
        after = first + dt.timedelta(days=1)
    elif found["month"]:
        after = (first + dt.timedelta(days=31)).replace(day=1)
    else:
        after = first.replace(year=first.year + 1)
    if found["zone"]:
        zone = dt.datetime.fromisoformat(f"2000-01-01T00:00:00{found['zone']}").tzinfo
        return first.replace(tzinfo=zone), after.replace(tzinfo=zone)
    return timezone.make_aware(first), timezone.make_aware(after)


_LEAST: Final = {"year": 1, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
