"""Fields and macros in the text of a template, found and named: pure, and never a reason to lose a text.

``[[size|number mm]]`` a number with its unit, ``[[side|left/right]]`` one of several words, ``[[date of surgery|date]]`` a day,
``[[other findings|text]]`` words; ``[[.normal-lungs]]`` is replaced by the macro of that name. What cannot be read stays as it
was typed, and is told with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_OPTIONS: Final = 20
_LONGEST_LABEL: Final = 60
_LONGEST_OPTION: Final = 80
_DEEPEST: Final = 5
_LONGEST_EXPANDED: Final = 50_000
_OPEN, _CLOSE = "[[", "]]"
_WORD: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_NUMBER: Final = re.compile(r"number(?: +(\S{1,12}))?")


class Kind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    MACRO = "macro"


class Fault(StrEnum):
    """Why something between brackets is no field."""

    NOT_CLOSED = "not_closed"
    NO_LABEL = "no_label"
    UNKNOWN_KIND = "unknown_kind"
    TOO_MANY = "too_many"
    UNKNOWN_MACRO = "unknown_macro"
    ROUND = "round"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Field:
    """A place to fill in; ``start`` and ``end`` are positions in the text, for MACRO ``label`` is its word."""

    label: str
    kind: Kind
    start: int
    end: int
    options: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be read: where (``line`` from 1) and what. ``piece`` is the text as it stands."""

    fault: Fault
    line: int
    piece: str
    start: int


@dataclass(frozen=True, slots=True)
class Found:
    """What a text holds, in order."""

    fields: tuple[Field, ...]
    problems: tuple[Problem, ...]


def find(text: str) -> Found:
    """The fields of a text and what is broken in it. Never fails."""
    fields: list[Field] = []
    problems: list[Problem] = []
    at = 0
    while (start := text.find(_OPEN, at)) >= 0:
        end = text.find(_CLOSE, start)
        line_end = text.find("\n", start)
        following = text.find(_OPEN, start + 2)
        is_open = end < 0 or (0 <= line_end < end) or (0 <= following < end)
        if is_open:
            stop = min(each for each in (line_end, following, start + 40, len(text)) if each > start)
            problems.append(_problem(Fault.NOT_CLOSED, text, start, stop))
            at = start + 2
            continue
        read = _field(text[start + 2 : end], start, end + 2)
        if isinstance(read, Field):
            fields.append(read)
        else:
            problems.append(_problem(read, text, start, end + 2))
        at = end + 2
    return Found(tuple(fields), tuple(problems))


def expand(text: str, macros: Mapping[str, str]) -> tuple[str, tuple[Problem, ...]]:
    """The text with its macros replaced, and what could not be: those stay as they are, with the line in the result."""
    return _expanded(text, macros, ())


def _expanded(text: str, macros: Mapping[str, str], within: tuple[str, ...]) -> tuple[str, tuple[Problem, ...]]:
    parts: list[str] = []
    problems: list[Problem] = []
    at = 0
    for field in find(text).fields:
        if field.kind is not Kind.MACRO:
            continue
        parts.append(text[at : field.start])
        at = field.end
        piece = text[field.start : field.end]
        fault = _macro_fault(field.label, macros, within, sum(map(len, parts)))
        if fault:
            line = 1 + sum(part.count("\n") for part in parts)
            problems.append(Problem(fault, line, piece, sum(map(len, parts))))
            parts.append(piece)
            continue
        inner, inner_problems = _expanded(macros[field.label], macros, (*within, field.label))
        line, start = sum(part.count("\n") for part in parts), sum(map(len, parts))
        problems += [Problem(each.fault, each.line + line, each.piece, each.start + start) for each in inner_problems]
        parts.append(inner)
    parts.append(text[at:])
    return "".join(parts), tuple(problems)


def _macro_fault(word: str, macros: Mapping[str, str], within: tuple[str, ...], length: int) -> Fault | None:
    if word not in macros:
        return Fault.UNKNOWN_MACRO
    if word in within or len(within) >= _DEEPEST:
        return Fault.ROUND
    return Fault.TOO_LONG if length + len(macros[word]) > _LONGEST_EXPANDED else None


def _field(inner: str, start: int, end: int) -> Field | Fault:
    if inner.startswith("."):
        word = inner[1:].strip()
        return Field(word, Kind.MACRO, start, end) if _WORD.fullmatch(word) else Fault.UNKNOWN_MACRO
    label, bar, rest = (part.strip() for part in inner.partition("|"))
    if not label or len(label) > _LONGEST_LABEL:
        return Fault.NO_LABEL
    if not bar or rest == Kind.TEXT:
        return Field(label, Kind.TEXT, start, end)
    if rest == Kind.DATE:
        return Field(label, Kind.DATE, start, end)
    if number := _NUMBER.fullmatch(rest):
        return Field(label, Kind.NUMBER, start, end, unit=number[1] or "")
    options = tuple(option.strip() for option in rest.split("/") if option.strip())
    if len(options) < 2:
        return Fault.UNKNOWN_KIND
    if len(options) > MOST_OPTIONS or max(map(len, options)) > _LONGEST_OPTION:
        return Fault.TOO_MANY
    return Field(label, Kind.CHOICE, start, end, options=options)


def _problem(fault: Fault, text: str, start: int, end: int) -> Problem:
    return Problem(fault, text.count("\n", 0, start) + 1, text[start:end], start)
