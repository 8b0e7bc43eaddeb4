"""Connected parts of a mask as boxes (numpy only)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; left and top count from 0."""

    left: int
    top: int
    width: int
    height: int

    def moved(self, right: int, down: int) -> Self:
        """The box elsewhere."""
        return type(self)(self.left + right, self.top + down, self.width, self.height)

    def grown(self, by: float) -> Self:
        """The box with a margin on each side."""
        margin = math.ceil(by)
        return type(self)(self.left - margin, self.top - margin, self.width + 2 * margin, self.height + 2 * margin)

    def scaled(self, across: float, down: float) -> Self:
        """The box in a picture of another size; never smaller than what it covered."""
        left, top = math.floor(self.left * across), math.floor(self.top * down)
        right, bottom = math.ceil((self.left + self.width) * across), math.ceil((self.top + self.height) * down)
        return type(self)(left, top, right - left, bottom - top)

    def within(self, columns: int, rows: int) -> Self:
        """The part of it that lies in a picture."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.left + self.width, columns), min(self.top + self.height, rows)
        return type(self)(left, top, max(right - left, 0), max(bottom - top, 0))

    def around(self, other: Box) -> Self:
        """The smallest box that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        right = max(self.left + self.width, other.left + other.width)
        bottom = max(self.top + self.height, other.top + other.height)
        return type(self)(left, top, right - left, bottom - top)

    def overlap(self, other: Box) -> int:
        """Pixels that both hold."""
        across = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        down = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(across, 0) * max(down, 0)

    @property
    def area(self) -> int:
        """Pixels."""
        return self.width * self.height


def of(mask: npt.NDArray[np.bool_], values: npt.NDArray[Any]) -> Iterator[tuple[Box, float]]:
    """The connected parts (8 neighbours) of a mask: box, and mean of ``values`` in the part's own pixels."""
    rows, starts, ends = _runs(mask)
    owners = _owners(rows, starts, ends)
    parts: dict[int, list[int]] = {}
    for number, owner in enumerate(owners):
        parts.setdefault(owner, []).append(number)
    for members in parts.values():
        left, right = min(starts[run] for run in members), max(ends[run] for run in members)
        top, bottom = rows[members[0]], rows[members[-1]] + 1
        total = sum(float(values[rows[run], starts[run] : ends[run]].sum()) for run in members)
        yield Box(left, top, right - left, bottom - top), total / sum(ends[run] - starts[run] for run in members)


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[list[int], list[int], list[int]]:
    """Row, first column and column after the last of each run, in order of rows."""
    change = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(change == 1)
    return rows.tolist(), starts.tolist(), np.nonzero(change == -1)[1].tolist()


def _owners(rows: list[int], starts: list[int], ends: list[int]) -> list[int]:
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for run, row in enumerate(rows):
        while rows[above] < row - 1 or (rows[above] == row - 1 and ends[above] < starts[run]):
            above += 1
        other = above
        while other < run and rows[other] == row - 1 and starts[other] <= ends[run]:
            parent[root(run)] = root(other)
            other += 1
    return [root(run) for run in range(len(rows))]


def joined(boxes: Iterable[Box]) -> list[Box]:
    """Boxes of which none holds most of another: such are one."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda box: -box.area):
        for number, known in enumerate(kept):
            if 2 * known.overlap(box) >= box.area:
                kept[number] = known.around(box)
                break
        else:
            if box.area:
                kept.append(box)
    return kept
