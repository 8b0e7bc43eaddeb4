"""Person names: component groups, and the forms that lists show and search (PS3.5 section 6.2.1)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_GROUPS = 3
_COMPONENTS = 5

#: Japanese voicing marks: they tell letters apart, unlike accents.
_VOICED = "\u3099\u309a"


@dataclass(frozen=True, slots=True)
class ComponentGroup:
    """One writing of a name: alphabetic, ideographic or phonetic."""

    family: str = ""
    given: str = ""
    middle: str = ""
    prefix: str = ""
    suffix: str = ""

    def __bool__(self) -> bool:
        """Whether anything is written in this group."""
        return any((self.family, self.given, self.middle, self.prefix, self.suffix))


@dataclass(frozen=True, slots=True)
class PersonName:
    """A name in up to three writings."""

    alphabetic: ComponentGroup = ComponentGroup()
    ideographic: ComponentGroup = ComponentGroup()
    phonetic: ComponentGroup = ComponentGroup()

    @property
    def leading(self) -> ComponentGroup:
        """The first writing that has anything in it."""
        return self.alphabetic or self.ideographic or self.phonetic


def parse(value: str) -> PersonName:
    """The component groups of a PN value; extra groups and components are joined to the last rather than lost."""
    groups = [_group(text) for text in value.split("=", _GROUPS - 1)]
    groups += [ComponentGroup()] * (_GROUPS - len(groups))
    return PersonName(*groups)


def _group(text: str) -> ComponentGroup:
    components = [part.strip() for part in text.replace("=", " ").split("^", _COMPONENTS - 1)]
    components[-1] = components[-1].replace("^", " ").strip()
    return ComponentGroup(*components)


def display(value: str) -> str:
    """A name for a list: ``Dupont, Marie Anne``, with another writing in brackets; empty for an empty name."""
    name = parse(value)
    leading = _written(name.leading)
    other = _written(name.ideographic) if name.ideographic and name.ideographic != name.leading else ""
    return f"{leading} ({other})" if other else leading


def _written(group: ComponentGroup) -> str:
    forenames = " ".join(part for part in (group.prefix, group.given, group.middle, group.suffix) if part)
    return ", ".join(part for part in (group.family, forenames) if part)


def normalised(value: str) -> str:
    """All groups, without accents, case or punctuation, single-spaced: what searches compare."""
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    kept = (char if char.isalnum() or char in _VOICED else " " for char in decomposed if not is_accent(char))
    return " ".join(unicodedata.normalize("NFC", "".join(kept)).split())


def is_accent(char: str) -> bool:
    """Whether a character only changes the one before it, in a way that searches overlook."""
    return unicodedata.combining(char) != 0 and char not in _VOICED


def family(value: str) -> str:
    """Family name of the first writing."""
    return parse(value).leading.family


def given(value: str) -> str:
    """Given and middle names of the first writing."""
    leading = parse(value).leading
    return " ".join(part for part in (leading.given, leading.middle) if part)


def masked(value: str) -> str:
    """A name that only who knows it recognises: ``D••• J.`` of ``DUPONT^Jean``; as long for a short one as for a long one."""
    leading = parse(value).leading
    family_name = f"{_first(leading.family)}•••" if leading.family else ""
    given_name = f"{_first(leading.given)}." if leading.given else ""
    return " ".join(part for part in (family_name, given_name) if part)


def _first(text: str) -> str:
    """The first letter, with its accents."""
    composed = unicodedata.normalize("NFC", text)
    end = next((at for at, char in enumerate(composed[1:], 1) if not unicodedata.combining(char)), len(composed))
    return composed[:end].upper()
