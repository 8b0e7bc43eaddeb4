"""Small plots as shapes on a drawing of 300 by 80 units: whole numbers only, which every language writes alike. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 300
HEIGHT: Final = 80


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it stands, what it counts, and what its row of the table says."""

    x: int
    y: int
    width: int
    height: int
    label: str
    value: int
    extra: int = 0
    #: The part of the bar that stands for `extra`, on top.
    extra_y: int = 0
    extra_height: int = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot with its words: what it shows, in one sentence, and as a table with ``columns``."""

    key: str
    title: str
    sentence: str
    columns: tuple[str, ...]
    bars: tuple[Bar, ...]
    address: str
    lying: bool = False

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((bar.value + bar.extra for bar in self.bars), default=0)

    @property
    def has_extra(self) -> bool:
        """Whether there is a second column."""
        return len(self.columns) > 2


def standing(values: Sequence[tuple[str, int, int]]) -> tuple[Bar, ...]:
    """Return bars side by side for (label, value, extra); what is not zero can be seen."""
    most = max((value + extra for _label, value, extra in values), default=0) or 1
    step = WIDTH // max(len(values), 1)
    bars = []
    for position, (label, value, extra) in enumerate(values):
        height, above = _length(value, most, HEIGHT), _length(extra, most, HEIGHT)
        height = min(height, HEIGHT - above)
        y = HEIGHT - height
        bars.append(
            Bar(
                position * step + 1,
                y,
                max(step - 2, 1),
                height,
                label,
                value,
                extra=extra,
                extra_y=y - above,
                extra_height=above,
            )
        )
    return tuple(bars)


def lying(values: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    """Return bars one above the other for (label, value)."""
    most = max((value for _label, value in values), default=0) or 1
    return tuple(Bar(0, 0, _length(value, most, WIDTH), 10, label, value) for label, value in values)


def _length(value: int, most: int, room: int) -> int:
    return max(round(value * room / most), 2) if value > 0 else 0
