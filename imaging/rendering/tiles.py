"""Draws the cards of objects without pixels, in the colours of the reading room. Runs in the pool.

Text of an object is hostile: it becomes pixels here and nothing else.
"""

from __future__ import annotations

from typing import Final

import PIL.Image
from PIL import ImageDraw
from PIL.Image import Image

from imaging.rendering.lettering import Face, drawable, face
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
    title = face(round(17 * unit), 600)
    for line in _wrap(drawable(tile.title), title, size - 2 * margin, 3):
        title.write(pen, (margin, at), line, TEXT)
        at += round(22 * unit)
    at += round(6 * unit)
    if len(tile.lines) < _SPARSE and at + (18 * len(tile.lines) + 72) * unit < bottom:
        _sheet(pen, size - margin, round(72 * unit), max(1, round(1.5 * unit)))
    for entry in tile.lines:
        below = _entry(pen, entry, (margin, at), (size - margin, bottom), unit)
        if below is None:
            title.write(pen, (size / 2, size - margin / 2), "…", TEXT_2, "ms")
            return image, False
        at = below
    return image, True


def _pill(pen: ImageDraw.ImageDraw, at: tuple[int, int], code: str, unit: float) -> int:
    """The code in its pill; returns its height."""
    bold = face(round(13 * unit), 650)
    shown = drawable(code)[:8]
    height = round(24 * unit)
    width = round(bold.length(shown) + 18 * unit)
    pen.rounded_rectangle((*at, at[0] + width, at[1] + height), radius=round(6 * unit), fill=ACCENT_SOFT)
    bold.write(pen, (at[0] + width / 2, at[1] + height / 2), shown, ACCENT, "mm")
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
    written, height = face(round(12.5 * unit), 400), round(18 * unit)
    if top + height > corner[1]:
        return None
    if entry.swatch:
        side = round(10 * unit)
        pen.rounded_rectangle((left, top + 4 * unit, left + side, top + 4 * unit + side), 2 * unit, fill=entry.swatch)
        left += round(17 * unit)
    label = drawable(entry.label)
    if label and not entry.value:
        written = face(round(12.5 * unit), 600)
    shown = f"{label}  {drawable(entry.value)}" if label else drawable(entry.value)
    lines = _wrap(shown, written, corner[0] - left, 3)
    for number, line in enumerate(lines):
        if top + height > corner[1]:
            return None
        written.write(pen, (left, top), line, TEXT_2)
        if number == 0 and label and entry.value:
            written.write(pen, (left, top), line[: len(label)], TEXT_3)
        top += height
    return top


def _wrap(text: str, written: Face, width: float, most: int) -> list[str]:
    """Lines that fit ``width``, at most so many; what is left out is marked."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        tried = f"{line} {word}" if line else word
        if written.length(tried) <= width:
            line = tried
            continue
        if line:
            lines.append(line)
        line = _cut(word, written, width)
        if len(lines) == most:
            break
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(f"{lines[most - 1]} {lines[most]}", written, width)]
    return [line for line in lines if line]


def _cut(text: str, written: Face, width: float) -> str:
    if written.length(text) <= width:
        return text
    while text and written.length(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"
