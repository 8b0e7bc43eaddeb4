"""A template as people write it: one text, each section below a line ``## findings``. Pure; nothing of a text is dropped.

``## findings: Résultats`` gives the section a title of its own. What stands before the first heading goes to the findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from imaging.reports.documents import sections as headings

MOST_SECTIONS: Final = 20
LONGEST_TITLE: Final = 64
#: Characters of one section, of a template and of a report.
LONGEST_TEXT: Final = 50_000
_HEADING: Final = re.compile(r"##[ \t]*([a-z][a-z0-9_-]{0,31})[ \t]*(?::[ \t]*(.{0,200}?))?[ \t]*")

Section = dict[str, str]


class LayoutInvalid(ValueError):
    """The text is no template. ``code``: ``empty``, ``twice``, ``too_many`` or ``too_long``; ``piece`` says which part."""

    def __init__(self, code: str, piece: str = "") -> None:
        """Keep what a person is told."""
        super().__init__(code)
        self.code = code
        self.piece = piece


def read(text: str) -> list[Section]:
    """The sections of a text. Raises ``LayoutInvalid``."""
    found: list[Section] = []
    lines: list[str] = []

    def close() -> None:
        body = "\n".join(lines).strip("\n")
        lines.clear()
        if found:
            found[-1]["text"] = body
        elif body.strip():
            found.append({"code": "findings", "title": "", "text": body})

    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        heading = _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line.rstrip())
            continue
        close()
        found.append({"code": heading[1], "title": (heading[2] or "").strip()[:LONGEST_TITLE], "text": ""})
    close()
    return _checked(found)


def write(sections: Iterable[Mapping[str, Any]]) -> str:
    """Sections as one text, as ``read`` takes them."""
    parts = []
    for section in sections:
        title = str(section.get("title") or "")
        parts.append(f"## {section.get('code', '')}{f': {title}' if title else ''}\n{section.get('text', '')}".rstrip())
    return "\n\n".join(parts) + "\n" if parts else ""


def is_known(code: str) -> bool:
    """Whether a section has a code of its own in structured reports."""
    return code in headings.HEADINGS


def _checked(found: list[Section]) -> list[Section]:
    if not found:
        raise LayoutInvalid("empty")
    if len(found) > MOST_SECTIONS:
        raise LayoutInvalid("too_many")
    seen: set[str] = set()
    for section in found:
        if section["code"] in seen:
            raise LayoutInvalid("twice", section["code"])
        seen.add(section["code"])
        if len(section["text"]) > LONGEST_TEXT:
            raise LayoutInvalid("too_long", section["code"])
    return found
