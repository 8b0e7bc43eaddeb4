"""What a provider said of somebody, and what of it fits a rule: pure, and everything in it hostile."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

#: Values of one claim that are looked at, and characters of each: a token has no room for more that means something.
MOST_VALUES: Final = 2000
LONGEST_VALUE: Final = 500
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One person, as a provider recognised them a moment ago.

    ``issuer`` and ``subject`` together name the person for good. ``authenticated_at`` is when the provider last asked
    the person to prove who they are; None where it does not say.
    """

    issuer: str
    subject: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    acr: str = ""
    amr: frozenset[str] = frozenset()
    authenticated_at: datetime | None = None
    sid: str = ""

    def text(self, name: str, *, longest: int = 150) -> str:
        """Return a claim that is one line of text, cut; empty for anything else."""
        value = self.claims.get(name)
        if not isinstance(value, str):
            return ""
        return "".join(char for char in value if char.isprintable()).strip()[:longest]


@dataclass(frozen=True, slots=True)
class Strength:
    """How well somebody proved who they are, as far as the provider's row takes its word for it."""

    is_mfa: bool
    is_phishing_resistant: bool


def strength(
    *,
    acr: str,
    amr: frozenset[str],
    acr_mfa: Sequence[str],
    amr_mfa: Sequence[str],
    acr_phishing_resistant: Sequence[str],
    amr_phishing_resistant: Sequence[str],
) -> Strength:
    """Return what ``acr`` and ``amr`` are worth. Only what is listed counts; phishing-resistant is two factors too."""
    resistant = (bool(acr) and acr in acr_phishing_resistant) or not amr.isdisjoint(amr_phishing_resistant)
    mfa = resistant or (bool(acr) and acr in acr_mfa) or not amr.isdisjoint(amr_mfa)
    return Strength(is_mfa=mfa, is_phishing_resistant=resistant)


def values_at(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """Return the values of a claim as texts: of a list each, of an object its names (as some providers write roles).

    A claim whose own name has dots (``https://hospital.example/groups``) is found by its whole name first.
    """
    found: set[str] = set()
    for value in _reached(claims, path, 0):
        for text in _texts(value):
            found.add(text)
            if len(found) >= MOST_VALUES:
                return frozenset(found)
    return frozenset(found)


def _reached(value: Any, path: str, depth: int) -> Iterator[Any]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for entry in value[:MOST_VALUES]:
            yield from _reached(entry, path, depth + 1)
    elif isinstance(value, Mapping):
        if path in value:
            yield value[path]
            return
        head, dot, rest = path.partition(".")
        if dot and head in value:
            yield from _reached(value[head], rest, depth + 1)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value)
    for entry in (value if isinstance(value, list) else [value])[:MOST_VALUES]:
        if isinstance(entry, bool):
            yield "true" if entry else "false"
        elif isinstance(entry, str | int) and len(text := str(entry)) <= LONGEST_VALUE:
            yield text


def fits(pattern: str, value: str) -> bool:
    """Whether a value is what a rule asks for; ``*`` stands for any text. Linear in the length of the value."""
    parts = pattern.split("*")
    if len(parts) == 1:
        return value == pattern
    first, *middle, last = parts
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    place, end = len(first), len(value) - len(last)
    for part in middle:
        place = value.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def has(claims: Mapping[str, Any], path: str, pattern: str) -> bool:
    """Whether any value of a claim fits a pattern."""
    return any(fits(pattern, value) for value in values_at(claims, path))
