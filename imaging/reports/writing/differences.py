"""Two texts word by word: what left, what came. Pure; pieces are plain text, to be escaped by the template."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Final

_WORDS: Final = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")
#: Beyond so many words two texts are compared line by line: word by word would take minutes.
_MOST_WORDS: Final = 8_000


class Mark(StrEnum):
    """What happened to a piece."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text."""

    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A section with its pieces; ``is_changed`` is false when it is the same in both."""

    title: str
    pieces: tuple[Piece, ...]
    is_changed: bool


def words(before: str, after: str) -> tuple[Piece, ...]:
    """What became of a text."""
    if before == after:
        return (Piece(Mark.SAME, after),) if after else ()
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if len(old) + len(new) > _MOST_WORDS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece(Mark.SAME, "".join(new[j1:j2])))
            continue
        if i2 > i1:
            pieces.append(Piece(Mark.GONE, "".join(old[i1:i2])))
        if j2 > j1:
            pieces.append(Piece(Mark.NEW, "".join(new[j1:j2])))
    return tuple(pieces)


def sections(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[Changed]:
    """What became of the sections of a report, in the order of the later one; sections that left come last."""
    earlier = {str(section["code"]): section for section in before}
    later = {str(section["code"]): section for section in after}
    found = [
        _changed(section, str(earlier.get(code, {}).get("text", "")), str(section["text"]))
        for code, section in later.items()
    ]
    found += [_changed(section, str(section["text"]), "") for code, section in earlier.items() if code not in later]
    return [each for each in found if each.pieces]


def _changed(section: Mapping[str, Any], before: str, after: str) -> Changed:
    return Changed(str(section["title"]), words(before, after), before != after)


def is_same(changes: Iterable[Changed]) -> bool:
    """Whether nothing changed at all."""
    return not any(change.is_changed for change in changes)
