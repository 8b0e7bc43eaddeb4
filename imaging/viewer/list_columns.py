"""The columns of the study list: what they are called, what they sort by, how wide they are, and which one reader sees.

Addresses name an order by its column (`order=date`) and the other direction with a minus (`order=-date`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.studies.finding.list_layouts import ColumnChoice, Layout
from imaging.studies.selectors import Order

_O = Order
#: Widths in CSS pixels that a reader may give a column.
NARROWEST: Final = 40
WIDEST: Final = 800


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `orders` are those of the first and of the second click on its header.

    `track` is its width as a CSS grid track while the reader has given none (its variables belong to narrow lists,
    `studies.css`); `leaves_below` the width of the list, in rem,
    under which it makes room. A fixed column is always there: who it is and what one acts on are never hidden.
    """

    key: str
    label: str | Promise
    track: str = "max-content"
    orders: tuple[Order, Order] | None = None
    is_shown: bool = True
    is_fixed: bool = False
    is_quiet: bool = False
    leaves_below: int = 0
    abbreviates: str | Promise = ""

    @property
    def first(self) -> Order | None:
        """The order of the first click on its header."""
        return self.orders[0] if self.orders else None

    @property
    def template(self) -> str:
        """The template of one cell."""
        return f"imaging/viewer/cells/{self.key}.html"


COLUMNS: Final[Mapping[str, Column]] = {
    column.key: column
    for column in (
        Column("select", _("Selection"), is_fixed=True, is_quiet=True),
        Column("image", _("Image"), is_fixed=True, is_quiet=True),
        Column("name", _("Patient"), "fit-content(19rem)", is_fixed=True, orders=(_O.NAME, _O.NAME_DESCENDING)),
        Column(
            "mrn",
            _("MRN"),
            "fit-content(var(--track-mrn, 9.5rem))",
            orders=(_O.PATIENT_ID, _O.PATIENT_ID_DESCENDING),
            leaves_below=44,
            abbreviates=_("Medical record number"),
        ),
        Column("birth", _("Born"), is_shown=False, leaves_below=62, orders=(_O.OLDEST, _O.YOUNGEST)),
        Column("sex", _("Sex"), is_shown=False, leaves_below=62, orders=(_O.SEX, _O.SEX_DESCENDING)),
        Column(
            "modality",
            pgettext_lazy("column", "Mod."),
            "fit-content(var(--track-modality, 14rem))",
            orders=(_O.MODALITY, _O.MODALITY_DESCENDING),
            abbreviates=_("Modality"),
        ),
        Column(
            "study",
            _("Study"),
            "minmax(clamp(6rem, 15cqi - 1rem, 16rem), 1fr)",
            is_fixed=True,
            orders=(_O.DESCRIPTION, _O.DESCRIPTION_DESCENDING),
        ),
        Column(
            "body",
            _("Body part"),
            "fit-content(9rem)",
            is_shown=False,
            leaves_below=62,
            orders=(_O.BODY_PART, _O.BODY_PART_DESCENDING),
        ),
        Column(
            "accession",
            _("Accession"),
            "fit-content(10.5rem)",
            leaves_below=72,
            orders=(_O.ACCESSION, _O.ACCESSION_DESCENDING),
        ),
        Column("date", _("Date"), orders=(_O.LATEST, _O.EARLIEST)),
        Column("department", _("Department"), "fit-content(10rem)", leaves_below=72),
        Column(
            "referring",
            _("Referring"),
            "fit-content(12rem)",
            is_shown=False,
            leaves_below=62,
            orders=(_O.REFERRING, _O.REFERRING_DESCENDING),
            abbreviates=_("Referring physician"),
        ),
        Column(
            "source",
            _("Source"),
            "fit-content(10rem)",
            is_shown=False,
            leaves_below=62,
            orders=(_O.SOURCE, _O.SOURCE_DESCENDING),
        ),
        Column("status", _("Status"), orders=(_O.STATUS, _O.STATUS_DESCENDING)),
        Column("report", _("Report"), leaves_below=58),
        Column(
            "received", _("Received"), is_shown=False, leaves_below=72, orders=(_O.LAST_RECEIVED, _O.FIRST_RECEIVED)
        ),
        Column(
            "series",
            pgettext_lazy("several", "Series"),
            is_shown=False,
            leaves_below=62,
            orders=(_O.MOST_SERIES, _O.FEWEST_SERIES),
        ),
        Column("images", _("Images"), leaves_below=58, orders=(_O.MOST_INSTANCES, _O.FEWEST_INSTANCES)),
        Column("priors", _("Priors"), leaves_below=58),
    )
}

#: Orders by their name in an address.
ORDERS: Final[Mapping[str, Order]] = {
    name: order
    for column in COLUMNS.values()
    if column.orders is not None
    for name, order in ((column.key, column.orders[0]), (f"-{column.key}", column.orders[1]))
}
FIRST_ORDER: Final = "date"

