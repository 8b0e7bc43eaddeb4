"""What a query asks of one attribute: attribute matching of PS3.4 section C.2.2.2, read from the text of a key.

A key's value representation decides how its text is understood. Whatever cannot be understood is refused in words; a text
made to be slow (thousands of wildcards, values or characters) is refused before anybody searches with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pydicom import datadict

from imaging.dicom import name_matching, temporal_matching, vr
from imaging.dicom.errors import DicomError
from imaging.dicom.name_matching import NamePattern, NameWords
from imaging.dicom.temporal_matching import Days, Moments, Times

#: No attribute that can be matched is longer; a query that is says nothing but that it is hostile.
LONGEST_VALUE: Final = 1024
#: UIDs, or values of another attribute, that one key may list.
MOST_VALUES: Final = 500
_LONGEST_LIST: Final = MOST_VALUES * 66
#: Wildcards in one value, a run of asterisks being one.
MOST_WILDCARDS: Final = 16
_DEEPEST: Final = 8

_TEXTS: Final = frozenset(["AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT"])
_LITERAL: Final = frozenset({"AS"})
#: One value each, in which a backslash means nothing (PS3.5 section 6.2).
_UNDIVIDED: Final = frozenset(["LT", "ST", "UR", "UT"])
_INTEGERS: Final = frozenset(["IS", "SL", "SS", "SV", "UL", "US", "UV"])
_DECIMALS: Final = frozenset(["DS", "FD", "FL"])
_TEMPORAL: Final = frozenset(["DA", "TM", "DT"])

_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_UID = re.compile(r"[0-9.]{1,64}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[Ee][+-]?[0-9]{1,3})?")
_STARS = re.compile(r"\*+")
_NOT_TEXT = re.compile(r"[\x00-\x09\x0b\x0e-\x1a\x1c-\x1f\x7f]")


class KeyInvalid(DicomError):
    """A key that cannot be matched; ``detail`` is the sentence for who asked, without the value."""

    default_code = "matching_key_invalid"


@dataclass(frozen=True, slots=True)
class Anything:
    """Universal matching (C.2.2.2.3): every object, with the attribute or without."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """Single value matching, a list of UIDs, or several values of which one must be equal (C.2.2.2.1, .2 and .7)."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Numbers:
    """One of these numbers."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Patterns:
    """Wild card matching (C.2.2.2.4): one of these, ``*`` for any text (once in a run) and ``?`` for one character."""

    values: tuple[str, ...]


Match = Anything | OneOf | Numbers | Patterns | Days | Times | Moments | NamePattern | NameWords


@dataclass(frozen=True, slots=True)
class Key:
    """One matching key: the tags that lead to the attribute (several through sequences), its VR, and what must be there."""

    path: tuple[int, ...]
    vr: str
    match: Match

    @property
    def tag(self) -> int:
        """The attribute itself."""
        return self.path[-1]

    @property
    def name(self) -> str:
        """Keyword (or eight digits) of the attribute, with those of its sequences before it."""
        return ".".join(name_of(tag) for tag in self.path)

    @property
    def is_universal(self) -> bool:
        """Whether it matches everything, and so only asks for the attribute to be returned."""
        return isinstance(self.match, Anything)


def name_of(tag: int) -> str:
    """Keyword of a tag, or its eight digits when it has none."""
    return datadict.keyword_for_tag(tag) or f"{tag:08X}"


def path_of(name: str) -> tuple[int, ...]:
    """The tags that a name leads to: keywords or eight digits, dots through sequences (PS3.18 section 8.3.4.1).

    Raises ``KeyInvalid`` for what names no attribute.
    """
    parts = name.split(".") if len(name) <= LONGEST_VALUE else []
    if not 1 <= len(parts) <= _DEEPEST:
        raise KeyInvalid("The name of an attribute is too long.")
    path = tuple(_tag(part) for part in parts)
    for tag in path[:-1]:
        if vr.lookup(tag) != "SQ":
            raise KeyInvalid(f"{name_of(tag)} is no sequence: nothing lies inside it.")
    return path


def _tag(name: str) -> int:
    if _TAG.fullmatch(name):
        return int(name, 16)
    found = datadict.tag_for_keyword(name) if name.isascii() and name.isalnum() else None
    if found is None:
        raise KeyInvalid(f"“{name[:64]}” is no attribute: use its keyword or the eight digits of its tag.")
    return found


def parse(name: str, text: str, *, fuzzy: bool = False) -> Key:
    """The key of a name and the text of its value. ``fuzzy`` as ``of_path``. Raises ``KeyInvalid``."""
    return of_path(path_of(name), text, fuzzy=fuzzy)


def of_path(path: tuple[int, ...], text: str, *, fuzzy: bool = False) -> Key:
    """The key of an attribute and the text of its value.

    ``fuzzy`` takes person names by the beginnings of their words, in any order. Raises ``KeyInvalid``.
    """
    kind = vr.lookup(path[-1])
    return Key(path, kind, _match(name_of(path[-1]), kind, text, fuzzy))


def _match(name: str, kind: str, text: str, fuzzy: bool) -> Match:
    if len(text) > (_LONGEST_LIST if kind == "UI" else LONGEST_VALUE):
        raise KeyInvalid(f"The value for {name} is too long: {len(text)} characters.")
    if _NOT_TEXT.search(text):
        raise KeyInvalid(f"The value for {name} holds control characters.")
    text = _STARS.sub("*", text.strip())
    if text in {"", "*"}:
        return Anything()
    if text.count("*") + text.count("?") > MOST_WILDCARDS:
        raise KeyInvalid(f"The value for {name} has too many wildcards: up to {MOST_WILDCARDS} are allowed.")
    if kind == "PN":
        if not any(char.isalnum() for char in text):
            raise KeyInvalid(f"The value for {name} holds no letter to look for.")
        return name_matching.words(text) if fuzzy else name_matching.pattern(text)
    if kind in _TEMPORAL:
        return _temporal(name, kind, text)
    return _listed(name, kind, text)


def _temporal(name: str, kind: str, text: str) -> Match:
    try:
        return temporal_matching.parse(kind, text)
    except ValueError as error:
        raise KeyInvalid(f"The value for {name} is no {error}.") from error


def _listed(name: str, kind: str, text: str) -> Match:
    """The kinds of value of which several may be listed."""
    # A comma is no character of UIDs and code strings; DICOMweb clients list both with it (PS3.18 section 8.3.4.1).
    text = text.replace(",", "\\") if kind in {"UI", "CS"} else text
    parts = [text] if kind in _UNDIVIDED else [part.strip() for part in text.split("\\")]
    values = tuple(dict.fromkeys(part for part in parts if part))
    if not values or "*" in values:
        return Anything()
    if len(values) > MOST_VALUES:
        raise KeyInvalid(f"The value for {name} lists too many: up to {MOST_VALUES} are allowed.")
    if kind == "UI":
        return OneOf(_all(_UID, values, name, "UID"))
    if kind in _INTEGERS:
        return Numbers(tuple(int(value) for value in _all(_INTEGER, values, name, "whole number")))
    if kind in _DECIMALS:
        return Numbers(tuple(float(value) for value in _all(_DECIMAL, values, name, "number")))
    if kind in _LITERAL:
        return OneOf(values)
    if kind in _TEXTS:
        is_wild = any(char in value for value in values for char in "*?")
        return Patterns(values) if is_wild else OneOf(values)
    if kind == "SQ":
        raise KeyInvalid(f"{name} is a sequence: name an attribute inside it, with a dot between.")
    raise KeyInvalid(f"{name} cannot be searched for.")


def _all(form: re.Pattern[str], values: tuple[str, ...], name: str, kind: str) -> tuple[str, ...]:
    if not all(form.fullmatch(value) for value in values):
        raise KeyInvalid(f"The value for {name} is no {kind}.")
    return values


def written(match: Match, *, most: int = 256) -> str:
    """What is matched, as a text for people: values with commas between, ranges with two points; capped."""
    if isinstance(match, OneOf | Numbers | Patterns):
        text = ", ".join(str(value) for value in match.values)
    elif isinstance(match, NamePattern):
        text = match.text
    elif isinstance(match, NameWords):
        text = " ".join([*match.beginnings, *(f"*{word}" for word in match.anywhere)])
    elif isinstance(match, Anything):
        text = "*"
    else:
        text = "..".join(end.isoformat() if end else "" for end in (match.first, match.last))
    return text[:most]


def combined(keys: tuple[Key, ...], day_tag: int, time_tag: int) -> tuple[Key, ...]:
    """The same keys, a range of days and one of times read as one span of moments (combined matching, C.2.2.2.5.4)."""
    day = next((key for key in keys if key.path == (day_tag,) and isinstance(key.match, Days)), None)
    time = next((key for key in keys if key.path == (time_tag,) and isinstance(key.match, Times)), None)
    if day is None or time is None:
        return keys
    span = temporal_matching.together(day.match, time.match)  # type: ignore[arg-type]  # tested above
    rest = tuple(key for key in keys if key is not day and key is not time)
    return (*rest, Key((day_tag,), "DT", span))
