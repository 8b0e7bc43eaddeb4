"""Which characters our fonts can print, read out of the fonts themselves; a character that they cannot becomes a mark.

PDF/A wants a glyph for everything. What is printed as a mark is counted, so that the paper itself says that the page and the
structured report, which hold the text as it was signed, have more.
"""

from __future__ import annotations

import functools
import re
import struct
import unicodedata
from pathlib import Path
from typing import Final

FONTS: Final = Path(__file__).with_name("fonts")
FAMILY: Final = "Inter"
#: Stands for a character that no font of ours has.
MARK: Final = "□"
#: Hebrew is of Libertinus Serif, which the typesetter carries.
FALLBACK: Final = "Libertinus Serif"
_HEBREW: Final = frozenset(range(0x05D0, 0x05EB))
_LONG: Final = re.compile(r"\S{48,}")
_RUN: Final = 24
_BREAK: Final = "\N{ZERO WIDTH SPACE}"


def printable(text: str) -> tuple[str, int]:
    """The text with marks for what cannot be printed, and how many; runs without a space may break, so that none is cut off."""
    covered = _covered()
    missing = 0
    if not text.isascii():
        made: list[str] = []
        for char in text:
            if ord(char) in covered or char == "\n":
                made.append(char)
            elif replaced := _simpler(char, covered):
                made.append(replaced)
            elif unicodedata.category(char) not in {"Cf", "Mn", "Me", "Cc"}:
                made.append(MARK)
                missing += 1
        text = "".join(made)
    return _LONG.sub(_with_breaks, text), missing


def _simpler(char: str, covered: frozenset[int]) -> str:
    """The same character written otherwise (a full-width letter, a ligature, a joined unit), where that can be printed."""
    found = unicodedata.normalize("NFKC", char)
    return found if found != char and all(ord(each) in covered for each in found) else ""


def _with_breaks(found: re.Match[str]) -> str:
    run = found.group()
    return _BREAK.join(run[at : at + _RUN] for at in range(0, len(run), _RUN))


@functools.cache
def _covered() -> frozenset[int]:
    """What every weight of the family has, and Hebrew."""
    each = [_characters(path.read_bytes()) for path in sorted(FONTS.glob("*.ttf"))]
    return frozenset.intersection(*each) | _HEBREW


def _characters(font: bytes) -> frozenset[int]:
    """The code points of a font's character map in format 4 (OpenType ``cmap``)."""
    (count,) = struct.unpack_from(">H", font, 4)
    tables = {font[at : at + 4]: struct.unpack_from(">LL", font, at + 8) for at in range(12, 12 + 16 * count, 16)}
    start, _length = tables[b"cmap"]
    (subtables,) = struct.unpack_from(">H", font, start + 2)
    for number in range(subtables):
        _platform, _encoding, offset = struct.unpack_from(">HHL", font, start + 4 + 8 * number)
        at = start + offset
        if struct.unpack_from(">H", font, at)[0] == 4:
            return _segments(font, at)
    raise ValueError("the font has no character map of format 4")


def _segments(font: bytes, at: int) -> frozenset[int]:
    """A font of ours was cut to whole code points: what a segment spans, it has, unless its glyph is the missing one."""
    (twice,) = struct.unpack_from(">H", font, at + 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", font, at + 14)
    starts = struct.unpack_from(f">{count}H", font, at + 16 + twice)
    deltas = struct.unpack_from(f">{count}H", font, at + 16 + 2 * twice)
    ranges_at = at + 16 + 3 * twice
    offsets = struct.unpack_from(f">{count}H", font, ranges_at)
    found: set[int] = set()
    for number, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for char in range(start, min(end, 0xFFFE) + 1):
            if offset:
                place = ranges_at + 2 * number + offset + 2 * (char - start)
                glyph = struct.unpack_from(">H", font, place)[0]
            else:
                glyph = (char + delta) & 0xFFFF
            if glyph:
                found.add(char)
    return frozenset(found)
