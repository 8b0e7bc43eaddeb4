"""What the page about a copy shows: how far it has come, and each held image with what was read in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from imaging.sharing.copies import pixels, selectors, words
from imaging.sharing.models import CopiedStudy, HeldObject

#: Images on one page.
PAGE = 12


@dataclass(frozen=True, slots=True)
class Box:
    """Something that is proposed to be made black, in pixels; ``text`` is what it seems to say, empty where nobody read it."""

    number: int
    left: int
    top: int
    width: int
    height: int
    text: str


@dataclass(frozen=True, slots=True)
class HeldImage:
    """One image that must be looked at."""

    row: HeldObject
    why: Sequence[str]
    boxes: Sequence[Box]
    frames: int


@dataclass(frozen=True, slots=True)
class Left:
    """Images of which no copy goes, and why."""

    why: str
    count: int


def held_page(copied: CopiedStudy) -> list[HeldObject]:
    """Return the first images that wait for a decision."""
    rows = selectors.held_objects(copied).filter(state=HeldObject.State.HELD)
    return list(rows.select_related("source__series__study")[:PAGE])


def image_of(row: HeldObject) -> HeldImage:
    """Return what is shown of one image."""
    return HeldImage(row, words.reasons(row), _boxes(row), row.source.number_of_frames)


def _boxes(row: HeldObject) -> list[Box]:
    said = {tuple(pixels.as_row(pixels.area_of(word))): word[5] for word in row.words}
    found = []
    for number, area in enumerate(row.areas):
        left, top, width, height, *_frames = area
        found.append(Box(number, max(left, 0), max(top, 0), width, height, said.get(tuple(area), "")))
    return found


def left_out(copied: CopiedStudy) -> list[Left]:
    """Return which images are not in the copy, by reason."""
    counts: dict[str, int] = {}
    rows = copied.held.filter(state__in=[HeldObject.State.REFUSED, HeldObject.State.LEFT_OUT])
    for row in rows.order_by("pk"):
        why = words.refusal(row)
        counts[why] = counts.get(why, 0) + 1
    return [Left(why, count) for why, count in counts.items()]
