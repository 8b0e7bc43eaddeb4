"""HL7 v2 as we write it (v2.5.1 chapter 2): fields by number, every value escaped, in a character set that the receiver reads.

A value that is a text is escaped whole; components stand in a tuple, the parts of one of them in a tuple within it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from imaging.dicom import charset
from imaging.ehr.hl7 import charsets

SEPARATOR: Final = "|"
CHARACTERS: Final = "^~\\&"
VERSION: Final = "2.5.1"

#: A component, or its parts.
Component = str | tuple[str, ...]
#: A field: one component, or several.
Field = str | tuple[Component, ...]

_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class NotWritable(ValueError):
    """The message has letters that its receiver's character set has not: nothing of it is replaced by question marks."""


def escaped(text: str, separator: str = SEPARATOR, characters: str = CHARACTERS) -> str:
    """A value in which nothing separates (section 2.7)."""
    component, repetition, escape, sub = tuple(characters[:4])
    marks = {separator: "F", component: "S", repetition: "R", escape: "E", sub: "T"}
    return "".join(f"{escape}{marks[letter]}{escape}" if letter in marks else letter for letter in text)


def formatted(text: str) -> str:
    """A text of several lines as one FT value (section 2.A.31), escaped."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\\.br\\".join(escaped(_CONTROLS.sub(" ", line)) for line in lines)


def segment(name: str, fields: Mapping[int, Field | Sequence[Field]], *, ready: Mapping[int, str] | None = None) -> str:
    """One segment; a list is a repeated field, ``ready`` are fields that are written already. Empty fields at the end are left out."""
    written = {number: _field(value) for number, value in fields.items()} | dict(ready or {})
    last = max((number for number, value in written.items() if value), default=0)
    return SEPARATOR.join([name, *(written.get(number, "") for number in range(1, last + 1))])


def header(
    *,
    sender: tuple[str, str],
    receiver: tuple[str, str],
    at: datetime,
    kind: tuple[str, str, str],
    control_id: str,
    processing: str,
    charset: str,
) -> str:
    """MSH. ``kind`` is code, event and structure; ``at`` is aware."""
    # MSH-1 is the separator itself and MSH-2 stands beside it: the fields after them are counted from 3.
    rest = segment(
        "",
        {
            1: sender[0],
            2: sender[1],
            3: receiver[0],
            4: receiver[1],
            5: moment(at),
            7: kind,
            8: control_id,
            9: processing,
            10: VERSION,
            16: charset,
        },
    )
    return f"MSH{SEPARATOR}{CHARACTERS}{rest}"


def message(segments: Sequence[str], charset: str) -> bytes:
    """The whole message in the receiver's character set. Raises ``NotWritable``."""
    codec = charsets.codec_of(charset) or "utf-8"
    return b"".join(_encoded(unicodedata.normalize("NFC", f"{each}\r"), codec) for each in segments)


def moment(at: datetime | None) -> str:
    """A moment with its offset (section 2.A.22, DTM); ``at`` is aware."""
    return at.strftime("%Y%m%d%H%M%S%z") if at else ""


def day(on: date | None) -> str:
    """A date."""
    return on.strftime("%Y%m%d") if on else ""


def name(person_name: str) -> tuple[str, ...]:
    """A DICOM name (PN) as XPN or XCN's parts: family, given, further, suffix, prefix."""
    parts = (person_name.split("=", 1)[0].split("^") + [""] * 5)[:5]
    family, given, middle, prefix, suffix = (part.strip() for part in parts)
    return (family, given, middle, suffix, prefix)


def _field(value: Field | Sequence[Field]) -> str:
    if isinstance(value, str):
        return escaped(_CONTROLS.sub(" ", value.replace("\n", " ")))
    if isinstance(value, list):
        return "~".join(_field(each) for each in value)
    parts: Sequence[Component] = tuple(value)  # type: ignore[arg-type]  # a list is a repeated field: those are gone
    return "^".join(_component(each) for each in parts).rstrip("^")


def _component(value: Component) -> str:
    if isinstance(value, str):
        return str(_field(value))
    return "&".join(str(_field(part)) for part in value).rstrip("&")


def _encoded(text: str, codec: str) -> bytes:
    """Bytes of a segment; a letter that the set has not is written in letters that it has. Raises ``NotWritable``."""
    try:
        return text.encode(codec)
    except UnicodeEncodeError:
        return b"".join(_letter(each, codec) for each in text)


def _letter(letter: str, codec: str) -> bytes:
    for written in (letter, charset.written_out(letter)):
        try:
            return written.encode(codec)
        except UnicodeEncodeError:
            continue
    raise NotWritable
