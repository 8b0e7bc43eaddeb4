"""The cards of objects without pixels are read where they are shown."""

import numpy as np
import pytest

from imaging.rendering import tiles
from imaging.rendering.tile_content import Line, Tile

FILM = (0, 0, 0)


@pytest.mark.parametrize("size", [64, 256, 1024])
@pytest.mark.parametrize("lines", [0, 1, 6, 24])
def test_a_card_is_lighter_than_film_whatever_it_says(size: int, lines: int) -> None:
    card = tiles.draw(Tile("SR", "Report " * 40, tuple(Line("found " * 30, "What", 2) for _ in range(lines))), size)
    assert card.size == (size, size)
    assert card.getpixel((0, 0)) == FILM
    ground = card.getpixel((size // 2, size // 32))
    assert isinstance(ground, tuple)
    assert min(ground) > 20


def test_few_words_are_written_larger_than_many() -> None:
    def height(lines: int) -> int:
        card = np.asarray(tiles.draw(Tile("SR", "Report", tuple(Line("found", "What") for _ in range(lines))), 1024))
        pill = (card == np.array(tuple(bytes.fromhex(tiles.ACCENT_SOFT[1:])), np.uint8)).all(axis=2).any(axis=1)
        return int(pill.sum())

    assert height(2) > height(24)
