"""What searches have in common: a bound on their cost, and the record of who searched for what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from imaging.api.errors import Problem, Refused
from imaging.studies.finding import searched
from imaging.studies.finding.time_limit import SearchTooBroad, time_limit

if TYPE_CHECKING:
    from imaging.api.resource import Resource

_AGAIN: Final = 10
_OF_THE_PAGE: Final = frozenset({"cursor", "limit", "order", "count"})


@contextmanager
def bounded() -> Iterator[None]:
    """Let a search take as long as it may. Raises ``Refused`` for one that takes longer."""
    try:
        with time_limit():
            yield
    except SearchTooBroad as error:
        text = _("This search takes too long. Narrow it: a department, days, or more of the name.")
        raise Refused(Problem.AWAY, detail=text, retry_after=_AGAIN) from error


def on_record(view: "Resource", what: str) -> None:
    """Record that a client searched, and for what: once in a while for the same search, whichever page of it."""
    given = view.request.query_params.lists()
    asked = {name: values for name, values in sorted(given) if name not in _OF_THE_PAGE}
    searched.on_record(what, asked, actor=view.actor)
