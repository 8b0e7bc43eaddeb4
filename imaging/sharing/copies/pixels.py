"""Words in pixels: which are nobody's, what is proposed to be made black, and what names the patient."""

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO, Final

from imaging.dicom import part10
from imaging.dicom.blanking import Area, outside_ultrasound_regions
from imaging.dicom.deidentification.identifiers import Identifiers
from imaging.dicom.part10 import ParsedFile
from imaging.rendering.burned_in import services as burned_in
from imaging.rendering.burned_in.services import Region

#: Marks that stand on images everywhere: sides, positions, projections, in English, French and German.
_MARKS: Final = frozenset({
    "lt", "rt", "left", "right", "li", "re", "gauche", "droite", "ap", "pa", "lat", "lateral", "sup", "inf", "ant", "post",
    "up", "down", "rl", "lr", "cc", "rcc", "lcc", "mlo", "rmlo", "lmlo", "ml", "lm", "xccl", "erect", "supine", "prone",
    "debout", "couche", "portable",
})  # fmt: skip

Stored = list[list[Any]]


def is_harmless(text: str) -> bool:
    """Whether words are one of those marks, a single letter (what a skull is read as) or at most two figures: these name nobody."""
    plain = "".join(letter for letter in text.casefold() if letter.isalnum())
    return len(plain) <= 1 or plain in _MARKS or (len(plain) == 2 and plain.isdecimal())


def telling(words: Iterable[Region], size: tuple[int, int] | None) -> list[Region]:
    """Return the words that may say something about somebody, in frames of this size (rows, columns).

    What is higher and wider than a quarter of the frame is no word: a body is read as an O, two lungs as an OA.
    """
    rows, columns = size or (1 << 30, 1 << 30)
    found = (word for word in words if 4 * word.h <= rows or 4 * word.w <= columns)
    return [word for word in found if not is_harmless(word.text)]


def stored(words: Iterable[Region]) -> Stored:
    """Return words as a row keeps them."""
    return [[word.frame, word.x, word.y, word.w, word.h, word.text, word.text_score] for word in words]


def proposed(file: BinaryIO, parsed: ParsedFile, words: Iterable[Region]) -> list[list[int]]:
    """Return what to make black: each word, in every frame, and all outside the regions of an ultrasound image."""
    areas = dict.fromkeys(word.area() for word in words)
    size = size_of(parsed)
    if size is not None:
        areas |= dict.fromkeys(outside_ultrasound_regions(parsed.dataset, *size))
    return [as_row(area) for area in areas]


def size_of(parsed: ParsedFile) -> tuple[int, int] | None:
    """Return rows and columns of the frames of an object, None without pixels."""
    rows, columns = parsed.dataset.get("Rows"), parsed.dataset.get("Columns")
    return (int(rows), int(columns)) if rows and columns else None


def as_row(area: Area) -> list[int]:
    """Return an area as a row keeps it."""
    return [area.left, area.top, area.width, area.height, area.first, area.last]


def area_of(word: Sequence[Any]) -> Area:
    """Return what is made black of a word that a row keeps."""
    return Region(*word).area()


def areas_of(rows: Sequence[Sequence[int]]) -> list[Area]:
    """Return the areas that a row keeps."""
    return [Area(*map(int, row)) for row in rows]


def names_somebody(file: BinaryIO, found: Iterable[Region]) -> bool:
    """Whether words seen in the pixels hold one of the identifiers of the object as it was received."""
    file.seek(0)
    known = Identifiers.of(part10.read_part10(file).dataset)
    return any(known.in_text(word.text) for word in found)


def seen(file: BinaryIO) -> list[Region]:
    """Return the words in the frames of a file. Raises ``DicomError`` and ``Unavailable`` as ``burned_in`` does."""
    file.flush()
    return burned_in.detect(file)
