"""Two headers side by side: which attributes differ, in order of tags. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from imaging.dicom import header_listing
from imaging.dicom.header_listing import Line


@dataclass(frozen=True, slots=True)
class Pair:
    """One attribute in both headers; the text of a side that lacks it is empty."""

    tag: str
    name: str
    vr: str
    depth: int
    left: str
    right: str
    differs: bool


def lines(record: Mapping[str, Any]) -> list[Line]:
    """The header as lines to read."""
    return list(islice(header_listing.listing(dict(record)), header_listing.MOST_LINES))


def compare(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[Pair]:
    """Every attribute of either header, matched by its place: tag, and item numbers within sequences."""
    mine, yours = _placed(lines(left)), _placed(lines(right))
    pairs = []
    for place in _merged(mine, yours):
        one, other = mine.get(place), yours.get(place)
        known = one or other
        if known is not None:
            differs = one is None or other is None or (one.value, one.vr) != (other.value, other.vr)
            texts = (one.value if one else "", other.value if other else "")
            pairs.append(Pair(known.tag, known.name, known.vr, known.depth, *texts, differs))
    return pairs


def differing(pairs: Iterable[Pair]) -> list[Pair]:
    """Only those that differ, without the sequences and items around them."""
    return [pair for pair in pairs if pair.differs and (pair.left or pair.right or pair.vr == "SQ")]


def _placed(found: Iterable[Line]) -> dict[tuple[str, ...], Line]:
    """Lines by their path of tags and items."""
    placed: dict[tuple[str, ...], Line] = {}
    path: list[str] = []
    for line in found:
        # A sequence's items are one deeper than it, and their attributes as deep as the items.
        step = line.tag or line.name
        del path[line.depth * 2 if line.tag else line.depth * 2 - 1 :]
        path.append(step)
        placed[tuple(path)] = line
    return placed


def _merged(mine: Mapping[tuple[str, ...], Line], yours: Mapping[tuple[str, ...], Line]) -> Iterator[tuple[str, ...]]:
    return iter(sorted({*mine, *yours}, key=_order))


def _order(path: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Items by number, attributes by tag."""
    return tuple((int(step[1:]), "") if step.startswith("#") else (0, step) for step in path)
