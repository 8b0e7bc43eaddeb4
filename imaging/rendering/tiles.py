"""Draws the cards of objects without pixels, in the colours of the reading room. Runs in the pool.

Text of an object is hostile: it becomes pixels here and nothing else.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

import PIL.Image
from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from imaging.rendering.tile_content import Line, Tile

#: The dark tokens of `static/css/tokens.css` in sRGB: a card is a picture, and pictures lie on film.
FILM: Final = "#000000"
SURFACE: Final = "#12181d"
RAISED: Final = "#1a2127"
RULE: Final = "#323c44"
TEXT: Final = "#e5eaee"
TEXT_2: Final = "#b3bcc3"
TEXT_3: Final = "#929da6"
ACCENT: Final = "#86daeb"
ACCENT_SOFT: Final = "#132e38"

#: A card with fewer lines has room for the sign of a document.
_SPARSE: Final = 4
#: Edges of a card in units, the largest type first: one unit is a pixel in the smallest legible drawing of a card.
#: A preview is read at 300 to 450 pixels on the page, a thumbnail looked at at about 140.
_EDGES_OF_A_PREVIEW: Final = (250, 280, 310, 340)
_EDGE_OF_A_THUMBNAIL: Final = 160
_LARGEST_THUMBNAIL: Final = 320
_FONT: Final = Path(__file__).resolve().parents[2] / "static" / "fonts" / "inter-latin-wght-normal.woff2"
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def draw(tile: Tile, size: int) -> Image:
    """A square card of ``size`` pixels: code, title, lines; in the largest type that holds all of it, else until it is full."""
    if size <= _LARGEST_THUMBNAIL:
        return _card(tile, size, size / _EDGE_OF_A_THUMBNAIL)[0]
    for edge in _EDGES_OF_A_PREVIEW:
        image, is_whole = _card(tile, size, size / edge)
        if is_whole:
            break
    return image


def _card(tile: Tile, size: int, unit: float) -> tuple[Image, bool]:
    """The card with a unit of so many pixels, and whether everything found its place."""
    image = PIL.Image.new("RGB", (size, size), FILM)
    pen = ImageDraw.Draw(image)
    edge = size - 1
    pen.rounded_rectangle((0, 0, edge, edge), round(10 * unit), fill=RAISED, outline=RULE, width=max(1, round(unit)))
    margin = round(16 * unit)
    bottom = size - margin
    at = margin + _pill(pen, (margin, margin), tile.code or "?", unit) + round(12 * unit)
    if tile.moving:
        _play(pen, (size - margin - round(24 * unit), margin), round(22 * unit))
    for line in _wrap(pen, glyphs(tile.title), font(round(17 * unit), 600), size - 2 * margin, 3):
        pen.text((margin, at), line, TEXT, font(round(17 * unit), 600))
        at += round(22 * unit)
    at += round(6 * unit)
    if len(tile.lines) < _SPARSE and at + (18 * len(tile.lines) + 72) * unit < bottom:
        _sheet(pen, size - margin, round(72 * unit), max(1, round(1.5 * unit)))
    for entry in tile.lines:
        below = _entry(pen, entry, (margin, at), (size - margin, bottom), unit)
        if below is None:
            pen.text((size / 2, size - margin / 2), "…", TEXT_2, font(round(17 * unit), 600), anchor="ms")
            return image, False
        at = below
    return image, True


def _pill(pen: ImageDraw.ImageDraw, at: tuple[int, int], code: str, unit: float) -> int:
    """The code in its pill; returns its height."""
    face = font(round(13 * unit), 650)
    shown = glyphs(code)[:8]
    height = round(24 * unit)
    width = round(pen.textlength(shown, face) + 18 * unit)
    pen.rounded_rectangle((*at, at[0] + width, at[1] + height), radius=round(6 * unit), fill=ACCENT_SOFT)
    pen.text((at[0] + width / 2, at[1] + height / 2), shown, ACCENT, face, anchor="mm")
    return height


def _play(pen: ImageDraw.ImageDraw, at: tuple[int, int], size: int) -> None:
    left, top = at
    pen.polygon([(left, top), (left, top + size), (left + size * 0.85, top + size / 2)], fill=ACCENT)


def _sheet(pen: ImageDraw.ImageDraw, corner: int, height: int, stroke: int) -> None:
    """A sheet of paper with a folded corner, faint, ending at ``corner`` both ways."""
    width, fold = round(height * 0.76), round(height * 0.28)
    left, top = corner - width, corner - height
    outline = [(left, top), (corner - fold, top), (corner, top + fold), (corner, corner), (left, corner), (left, top)]
    pen.line(outline, RULE, stroke * 2, joint="curve")
    pen.line([(corner - fold, top), (corner - fold, top + fold), (corner, top + fold)], RULE, stroke * 2)
    for number in range(3):
        level = top + fold + round(height * (0.2 + 0.16 * number))
        pen.line((left + width * 0.2, level, left + width * (0.8 - 0.2 * (number == 2)), level), RULE, stroke * 2)


def _entry(
    pen: ImageDraw.ImageDraw, entry: Line, at: tuple[int, int], corner: tuple[int, int], unit: float
) -> int | None:
    """One line with its label; returns where the next one goes, or None when the card is full."""
    left, top = at[0] + round(10 * unit) * entry.depth, at[1]
    face, height = font(round(12.5 * unit), 400), round(18 * unit)
    if top + height > corner[1]:
        return None
    if entry.swatch:
        side = round(10 * unit)
        pen.rounded_rectangle((left, top + 4 * unit, left + side, top + 4 * unit + side), 2 * unit, fill=entry.swatch)
        left += round(17 * unit)
    label = glyphs(entry.label)
    if label and not entry.value:
        face = font(round(12.5 * unit), 600)
    shown = f"{label}  {glyphs(entry.value)}" if label else glyphs(entry.value)
    lines = _wrap(pen, shown, face, corner[0] - left, 3)
    for number, line in enumerate(lines):
        if top + height > corner[1]:
            return None
        pen.text((left, top), line, TEXT_2, face)
        if number == 0 and label and entry.value:
            pen.text((left, top), line[: len(label)], TEXT_3, face)
        top += height
    return top


def _wrap(pen: ImageDraw.ImageDraw, text: str, face: Font, width: float, most: int) -> list[str]:
    """Lines that fit ``width``, at most so many; what is left out is marked."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        tried = f"{line} {word}" if line else word
        if pen.textlength(tried, face) <= width:
            line = tried
            continue
        if line:
            lines.append(line)
        line = _cut(pen, word, face, width)
        if len(lines) == most:
            break
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(pen, f"{lines[most - 1]} {lines[most]}", face, width)]
    return [line for line in lines if line]


def _cut(pen: ImageDraw.ImageDraw, text: str, face: Font, width: float) -> str:
    if pen.textlength(text, face) <= width:
        return text
    while text and pen.textlength(text + "…", face) > width:
        text = text[:-1]
    return text.rstrip() + "…"


@lru_cache(maxsize=64)
def font(size: int, weight: int) -> Font:
    """Inter at a size in pixels and a weight; Pillow's own face where the file is missing."""
    try:
        face = ImageFont.truetype(str(_FONT), size)
        face.set_variation_by_axes([weight])
    except OSError:
        return ImageFont.load_default(size)
    return face


def glyphs(text: str) -> str:
    """The text in characters that the bundled font has; others lose their accents or are left out."""
    kept = []
    for char in text:
        if ord(char) < 0x100 or char in "–—‘’“”•…−×€œŒ":
            kept.append(char)
        else:
            kept.append("".join(part for part in unicodedata.normalize("NFKD", char) if ord(part) < 0x80))
    return " ".join("".join(kept).split())
