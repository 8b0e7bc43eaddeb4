"""A line of words below a picture that leaves the portal, for who asked for it. Runs in the decoder pool.

The face has Latin letters only. So the words go with the picture as text too, letter by letter as they are: as the description
of its XMP packet (ISO 16684-1), which JPEG, PNG and WebP all have.
"""

from __future__ import annotations

import io
from typing import Final
from xml.sax.saxutils import escape

import PIL.Image
from PIL import ImageDraw
from PIL.Image import Image

from imaging.rendering import lettering, tiles

#: Height of the letters: a share of the picture's height, within these pixels.
_SHARE: Final = 1 / 45
_SMALLEST, _LARGEST = 11, 48
_PACKET: Final = (
    '<?xpacket begin="\N{ZERO WIDTH NO-BREAK SPACE}" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    '<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{words}</rdf:li></rdf:Alt></dc:description>'
    '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def below(picture: bytes, words: str) -> Image:
    """The picture (PNG, ours) with a black band below it that says ``words``: no pixel of the image is covered.

    Letters get smaller until the words fit; what still does not is cut and marked.
    """
    with PIL.Image.open(io.BytesIO(picture), formats=["PNG"]) as opened:
        image = opened.convert("RGB")
    shown = lettering.drawable(words)
    size = round(min(max(image.height * _SHARE, _SMALLEST), _LARGEST))
    margin = size // 2
    room = image.width - 2 * margin
    while size > _SMALLEST and lettering.face(size, 500).length(shown) > room:
        size -= 1
    face = lettering.face(size, 500)
    while shown and face.length(shown) > room:
        shown = shown.removesuffix("…")[:-1] + "…" if len(shown) > 1 else ""
    height = 2 * size
    drawn = PIL.Image.new("RGB", (image.width, image.height + height), tiles.FILM)
    drawn.paste(image, (0, 0))
    face.write(ImageDraw.Draw(drawn), (margin, image.height + height / 2), shown, tiles.TEXT, "lm")
    return drawn


def packet(words: str) -> bytes:
    """The XMP packet of a picture that says ``words``; what XML cannot hold is left out of them."""
    text = "".join(char for char in words if char.isprintable())
    return _PACKET.format(words=escape(text)).encode()
