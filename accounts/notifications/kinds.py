"""The kinds of things people are told: a registry to which each feature adds its own when it is imported."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from django.utils.functional import Promise

from accounts.notifications.groups import Group
from accounts.roles import Capability

#: What a title or text is made of: the ``params`` of the notification, and ``count``, how often it happened since read.
Told = Mapping[str, Any]
#: A lazy text, or a function where it depends on what is told; both become words in the reader's language.
Words = Promise | Callable[[Told], str]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of notification.

    ``title`` is the line in the page and the subject of the mail, ``text`` what the mail says (and the page below the
    line); neither names a patient. ``takes`` are the names of the parameters they may be given. ``capability`` says who
    may get it at all, for the table of preferences; None is everybody.

    ``in_page`` and ``by_mail`` are how it is told unless the person prefers otherwise. ``urgent`` kinds are shown over
    the page until opened and cannot be switched off there; ``keeps_mail`` kinds cannot be switched off as mail.
    ``to_actor`` kinds are told to who did it as well (a change to one's own account). Mail waits for ``gather``, so that
    what happens again meanwhile goes into the same mail.
    """

    name: str
    group: Group
    label: str | Promise
    title: Words
    text: Words
    takes: frozenset[str] = frozenset()
    capability: Capability | None = None
    in_page: bool = True
    by_mail: bool = True
    urgent: bool = False
    keeps_mail: bool = False
    to_actor: bool = False
    gather: timedelta = timedelta(0)

    def channels(self, in_page: bool, by_mail: bool) -> tuple[bool, bool]:
        """Return page and mail as they are told to somebody who prefers this, but for what cannot be switched off."""
        return in_page or self.urgent, by_mail or self.keeps_mail

    def words(self, told: Told) -> tuple[str, str]:
        """Return title and text in the active language."""
        return _said(self.title, told), _said(self.text, told)


def _said(words: Words, told: Told) -> str:
    return words(told) if callable(words) else str(words)


_REGISTRY: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> Kind:
    """Add a kind. Raises :class:`ValueError` for a name that another kind has, or one too long to keep."""
    if len(kind.name) > 60 or (kind.name in _REGISTRY and _REGISTRY[kind.name] is not kind):
        raise ValueError(f"not a name for a kind of notification: {kind.name}")
    _REGISTRY[kind.name] = kind
    return kind


def named(name: str) -> Kind | None:
    """Return a kind by its name; None for one that no feature has any more."""
    return _REGISTRY.get(name)


def every() -> list[Kind]:
    """Return all kinds, by their groups and in the order in which they were registered."""
    return sorted(_REGISTRY.values(), key=lambda kind: kind.group.place)


def gather(folder: Path) -> None:
    """Import every module called ``notices`` of an application, given the folder of its package: each registers its kinds.

    Every process knows all of them so: a mail is written by another process than the one that tells.
    """
    for found in sorted(folder.rglob("notices.py")):
        import_module(".".join([folder.name, *found.relative_to(folder).with_suffix("").parts]))
