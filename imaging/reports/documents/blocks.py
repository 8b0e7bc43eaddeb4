"""How a typed text is laid out: paragraphs, lines and lists, and nothing else. The text is never markup."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BULLET: Final = re.compile(r"[ ]*(?:[-*•–—]|\d{1,3}[.)])[ ]+(?=\S)")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph of ``lines``, or a list of them; ``marks`` are what stood before each line of a list (a dash is a bullet)."""

    lines: tuple[str, ...]
    marks: tuple[str, ...] = ()

    @property
    def is_list(self) -> bool:
        """Whether the lines are items."""
        return bool(self.marks)

    @property
    def items(self) -> list[tuple[str, str]]:
        """(mark, line) of a list."""
        return list(zip(self.marks, self.lines, strict=True))


def blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a text, in order. An empty line ends a block; a line after an item that is indented goes on with it."""
    found: list[Block] = []
    lines: list[str] = []
    marks: list[str] = []

    def close() -> None:
        if lines:
            found.append(Block(tuple(lines), tuple(marks)))
            lines.clear()
            marks.clear()

    for raw in text.split("\n"):
        line = raw.rstrip()
        mark = _BULLET.match(line)
        if not line:
            close()
        elif mark:
            if lines and not marks:
                close()
            written = mark.group().strip()
            marks.append(written if written[0].isdigit() else "•")
            lines.append(line[mark.end() :])
        elif marks and line.startswith("  "):
            lines[-1] = f"{lines[-1]} {line.strip()}"
        else:
            if marks:
                close()
            lines.append(line.strip())
    close()
    return tuple(found)
