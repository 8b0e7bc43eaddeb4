"""Addresses of pages that keep their filters: the state of a list lives in its address, and nowhere else."""

from collections.abc import Iterable

from django.http import QueryDict
from django.urls import reverse

_KNOWN = ("q", "from", "to", "modality", "department", "order", "cursor")
#: A change of any filter begins at the first page again.
_PLACE = "cursor"


class ListAddress:
    """The study list's address, and the same with something chosen or left out. Empty values are left out."""

    def __init__(self, query: QueryDict) -> None:
        """Take the query of the request; unknown names are left out."""
        self._values = {name: value for name in _KNOWN if (value := query.get(name, ""))}

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return names and values as hidden fields of a form that chooses the left-out ones anew."""
        left_out = {*without, _PLACE}
        return [(name, value) for name, value in self._values.items() if name not in left_out]

    def where(self, *, without: Iterable[str] = (), **chosen: str) -> str:
        """Return the address without some names and with others chosen."""
        kept = dict(self.pairs(without=without))
        return _written("viewer:study-list", {**kept, **chosen})

    def chosen(self, name: str, value: str) -> str:
        """Return the address with one more filter, whose name may be a word of Python."""
        return self.where(without=("from", "to") if name == "from" else (), **{name: value})

    def page(self, cursor: str) -> str:
        """Return the address of the next or previous page; empty when there is none."""
        return self.where(cursor=cursor) if cursor else ""

    def rows(self, since: str) -> str:
        """Return the address of the rows alone; rows that arrived after `since` are marked once."""
        return _written("viewer:study-rows", {**self._values, "since": since})


def _written(view: str, values: dict[str, str]) -> str:
    query = QueryDict(mutable=True)
    query.update(values)
    text = query.urlencode()
    return f"{reverse(view)}?{text}" if text else reverse(view)