#: What each order is in words, for the table's caption and for who hears the page.
ORDER_WORDS: Final[Mapping[Order, str | Promise]] = {
    _O.LATEST: _("newest study first"),
    _O.EARLIEST: _("oldest study first"),
    _O.LAST_RECEIVED: _("last received first"),
    _O.FIRST_RECEIVED: _("first received first"),
    _O.OLDEST: _("oldest patient first"),
    _O.YOUNGEST: _("youngest patient first"),
    _O.MOST_SERIES: _("most series first"),
    _O.FEWEST_SERIES: _("fewest series first"),
    _O.MOST_INSTANCES: _("most images first"),
    _O.FEWEST_INSTANCES: _("fewest images first"),
}


def order_words(name: str) -> str:
    """Return an order in words."""
    order = ORDERS[name]
    if order in ORDER_WORDS:
        return str(ORDER_WORDS[order])
    label = COLUMNS[name.removeprefix("-")]
    words = _("by %(column)s, backwards") if name.startswith("-") else _("by %(column)s")
    return str(words) % {"column": str(label.abbreviates or label.label)}


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column as one reader sees it; `width` in CSS pixels, 0 while it fits what it holds."""

    column: Column
    width: int = 0

    @property
    def track(self) -> str:
        """Its CSS grid track."""
        return f"{self.width}px" if self.width else self.column.track


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of one list as one reader sees them, in order."""

    columns: tuple[ShownColumn, ...] = field(default_factory=tuple)
    density: str = "comfortable"
    is_own: bool = False

    def has(self, key: str) -> bool:
        """Whether a column is among them."""
        return any(shown.column.key == key for shown in self.columns)

    @property
    def written(self) -> str:
        """The columns as one text, `name.240,mrn`: an address of their style sheet can be kept for ever."""
        return ",".join(
            f"{shown.column.key}.{shown.width}" if shown.width else shown.column.key for shown in self.columns
        )


def shape_of(layout: Layout, *, departments: int = 2) -> Shape:
    """Return the columns that a layout shows; with none, those that everybody has at first.

    Who reads for one department only is not told it on every line.
    """
    chosen = [entry for entry in layout.columns if entry.key in COLUMNS]
    if not chosen:
        chosen = [ColumnChoice(column.key) for column in COLUMNS.values() if column.is_shown]
        chosen = [entry for entry in chosen if entry.key != "department" or departments > 1]
    return Shape(_complete(chosen), layout.density, layout.is_own)


def read_shape(text: str) -> Shape:
    """Return the columns written by `Shape.written`; unknown ones are left out."""
    chosen = []
    for part in text.split(",")[: len(COLUMNS)]:
        key, _dot, width = part.partition(".")
        if key in COLUMNS:
            chosen.append(ColumnChoice(key, width_of(width)))
    return Shape(_complete(chosen))


def width_of(text: str) -> int:
    """Return a width that a column can have, 0 for a text that is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= 4) or int(text) == 0:
        return 0
    return min(max(int(text), NARROWEST), WIDEST)


def _complete(chosen: Sequence[ColumnChoice]) -> tuple[ShownColumn, ...]:
    """The chosen columns, each once; the fixed ones that are missing stand in front, the quiet ones always do."""
    known = {entry.key: entry.width for entry in reversed(chosen)}
    missing = [key for key, column in COLUMNS.items() if column.is_fixed and key not in known]
    order = [*missing, *dict.fromkeys(entry.key for entry in chosen)]
    order.sort(key=lambda key: not COLUMNS[key].is_quiet)
    return tuple(ShownColumn(COLUMNS[key], known.get(key, 0)) for key in order)


def style_sheet(shape: Shape) -> str:
    """Return the widths of the columns as CSS, where rows are wide enough for columns at all.

    As long as nobody gave widths, columns make room one after the other when the list gets narrower.
    """
    rules = [_grid(shape.columns)]
    given = any(shown.width for shown in shape.columns)
    steps = set() if given else {shown.column.leaves_below for shown in shape.columns} - {0}
    for step in sorted(steps, reverse=True):
        gone = [shown for shown in shape.columns if shown.column.leaves_below >= step]
        stay = tuple(shown for shown in shape.columns if shown.column.leaves_below < step)
        hidden = ", ".join(f".studies .c-{shown.column.key}" for shown in gone)
        rules.append(f"@container list (inline-size < {step}rem) {{ {_grid(stay)} {hidden} {{ display: none; }} }}")
    written = "\n".join(rules)
    return f"@layer components {{ @media (min-width: 48.01rem) {{\n{written}\n}} }}\n"


def _grid(columns: Sequence[ShownColumn]) -> str:
    return f".studies {{ grid-template-columns: {' '.join(shown.track for shown in columns)}; }}"
