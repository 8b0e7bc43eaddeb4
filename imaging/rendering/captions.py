"""A line of words below a picture that leaves the portal, for who asked for it. Runs in the decoder pool."""

from __future__ import annotations

import io
from typing import Final

import PIL.Image
from PIL import ImageDraw
from PIL.Image import Image

from imaging.rendering import tiles

#: Height of the letters: a share of the picture's height, within these pixels.
_SHARE: Final = 1 / 45
_SMALLEST, _LARGEST = 11, 48


def below(picture: bytes, words: str) -> Image:
    """The picture (PNG, ours) with a black band below it that says ``words``: no pixel of the image is covered.

    Letters get smaller until the words fit; what still does not is cut and marked.
    """
    with PIL.Image.open(io.BytesIO(picture), formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    shown = tiles.glyphs(words)
    size = round(min(max(image.height * _SHARE, _SMALLEST), _LARGEST))
    pen = ImageDraw.Draw(image)
    margin = size // 2
    while size > _SMALLEST and pen.textlength(shown, tiles.font(size, 500)) > image.width - 2 * margin:
        size -= 1
    face = tiles.font(size, 500)
    while shown and pen.textlength(shown, face) > image.width - 2 * margin:
        shown = shown.removesuffix("…")[:-1] + "…" if len(shown) > 1 else ""
    height = 2 * size
    drawn = PIL.Image.new("RGB", (image.width, image.height + height), tiles.FILM)
    drawn.paste(image, (0, 0))
    ImageDraw.Draw(drawn).text((margin, image.height + height / 2), shown, tiles.TEXT, face, anchor="lm")
    return drawn
