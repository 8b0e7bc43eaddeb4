"""Pages of searches that are not the study list's: by primary key, the latest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from imaging.ehr.fhir.kinds import Page, Wanted
from imaging.ehr.fhir.outcomes import Refused
from imaging.fhir.values import Resource

RowT = TypeVar("RowT", bound=Model)


def latest_first(
    rows: QuerySet[RowT], wanted: Wanted, *, show: Callable[[Sequence[RowT]], list[Resource]], number: str = "pk"
) -> Page:
    """A page by a number of the rows. How many there are in all is known where they are on one."""
    if wanted.after:
        if not wanted.after.isdigit() or len(wanted.after) > 18:
            raise Refused(400, _("This page is not of this search. Begin anew."))
        rows = rows.filter(Q(**{f"{number}__lt": int(wanted.after)}))
    found = list(rows.order_by(f"-{number}")[: wanted.count + 1])
    page, more = found[: wanted.count], len(found) > wanted.count
    is_all = not more and not wanted.after
    return Page(show(page), str(getattr(page[-1], number)) if more and page else "", len(page) if is_all else None)
