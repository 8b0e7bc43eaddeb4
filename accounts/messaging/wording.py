"""Texts with ``{places}``: which are allowed is checked when a text is kept, and values are filled in as they are.

Pure. A value is never read as a template, and brings no line into a subject.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.messaging.kinds import Channel, Form, MessageKind, Place

_PLACE: Final = re.compile(r"\{([^{}]{0,60})\}")
#: Characters of a value; a person's own words may be longer than a name.
_LONGEST: Final = {Form.TEXT: 300, Form.CODE: 40, Form.LINK: 2000, Form.WORDS: 4000}
LONGEST_SUBJECT: Final = 200
#: Unicode categories: controls and separators; format characters (which turn a text around) and halves of pairs.
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp", "Zs"})
_UNSEEN: Final = frozenset({"Cf", "Cs"})
_JOINER: Final = "\u200d"
_NO_BREAK: Final = "\u00a0"
#: Characters of a text message beside what is filled in, and of each name in it: a link has room in three parts of a
#: long message (3GPP TS 23.040), which is what gateways pass on whole.
LONGEST_SMS: Final = 200
_LONGEST_IN_SMS: Final = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a paragraph of a mail; ``form`` is None for the template's own text."""

    text: str
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A message as it will be read: ``paragraphs`` are ``body`` taken apart, for the mail's HTML."""

    subject: str
    body: str
    paragraphs: tuple[tuple[Part, ...], ...]


def check(kind: MessageKind, *, subject: str, body: str) -> None:
    """Raise ``ValidationError``, by field, for a text that names an unknown place or lacks one that it needs."""
    wrong: dict[str, str] = {}
    for name, text in (("subject", subject), ("body", body)):
        if said := _what_is_wrong(kind, text, in_subject=name == "subject"):
            wrong[name] = said
    missing = sorted(kind.needs - set(_PLACE.findall(body)))
    if missing and "body" not in wrong:
        wrong["body"] = _("The text lacks %(places)s: without it the message is of no use.") % {
            "places": _list(missing)
        }
    if kind.channel == Channel.MAIL and not subject.strip():
        wrong["subject"] = _("A mail needs a subject.")
    if kind.channel == Channel.SMS and subject.strip():
        wrong["subject"] = _("A text message has no subject: leave this empty.")
    if kind.channel == Channel.SMS and len(_PLACE.sub("", body)) > LONGEST_SMS and "body" not in wrong:
        said = _("A text message has room for %(most)d characters beside what is filled in: write less.")
        wrong["body"] = said % {"most": LONGEST_SMS}
    if wrong:
        raise ValidationError(wrong)


def _what_is_wrong(kind: MessageKind, text: str, *, in_subject: bool) -> str:
    allowed = [
        place.name
        for place in kind.known.values()
        if not in_subject or place.form == Form.TEXT  # subjects stand in the logs of mail servers
    ]
    unknown = sorted(set(_PLACE.findall(text)) - set(allowed))
    if unknown:
        said = _("%(unknown)s is not known here. What can stand in braces: %(allowed)s.")
        return said % {"unknown": _list(unknown), "allowed": _list(allowed)}
    if re.search(r"[{}]", _PLACE.sub("", text)):
        return _("A brace is opened and not closed, or closed and not opened.")
    if in_subject and "\n" in text.strip():
        return _("A subject is one line.")
    return ""


def _list(names: list[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)


def fill(kind: MessageKind, *, subject: str, body: str, values: Mapping[str, str]) -> Words:
    """Put values into a text. Raises ``ValueError`` for values that are not the kind's, and for a link that is none."""
    known = kind.known
    if set(values) != set(known):
        raise ValueError(f"{kind.name} takes {sorted(known)}, and was given {sorted(values)}")
    is_short = kind.channel == Channel.SMS
    clean = {name: _clean(known[name], value, is_short=is_short) for name, value in values.items()}
    lines = one_line(_PLACE.sub(lambda found: clean.get(found[1], found[0]), subject))
    paragraphs = tuple(
        parts for text in re.split(r"\n[ \t]*\n", _unix(body).strip()) if (parts := _parts(known, text.strip(), clean))
    )
    whole = "\n\n".join("".join(part.text for part in parts) for parts in paragraphs)
    return Words(lines[:LONGEST_SUBJECT], whole, paragraphs)


def _parts(known: Mapping[str, Place], text: str, values: Mapping[str, str]) -> tuple[Part, ...]:
    """Take one paragraph apart; it is left out where it is nothing but places without a value."""
    found: list[Part] = []
    end = 0
    for place in _PLACE.finditer(text):
        if place[1] not in known:
            continue
        found += [Part(text[end : place.start()]), Part(values[place[1]], known[place[1]].form)]
        end = place.end()
    parts = [part for part in (*found, Part(text[end:])) if part.text]
    return tuple(parts) if any(part.text.strip() for part in parts) else ()


def _clean(place: Place, value: str, *, is_short: bool) -> str:
    if place.form == Form.LINK:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or re.search(r"[\s<>\"\\]", value):
            raise ValueError(f"{place.name} is not a link")
    if place.form == Form.WORDS:
        lines = (one_line(line) for line in _unix(value)[: _LONGEST[place.form]].split("\n"))
        return "\n".join(lines).strip()
    longest = _LONGEST_IN_SMS if is_short and place.form == Form.TEXT else _LONGEST[place.form]
    return one_line(value)[:longest]


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def one_line(text: str) -> str:
    """Return a text on one line: what breaks lines is a blank, what is not seen (but joins letters) is left out."""
    kinds = ((char, unicodedata.category(char)) for char in text)
    plain = (
        " " if kind in _BREAKS and char != _NO_BREAK else char
        for char, kind in kinds
        if kind not in _UNSEEN or char == _JOINER
    )
    return " ".join(word for word in "".join(plain).split(" ") if word)
