"""The kinds of messages to people outside: a registry to which each feature adds its own when it is imported."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Channel(TextChoices):
    """By what a message travels."""

    MAIL = "mail", _("e-mail")
    SMS = "sms", _("text message")


class Form(StrEnum):
    """How a value is shown in a mail: a line of text, an address to press, a code to be read, the words of a person."""

    TEXT = "text"
    LINK = "link"
    CODE = "code"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Place:
    """What may stand in braces in a template; ``example`` is what a preview shows there.

    Text and codes are one line; words keep their lines.
    """

    name: str
    label: str | Promise
    example: str | Promise
    form: Form = Form.TEXT


@dataclass(frozen=True, slots=True)
class MessageKind:
    """One kind of message, by one channel.

    ``subject`` and ``body`` are source texts with ``{places}``, in English, known to the catalogues: what is said where
    no template of the hospital's own says otherwise. ``needs`` are the places without which the body is worth nothing.
    A text message has no subject.
    """

    name: str
    channel: Channel
    label: str | Promise
    body: str | Promise
    subject: str | Promise = ""
    places: tuple[Place, ...] = ()
    needs: frozenset[str] = field(default_factory=frozenset)

    @property
    def known(self) -> dict[str, Place]:
        """The places by name: the kind's own, and who sends."""
        return {place.name: place for place in (*self.places, *SENDER)}

    def examples(self) -> dict[str, str]:
        """What a preview says in each of its own places, in the active language."""
        return {place.name: str(place.example) for place in self.places}


#: What every message can say without being told: the values follow from the department.
SENDER: Final = (
    Place("department", _("the department that sends it"), _("Radiology")),
    Place("site", _("the department's site"), _("University hospital")),
)

_REGISTRY: Final[dict[str, MessageKind]] = {}


def register(kind: MessageKind) -> MessageKind:
    """Add a kind. Raises :class:`ValueError` for a name that another kind has, or one too long to keep."""
    if len(kind.name) > 60 or (kind.name in _REGISTRY and _REGISTRY[kind.name] is not kind):
        raise ValueError(f"not a name for a kind of message: {kind.name}")
    if not kind.needs <= set(kind.known):
        raise ValueError(f"{kind.name} needs what it does not know")
    _REGISTRY[kind.name] = kind
    return kind


def named(name: str) -> MessageKind | None:
    """Return a kind by its name; None for one that no feature has any more."""
    return _REGISTRY.get(name)


def every() -> list[MessageKind]:
    """Return all kinds, by name."""
    return sorted(_REGISTRY.values(), key=lambda kind: kind.name)
