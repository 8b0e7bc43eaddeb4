"""Words as pixels, in the portal's own face: every Latin letter with its accents; what other scripts have leaves a sign.

The face comes in two files, as the pages have it (`static/css/tokens.css`). Both are read before the children of the pool are
forked, since an unprivileged child may not reach them.
"""

from __future__ import annotations

import io
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from PIL import ImageDraw, ImageFont

#: What stands for letters that no file of the face has.
MISSING: Final = "[…]"
_FOLDER: Final = Path(__file__).resolve().parents[2] / "static" / "fonts"


def _letters(*ranges: tuple[int, int]) -> frozenset[str]:
    return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


#: What each file draws: Latin with its signs, and the Latin letters of the other languages.
_BASIC: Final = _letters((0x20, 0x7E), (0xA0, 0xAC), (0xAE, 0xFF)) | set("ıŒœ–—‘’‚“”„•…‹›€−™")
_EXTENDED: Final = _letters((0x100, 0x24F), (0x1E00, 0x1E9B), (0x1E9D, 0x1E9F), (0x1EF2, 0x1EF9)) - _BASIC - set("ŉǄ")
_ALL: Final = _BASIC | _EXTENDED

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
#: What of a word lies at the point where it is put: its left end or its middle; its top, its middle or its baseline.
Anchor = Literal["la", "lm", "mm", "ms"]


def _content(name: str) -> bytes:
    path = _FOLDER / f"inter-{name}-wght-normal.woff2"
    return path.read_bytes() if path.is_file() else b""


_CONTENTS: Final = (_content("latin"), _content("latin-ext"))


class Face:
    """The face at one size in pixels and one weight. It writes what ``drawable`` returns."""

    def __init__(self, size: int, weight: int) -> None:
        """Open both files; Pillow's own face stands in for one that is not there."""
        self._basic, self._extended = (_opened(content, size, weight) for content in _CONTENTS)

    def length(self, text: str) -> float:
        """How many pixels a text is long."""
        return sum(font.getlength(run) for run, font in self._runs(text))

    def write(
        self, pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str, anchor: Anchor = "la"
    ) -> None:
        """Draw a text with its anchor at a point."""
        left = at[0] - (self.length(text) / 2 if anchor[0] == "m" else 0)
        for run, font in self._runs(text):
            pen.text((left, at[1]), run, colour, font, anchor=f"l{anchor[1]}")
            left += font.getlength(run)

    def _runs(self, text: str) -> list[tuple[str, _Font]]:
        """The text in pieces of one file each."""
        runs: list[tuple[str, _Font]] = []
        for char in text:
            font = self._extended if char in _EXTENDED else self._basic
            if runs and runs[-1][1] is font:
                runs[-1] = (runs[-1][0] + char, font)
            else:
                runs.append((char, font))
        return runs


@lru_cache(maxsize=64)
def face(size: int, weight: int) -> Face:
    """Return the face at a size in pixels and a weight."""
    return Face(size, weight)


def drawable(text: str) -> str:
    """The text in letters that the face has: others lose accents that it does not know, or leave one sign for all in a row."""
    kept: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char in _ALL:
            kept.append(char)
            continue
        parts = [part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part)]
        if char.isspace() or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Mn", "Me"}:
            kept.append(" " if char.isspace() else "")
        elif parts and _ALL.issuperset(parts):
            kept += parts
        elif kept[-1:] != [MISSING]:
            kept.append(MISSING)
    return " ".join("".join(kept).split())


def _opened(content: bytes, size: int, weight: int) -> _Font:
    if not content:
        return ImageFont.load_default(size)
    # No script that has to be shaped is drawn, and nothing that turns the direction of a line reaches a layout engine.
    font = ImageFont.truetype(io.BytesIO(content), size, layout_engine=ImageFont.Layout.BASIC)
    font.set_variation_by_axes([weight])
    return font
