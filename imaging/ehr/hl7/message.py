"""One HL7 v2 message, read. Fields are asked for by segment and number; what is absent is empty text.

The library ``hl7`` parses; this module stands before it, as it takes no damaged header, and what old interfaces send is
often one: a byte order mark, line feeds, blanks before MSH.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import hl7

from imaging.ehr.hl7 import charsets
from imaging.ehr.hl7.refusals import Code, Refused

#: What a field holds that is to be emptied (HL7 v2.5.1 section 2.5.3.1); an empty one says nothing.
NULL: Final = '""'

#: MSH-12: all of version 2. Structures differ little in what we read.
_VERSION: Final = "2"
_LONGEST_HEADER: Final = 8192
#: Characters of a value that is set aside before the library takes the message apart.
_LONG_RUN: Final = 1 << 18
_MARK: Final = re.compile(r"\x00(\d{1,4})\x00")
#: Escapes can write them into any field, and nothing that we keep may hold one.
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Headline:
    """The fields of MSH as they were sent, for what must be known, and answered, before a message is read."""

    separator: str
    characters: str
    fields: tuple[str, ...]

    def __getitem__(self, number: int) -> str:
        """Field ``MSH-number`` as sent, empty where absent. MSH-1 is the separator itself."""
        if number == 1:
            return self.separator
        return self.fields[number - 1] if 0 < number <= len(self.fields) else ""

    def part(self, number: int, component: int = 1) -> str:
        """One component of a field of MSH."""
        parts = self[number].split(self.characters[:1] or "^")
        return parts[component - 1].strip() if component <= len(parts) else ""

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self[10].strip()

    @property
    def kind(self) -> str:
        """Message code and trigger event, ``ADT^A08``. MSH-9.3 is never believed: senders fill it with anything."""
        return "^".join(filter(None, (self.part(9, 1), self.part(9, 2))))


@dataclass(frozen=True, slots=True)
class Message:
    """A message whose text is known. ``runs`` are values of megabytes, which stand in it as marks of their own."""

    headline: Headline
    codec: str
    parsed: Any
    runs: tuple[str, ...] = ()

    def text(
        self, segment: str, field: int, component: int = 1, *, repetition: int = 1, sub: int = 1, number: int = 1
    ) -> str:
        """One value of the first (or ``number``-th) segment of that name, unescaped and without blanks around it."""
        try:
            found = self.parsed.extract_field(segment, number, field, repetition, component, sub)
        except (KeyError, IndexError):
            return ""
        return _CONTROLS.sub(" ", self._unescaped(found)).strip()

    def lines(self, segment: str, field: int, component: int = 1, *, number: int = 1) -> str:
        """A text of several lines (FT, TX, ST): repetitions and ``.br`` are breaks (sections 2.A.31 and 2.7.7)."""
        found = []
        for repetition in range(1, max(1, self._repeated(segment, field, number)) + 1):
            try:
                value = self.parsed.extract_field(segment, number, field, repetition, component, 1)
            except (KeyError, IndexError):
                continue
            found += re.split(r"\r\n|\r|\n", self._unescaped(value))
        return "\n".join(_CONTROLS.sub(" ", line).rstrip() for line in found).strip()

    def octets(self, segment: str, field: int, component: int, *, number: int = 1) -> str:
        """One value as it was sent, however long: what Base64 writes has nothing to unescape."""
        try:
            found = str(self.parsed.segments(segment)[number - 1](field)(1)(component))
        except (KeyError, IndexError, TypeError):
            return ""
        return self._whole(found)

    def _whole(self, value: str) -> str:
        """A value as it was sent, where a mark stands for it."""
        mark = _MARK.fullmatch(value)
        return self.runs[int(mark[1])] if mark and int(mark[1]) < len(self.runs) else value

    def _unescaped(self, value: Any) -> str:
        text = str(value or "")
        whole = self._whole(text)
        return text if whole is text else str(self.parsed.unescape(whole))

    def _repeated(self, segment: str, field: int, number: int) -> int:
        try:
            return len(self.parsed.segments(segment)[number - 1](field))
        except (KeyError, IndexError):
            return 0

    def repetitions(self, segment: str, field: int) -> int:
        """How often a field of the first segment of that name is repeated."""
        try:
            return len(self.parsed.segment(segment)(field))
        except (KeyError, IndexError):
            return 0

    def has(self, segment: str) -> bool:
        """Whether there is a segment of that name."""
        return any(str(row[0]) == segment for row in self.parsed)

    def count(self, segment: str) -> int:
        """How many segments of that name there are."""
        return sum(str(row[0]) == segment for row in self.parsed)

    def groups(self, first: str) -> list[Message]:
        """The message cut before each segment of that name, as messages; what stands before the first of them is in none."""
        starts = [at for at, row in enumerate(self.parsed) if str(row[0]) == first]
        return [
            Message(self.headline, self.codec, self._part(start, end), self.runs)
            for start, end in zip(starts, [*starts[1:], len(self.parsed)], strict=True)
        ]

    def _part(self, start: int, end: int) -> Any:
        whole = self.parsed
        rows = list(whole)[start:end]
        return type(whole)(sequence=rows, esc=whole.esc, separators=whole.separators, factory=whole.factory)

    @property
    def code(self) -> str:
        """MSH-9.1."""
        return self.headline.part(9, 1).upper()

    @property
    def event(self) -> str:
        """The trigger event: MSH-9.2, or EVN-1 where the header does not say."""
        return (self.headline.part(9, 2) or self.text("EVN", 1)).upper()


def headline(raw: bytes) -> Headline:
    """The header of a message. Raises ``Refused`` where there is none."""
    first = _normalised(raw[:_LONGEST_HEADER].decode("latin-1")).split("\r", 1)[0]
    first = _CONTROLS.sub(" ", first)
    if not first.startswith("MSH") or len(first) < 8 or first[3].isalnum() or first[3].isspace():
        raise Refused(Code.SEGMENT_ORDER, "MSH^1", "The message does not begin with MSH.")
    fields = tuple(first.split(first[3]))
    return Headline(first[3], fields[1] if len(fields) > 1 else "", fields)


def read(raw: bytes, found: Headline, *, fallback: str, known: str = "") -> Message:
    """Read a whole message. ``fallback`` is the codec for a sender that declares none, or the wrong one; ``known`` overrules both.

    Raises ``Refused``.
    """
    declared = known or found[18].split(found.characters[1:2] or "~")[0]
    if declared and charsets.codec_of(declared) is None:
        raise Refused(Code.NOT_IN_TABLE, "MSH^1^18", "This character set is not read here.")
    try:
        text, codec = charsets.decoded(raw, declared, fallback)
    except charsets.NotDecodable:
        raise Refused(Code.DATA_TYPE, "MSH^1^18", "The bytes are not in the declared character set.") from None
    _check(found)
    text, runs = _without_runs(_normalised(text), found)
    try:
        return Message(found, codec, hl7.parse(text), runs)
    except Exception as error:  # whatever the library stumbles over is the message's fault
        raise Refused(Code.SEGMENT_ORDER, "MSH^1", "The message cannot be taken apart.") from error


def _without_runs(text: str, found: Headline) -> tuple[str, tuple[str, ...]]:
    """The text without values of megabytes, and these: taking a message apart copies all of it several times over."""
    if len(text) < _LONG_RUN:
        return text, ()
    # An escape within a value does not end it.
    separators = re.escape(found.separator + found.characters[:2] + found.characters[3:4])
    runs: list[str] = []

    def set_aside(run: re.Match[str]) -> str:
        runs.append(run[0])
        return f"\x00{len(runs) - 1}\x00"

    return re.sub(rf"[^{separators}\r]{{{_LONG_RUN},}}", set_aside, text), tuple(runs)


def _check(found: Headline) -> None:
    if len(found.characters) < 4:
        raise Refused(Code.FIELD_MISSING, "MSH^1^2", "The encoding characters are missing.")
    if len({found.separator, *found.characters[:4]}) < 5:
        raise Refused(Code.DATA_TYPE, "MSH^1^2", "Two encoding characters are the same.")
    if not found.control_id:
        raise Refused(Code.FIELD_MISSING, "MSH^1^10", "The message control ID is missing.")
    if not found.part(9, 1):
        raise Refused(Code.FIELD_MISSING, "MSH^1^9", "The message type is missing.")
    version = found.part(12)
    if version and version.split(".")[0] != _VERSION:
        raise Refused(Code.VERSION, "MSH^1^12", "Only version 2 is read here.")


def _normalised(text: str) -> str:
    """Segments end with a carriage return, and nothing stands before MSH."""
    text = text.removeprefix("\ufeff").removeprefix("\u00ef\u00bb\u00bf").lstrip()
    return text.replace("\r\n", "\r").replace("\n", "\r")
