"""Addresses of pages that keep their filters: the state of a list lives in its address, and nowhere else."""

from collections.abc import Iterable

from django.http import QueryDict
from django.urls import reverse

#: A change of these begins at the first page again.
_PLACE = ("cursor",)


class ListAddress:
    """The study list's address, and the same with something added or left out. Empty values are left out."""

    def __init__(self, query: QueryDict) -> None:
        """Take the query of the request; unknown names are left out."""
        known = ("q", "from", "to", "modality", "department", "order", "cursor")
        self._pairs = [(name, value) for name in known for value in query.getlist(name) if value]

    def pairs(self, *, without: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return names and values as hidden fields of a form that chooses the left-out ones anew."""
        left_out = {*without, *_PLACE}
        return [(name, value) for name, value in self._pairs if name not in left_out]

    def where(self, *, without: Iterable[str] = (), value: str = "", **chosen: str) -> str:
        """Return the address without some names (or only one `value` of them) and with others chosen."""
        kept = [
            (name, text)
            for name, text in self._pairs
            if name not in _PLACE and name not in chosen and not (name in without and value in {"", text})
        ]
        return self._written("viewer:study-list", [*kept, *chosen.items()])

    def page(self, cursor: str) -> str:
        """Return the address of the next or previous page."""
        return self._written("viewer:study-list", [*self.pairs(), ("cursor", cursor)])

    def rows(self, since: str) -> str:
        """Return the address of the rows alone; rows that arrived after `since` are marked once."""
        return self._written("viewer:study-rows", [*self._pairs, ("since", since)])

    @staticmethod
    def _written(view: str, pairs: Iterable[tuple[str, str]]) -> str:
        query = QueryDict(mutable=True)
        for name, value in pairs:
            query.appendlist(name, value)
        text = query.urlencode()
        return f"{reverse(view)}?{text}" if text else reverse(view)
