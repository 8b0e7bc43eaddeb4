"""Whether two headers speak of the same person, and whether a sender may add to a study. Pure."""

from collections.abc import Iterable
from datetime import date
from difflib import SequenceMatcher
from typing import Final, Protocol

from django.utils.translation import gettext_noop

from imaging.dicom import person_name

#: Names this alike are one name with a slip of the pen, where the birth date is the same.
_ALIKE: Final = 0.84
_LAST_LATIN: Final = "\u024f"
_SEXES: Final = frozenset({"M", "F"})


class Traits(Protocol):
    """What is compared of a person: a header's, or what is known. ``birth_date`` is a date or None."""

    @property
    def patient_name(self) -> str:
        """Name as in DICOM."""

    @property
    def birth_date(self) -> object:
        """Date of birth."""

    @property
    def sex(self) -> str:
        """``M``, ``F``, ``O`` or empty."""


def disagreement(known: Traits, received: Traits) -> str:
    """What speaks against one person behind the same patient ID, in words without patient data; empty when nothing does.

    What one side does not tell never disagrees. Case, accents, carets, order and missing parts of names do not count.
    """
    same_birth_date = isinstance(known.birth_date, date) and known.birth_date == received.birth_date
    found = []
    if not names_agree(known.patient_name, received.patient_name, same_birth_date=same_birth_date):
        found.append(gettext_noop("the name differs"))
    if known.birth_date and received.birth_date and not same_birth_date:
        found.append(gettext_noop("the birth date differs"))
    if {known.sex, received.sex} == _SEXES:
        found.append(gettext_noop("the sex differs"))
    return ", ".join(found)


def names_agree(one: str, other: str, *, same_birth_date: bool = False) -> bool:
    """Whether two PN values can be one person's name; compared writing by writing (PS3.5 section 6.2.1)."""
    first, second = _writings(one), _writings(other)
    pairs = [(mine, yours) for mine, yours in zip(first, second, strict=True) if _are_comparable(mine, yours)]
    return not pairs or any(_writing_agrees(mine, yours, same_birth_date) for mine, yours in pairs)


def _writings(value: str) -> list[list[str]]:
    groups = value.split("=")[:3]
    return [person_name.normalised(group).split() for group in [*groups, "", "", ""][:3]]


def _are_comparable(mine: list[str], yours: list[str]) -> bool:
    """Both tell something, in the same kind of script: some systems write ideographs into the alphabetic group."""
    return bool(mine and yours) and _is_latin(mine) == _is_latin(yours)


def _is_latin(parts: list[str]) -> bool:
    return any(char <= _LAST_LATIN for part in parts for char in part)


def _writing_agrees(mine: list[str], yours: list[str], same_birth_date: bool) -> bool:
    shorter, longer = sorted((mine, yours), key=len)
    if _all_found(shorter, longer):
        return True
    one, other = "".join(sorted(mine)), "".join(sorted(yours))
    joined = {"".join(mine), "".join(yours)}
    if len(joined) == 1 or one == other:
        return True
    return same_birth_date and SequenceMatcher(None, one, other).ratio() >= _ALIKE


def _all_found(parts: list[str], among: list[str]) -> bool:
    """Whether every part has its counterpart, an initial counting for a name that begins with it."""
    left = list(among)
    for part in parts:
        match = next((other for other in left if _same_part(part, other)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _same_part(one: str, other: str) -> bool:
    if 1 in {len(one), len(other)}:
        return one[0] == other[0]
    return one == other


def may_join(*, sender_department_ids: Iterable[int], study_department_ids: Iterable[int], is_creator: bool) -> bool:
    """Whether a sender may add to a study that exists: one of its departments has it, or the sender began it.

    The second, because routing may have placed the study where its own modality has nothing to say.
    """
    return is_creator or not set(sender_department_ids).isdisjoint(study_department_ids)
