"""What a report may become, by whom, and what its text may hold: pure rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from imaging.reports.documents.content import clean
from imaging.reports.templates import fields, layout

#: Characters of a whole report, and of a reason.
LONGEST_REPORT: Final = 200_000
LONGEST_REASON: Final = 400
LONGEST_CAPTION: Final = 200
#: Measurements and key images of one report.
MOST_PULLED: Final = 60
#: Bytes of a draft as it is sent.
LARGEST_BODY: Final = 1_500_000

Section = dict[str, str]


class State(StrEnum):
    """As ``Report.State`` names them; NONE before the first word."""

    NONE = "none"
    DRAFT = "draft"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"
    APPENDED = "appended"
    WITHDRAWN = "withdrawn"


class Writing(StrEnum):
    """What is being written, as ``ReportDraft.Kind`` names it."""

    REPORT = "report"
    ADDENDUM = "addendum"
    CORRECTION = "correction"


class Act(StrEnum):
    """What somebody may do with a report."""

    WRITE = "write"
    SIGN_PRELIMINARY = "sign_preliminary"
    SIGN_FINAL = "sign_final"
    BEGIN_ADDENDUM = "begin_addendum"
    BEGIN_CORRECTION = "begin_correction"
    DISCARD = "discard"
    WITHDRAW = "withdraw"


SIGNED: Final = frozenset({State.FINAL, State.AMENDED, State.APPENDED})
#: What others than the writers read.
SHOWN: Final = SIGNED | {State.PRELIMINARY, State.WITHDRAWN}


class Refused(Exception):
    """It cannot be done; ``code`` says why, and nothing was written. ``more`` are values for the words."""

    def __init__(self, code: str, **more: str) -> None:
        """Keep what a person is told."""
        super().__init__(code)
        self.code = code
        self.more = more


@dataclass(frozen=True, slots=True)
class Powers:
    """What a person may do in the departments where the study is."""

    may_write: bool = False
    may_sign: bool = False


def offered(state: State, writing: Writing | None, powers: Powers) -> frozenset[Act]:
    """What may be done now. ``writing`` is the kind of the draft that there is, None without one."""
    acts: set[Act] = set()
    if not powers.may_write:
        return frozenset()
    is_first = state in {State.NONE, State.DRAFT, State.PRELIMINARY}
    if is_first or writing is not None:
        acts.add(Act.WRITE)
    if is_first:
        acts.add(Act.SIGN_PRELIMINARY)
    if (is_first or writing is not None) and powers.may_sign:
        acts.add(Act.SIGN_FINAL)
    if state in SIGNED and writing is None:
        acts |= {Act.BEGIN_ADDENDUM, Act.BEGIN_CORRECTION}
        if powers.may_sign:
            acts.add(Act.WITHDRAW)
    if state is State.WITHDRAWN and writing is None:
        acts.add(Act.BEGIN_CORRECTION)
    if writing in {Writing.ADDENDUM, Writing.CORRECTION} or (state is State.DRAFT and writing is not None):
        acts.add(Act.DISCARD)
    return frozenset(acts)


#: What the report is once a draft of a kind was signed as final.
AFTER: Final[Mapping[Writing, State]] = MappingProxyType(
    {Writing.REPORT: State.FINAL, Writing.ADDENDUM: State.APPENDED, Writing.CORRECTION: State.AMENDED}
)


def checked_sections(given: object) -> list[Section]:
    """Sections as they are kept: known keys, cleaned texts. Raises ``Refused`` for what no editor of ours sends.

    Nothing is cut: a text that is too long is refused as a whole, and stays with who typed it.
    """
    if not isinstance(given, list) or len(given) > layout.MOST_SECTIONS:
        raise Refused("shape")
    kept: list[Section] = []
    for section in given:
        if not isinstance(section, dict) or not all(
            isinstance(section.get(key), str) for key in ("code", "title", "text")
        ):
            raise Refused("shape")
        code, title, text = section["code"], section["title"], section["text"]
        if not code or len(code) > 32 or not code.isascii() or len(title) > 4 * layout.LONGEST_TITLE:
            raise Refused("shape")
        if len(text) > layout.LONGEST_TEXT:
            raise Refused("too_long", section=clean(title)[: layout.LONGEST_TITLE] or code)
        kept.append({"code": clean(code), "title": clean(title)[: layout.LONGEST_TITLE], "text": clean(text)})
    if len({section["code"] for section in kept}) != len(kept):
        raise Refused("shape")
    if sum(len(section["text"]) for section in kept) > LONGEST_REPORT:
        raise Refused("too_long", section="")
    return kept


def is_empty(sections: Iterable[Mapping[str, Any]]) -> bool:
    """Whether nothing was written."""
    return not any(str(section["text"]).strip() for section in sections)


def unfilled(sections: Sequence[Mapping[str, Any]]) -> list[str]:
    """The labels of fields that still wait to be filled in; what is broken is text."""
    return [field.label for section in sections for field in fields.find(section["text"]).fields]


def broken(sections: Sequence[Mapping[str, Any]]) -> list[tuple[str, fields.Problem]]:
    """(title of the section, what cannot be read there)."""
    return [(section["title"], problem) for section in sections for problem in fields.find(section["text"]).problems]


def checked_reason(reason: str, *, is_needed: bool) -> str:
    """A reason on one line. Raises ``Refused`` when it is missing where it is needed, or too long."""
    said = " ".join(clean(reason).split())
    if is_needed and len(said) < 3:
        raise Refused("no_reason")
    if len(said) > LONGEST_REASON:
        raise Refused("reason_too_long")
    return said
