"""Addresses of pages that keep their filters: the state of a list lives in its address, and nowhere else."""

from collections.abc import Iterable, Mapping, Sequence

from django.http import QueryDict
from django.urls import reverse

from imaging.studies.models import SavedList

#: Every filter of the list and its order, in the order in which addresses are written; those that may be given several
#: times stand in `SEVERAL`.
FILTERS = ("q", "from", "to", "modality", "department", "body", "status", "referring", "source")
SEVERAL = frozenset({"modality", "department", "body", "status", "source"})
_KNOWN = (*FILTERS, "order")
#: Which saved list the address began as. A change of any filter begins at the first page again.
_LIST, _PLACE = "list", "cursor"
_LONGEST_PLACE = 2000
#: No address that a person made by choosing is longer.
_MOST_VALUES = 40
#: Longer than any value that a filter takes, so that one that is too long is still said to be.
_LONGEST_VALUE = 256

Values = Mapping[str, Sequence[str]]


class ListAddress:
    """The study list's address, and the same with something chosen or left out. Empty values are left out."""

    def __init__(self, query: QueryDict) -> None:
        """Take the query of the request; unknown names are left out, and what is given twice counts once."""
        self._values = {name: values for name in _KNOWN if (values := _values_of(query, name))}
        self.list_key = query.get(_LIST, "")[:_LONGEST_VALUE]
        self.cursor = query.get(_PLACE, "")[:_LONGEST_PLACE]

    @property
    def is_bare(self) -> bool:
        """Whether it asks for nothing but a saved list, or all studies."""
        return not self._values

    @property
    def query(self) -> str:
        """Filters and order as a query string, as a saved list keeps it."""
        return _encoded(self._values)

    @property
    def state(self) -> str:
        """The whole of it as a query string, for a form that brings its reader back to this very page."""
        return self.here().partition("?")[2]

    def values(self, name: str) -> tuple[str, ...]:
        """Return what was given for one filter."""
        return self._values.get(name, ())

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return names and values as hidden fields of a form that chooses the left-out ones anew."""
        left_out = set(without)
        kept = [(name, value) for name, values in self._values.items() if name not in left_out for value in values]
        return [*kept, (_LIST, self.list_key)] if self.list_key else kept

    def where(self, *, without: Iterable[str] = (), **chosen: str) -> str:
        """Return the address of the first page without some names and with others chosen."""
        return self._written("viewer:study-list", without, {name: (value,) for name, value in chosen.items()})

    def chosen(self, name: str, value: str) -> str:
        """Return the address with this filter alone of its kind, whose name may be a word of Python."""
        return self._written("viewer:study-list", ("from", "to") if name == "from" else (), {name: (value,)})

    def minus(self, name: str, value: str) -> str:
        """Return the address without one of several values of a filter."""
        rest = tuple(other for other in self.values(name) if other != value)
        return self._written("viewer:study-list", (name,), {name: rest} if rest else {})

    def page(self, cursor: str) -> str:
        """Return the address of the next or previous page; empty when there is none."""
        return self._written("viewer:study-list", (), {_PLACE: (cursor,)}) if cursor else ""

    def here(self) -> str:
        """Return the address of this very page."""
        return self._written("viewer:study-list", (), {_PLACE: (self.cursor,)} if self.cursor else {})

    def of(self, view: str, **more: str) -> str:
        """Return the address of another view of the same list (its rows, its number, its export), with this page's place."""
        place = {_PLACE: (self.cursor,)} if self.cursor else {}
        return self._written(view, (), {**place, **{name: (value,) for name, value in more.items()}})

    def _written(self, view: str, without: Iterable[str], chosen: Values) -> str:
        left_out = set(without)
        kept = {name: values for name, values in self._values.items() if name not in left_out}
        merged = {**kept, **chosen}
        # Once nothing is left of its filters it would be the saved list again, with all of them.
        if self.list_key and (self.is_bare or any(name in _KNOWN for name in merged)):
            merged[_LIST] = (self.list_key,)
        ordered = {name: merged[name] for name in (*_KNOWN, *merged) if name in merged}
        text = _encoded(ordered)
        return f"{reverse(view)}?{text}" if text else reverse(view)


def address_of_list(kept: SavedList) -> str:
    """Return the address of a saved list."""
    return f"{reverse('viewer:study-list')}?{_LIST}={kept.key}"


def _values_of(query: QueryDict, name: str) -> tuple[str, ...]:
    given = query.getlist(name) if name in SEVERAL else [query.get(name, "")]
    return tuple(dict.fromkeys(value[:_LONGEST_VALUE] for value in given if value))[:_MOST_VALUES]


def _encoded(values: Values) -> str:
    query = QueryDict(mutable=True)
    for name, given in values.items():
        query.setlist(name, list(given))
    return query.urlencode()
