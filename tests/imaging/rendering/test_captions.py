"""Words below a picture: letters as they are, a sign for those that cannot be drawn, and all of them as text beside."""

import io

import numpy as np
import numpy.typing as npt
import PIL.Image
import pytest

from imaging.rendering import captions, lettering
from imaging.rendering.decoder import Client
from imaging.rendering.protocol import Lane
from tests.imaging.rendering.conftest import Pool


def png(width: int = 800, height: int = 600) -> bytes:
    out = io.BytesIO()
    PIL.Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


def band(words: str) -> npt.NDArray[np.uint8]:
    """The band below a picture, as it is drawn."""
    return np.asarray(captions.below(png(), words))[600:]


@pytest.mark.parametrize(
    ("words", "drawn"),
    [
        ("LÉVÊQUE Zoë", "LÉVÊQUE Zoë"),
        ("ŁUKASIEWICZ Żaneta", "ŁUKASIEWICZ Żaneta"),
        ("Ko\N{COMBINING CARON}s\N{COMBINING CARON}", "Kǒš"),
        ("ŐRI Ştefan Ğ ı ß ẞ", "ŐRI Ştefan Ğ ı ß ẞ"),
        ("NGUYỄN Thị", "NGUYEN Thi"),
        ("ΠΑΠΑΣ Νίκος", "[…] […]"),
        ("山田 Taro", "[…] Taro"),
        ("a\u202eb\u200dc\x00d", "abcd"),
        ("ﬁ Ⅳ", "fi IV"),
        ("", ""),
    ],
)
def test_every_latin_letter_is_drawn_and_what_is_not_leaves_a_sign(words: str, drawn: str) -> None:
    assert lettering.drawable(words) == drawn
    assert bool(band(words).any()) is bool(drawn)


def test_each_letter_that_counts_as_drawable_has_a_shape_of_its_own() -> None:
    face = lettering.face(40, 500)
    box = face._basic.getmask("\uffff")
    for char in lettering._ALL:
        [(_run, font)] = face._runs(char)
        assert bytes(font.getmask(char)) != bytes(box), f"U+{ord(char):04X}"


def test_a_letter_with_a_stroke_is_another_than_without() -> None:
    assert (band("Ł") != band("L")).any()
    assert (band("Ł Durand") != band("Ł Duran")).any()


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_the_words_go_with_the_picture_as_text(media_type: str, decoders: Pool) -> None:
    words = 'ΠΑΠΑΣ Νίκος <&"> 山田\x00 · 04.03.2026'
    made = Client(decoders.path, Lane.PERSON).caption(png(), words, media_type=media_type)
    with PIL.Image.open(io.BytesIO(made.data)) as picture:
        packet = picture.getxmp()
    described = packet["xmpmeta"]["RDF"]["Description"]["description"]["Alt"]["li"]
    assert described["text"] == words.replace("\x00", "")


def test_a_name_that_is_too_long_is_cut_and_marked() -> None:
    narrow = np.asarray(captions.below(png(60, 40), "A very long name indeed, and more of it"))
    assert narrow.shape[1] == 60
    assert narrow[40:].any()
