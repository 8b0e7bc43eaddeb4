"""How each reader sees each list: which columns, in which order, how wide, how dense.

What the columns are is the page's affair: here they are kept as `{"key": str, "width": int}` in their order. A list
without a layout of this reader has the one it was given with, and that failing the reader's own for the study list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from imaging.studies.models import ListLayout, SavedList

_MOST_COLUMNS = 40
_WIDEST = 1200
DENSITIES = ("comfortable", "compact")


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """One column that is shown. `width` in CSS pixels; 0 lets it fit what it holds."""

    key: str
    width: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """A list's columns in their order, empty for those that everybody has at first; and its density."""

    columns: tuple[ColumnChoice, ...] = ()
    density: str = "comfortable"
    is_own: bool = False


def layout_for(user: User, kept: SavedList | None) -> Layout:
    """How `user` sees the list `kept` (the study list itself, without). One query."""
    mine = ListLayout.objects.filter(Q(saved_list=None) | Q(saved_list=kept), user=user)
    rows = {row.saved_list_id: row for row in mine}
    own = rows.get(kept.pk if kept else None)
    general = rows.get(None)
    nearest = own or general
    density = nearest.density if nearest else DENSITIES[0]
    if own is not None:
        return Layout(read_columns(own.columns), _density(density), is_own=True)
    if kept is not None and kept.columns:
        return Layout(read_columns(kept.columns), _density(density))
    return Layout(read_columns(general.columns) if general else (), _density(density), is_own=general is not None)


@transaction.atomic
def keep_layout(user: User, kept: SavedList | None, *, columns: Sequence[ColumnChoice], density: str) -> None:
    """Keep how `user` sees that list from now on."""
    ListLayout.objects.update_or_create(
        user=user,
        saved_list=kept,
        defaults={"columns": written_columns(columns), "density": _density(density)},
    )


def forget_layout(user: User, kept: SavedList | None) -> None:
    """Show that list again as everybody sees it at first."""
    ListLayout.objects.filter(user=user, saved_list=kept).delete()


def written_columns(columns: Sequence[ColumnChoice]) -> list[dict[str, object]]:
    """Columns as they are kept."""
    return [{"key": entry.key, "width": entry.width} for entry in columns[:_MOST_COLUMNS]]


def read_columns(kept: object) -> tuple[ColumnChoice, ...]:
    """Columns out of what was kept; what cannot be read is left out."""
    found: dict[str, ColumnChoice] = {}
    for entry in kept if isinstance(kept, list) else []:
        key, width = (entry.get("key"), entry.get("width", 0)) if isinstance(entry, dict) else (None, 0)
        if isinstance(key, str) and type(width) is int and len(found) < _MOST_COLUMNS:
            found.setdefault(key, ColumnChoice(key, min(max(width, 0), _WIDEST)))
    return tuple(found.values())


def _density(text: str) -> str:
    return text if text in DENSITIES else DENSITIES[0]
