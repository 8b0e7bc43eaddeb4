"""Values that a filter can offer because studies have them: body parts, sources, referring physicians.

Each value costs one look into the index of its column per department, however many studies have it.
"""

from enum import StrEnum
from typing import Any, Final

from django.db.models import QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.studies.models import Placement

MOST: Final = 15
#: Sorts after whatever begins like it.
_LAST: Final = "\U0010ffff"


class Offered(StrEnum):
    """Columns whose values are offered, each with an index within a department."""

    BODY_PART = "body_part_examined"
    SOURCE = "source"
    REFERRING = "referring_norm"


def offered_values(scope: Scope, column: Offered, *, beginning: str = "", limit: int = MOST) -> list[str]:
    """The first values of `column` that begin like `beginning`, among the studies of the reader's departments.

    Referring physicians are told as they are searched: lower case, without accents; the others in whatever case they are
    kept. At most `limit` queries for each way in which the beginning may be written.
    """
    found: set[str] = set()
    for written in _as_kept(column, beginning[:64].replace("\x00", "").strip()):
        found.update(_from(scope, column, written, limit))
    return sorted(found)[:limit]


def _from(scope: Scope, column: Offered, beginning: str, limit: int) -> list[str]:
    """The first values that begin exactly like `beginning`, in order."""
    departments = sorted(scope.departments_with(Right.LIST))
    found: list[str] = []
    after = beginning
    while departments and len(found) < limit:
        # The first step takes the beginning itself, the others what comes after the value before.
        sign = "gt" if found or not beginning else "gte"
        firsts = [_first(scope, department, column, sign, after, beginning) for department in departments]
        values = [row[0] for row in (firsts[0].union(*firsts[1:], all=True) if len(firsts) > 1 else firsts[0])]
        if not values:
            break
        after = min(values)
        found.append(after)
    return found


def _first(scope: Scope, department: int, column: Offered, sign: str, after: str, beginning: str) -> QuerySet[Any, Any]:
    """The first value of one department beyond `after`."""
    rows = Placement.objects.visible_to(scope).filter(department=department, **{f"{column}__{sign}": after})
    if beginning:
        rows = rows.filter(**{f"{column}__lt": beginning + _LAST})
    return rows.order_by(str(column)).values_list(str(column))[:1]


def _as_kept(column: Offered, text: str) -> list[str]:
    """How a value may begin that a person writes like `text`, each way once."""
    if column is Offered.REFERRING:
        return [person_name.normalised(text)]
    return list(dict.fromkeys((text, text.upper(), text.lower(), text.capitalize())))
