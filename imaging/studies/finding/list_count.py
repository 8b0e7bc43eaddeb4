"""How many studies a list has, each counted once: from indexes alone wherever its filters are values."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from accounts.scope import Scope
from imaging.studies.finding import list_rows
from imaging.studies.finding.list_filters import StudyFilters
from imaging.studies.finding.statements import compiled

# Counting distinct numbers is a sort of what an index gives nearly in order; the same by SELECT DISTINCT is a hash table of
# all of them, at twice the cost.
_COUNTED: Final = "SELECT count(*), count({studies}) FROM ({rows}{limit}) AS listed (study_id)"


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that were found, and the studies they are of: a study has a row in each department that has it."""

    rows: int
    studies: int


def counted(scope: Scope, filters: StudyFilters, *, at_most: int | None = None) -> Counted:
    """Count the rows of a list, no more of them than ``at_most``, and their studies."""
    sources: list[Any] = []
    held = list_rows.departments(scope, filters)
    if held:
        sources.append(list_rows.placements(scope, filters, held).order_by().values_list("study_id"))
    if list_rows.needs_studies(scope, filters):
        sources.append(list_rows.studies(scope, filters).order_by().values_list("pk"))
    found = [pair for source in sources if (pair := compiled(source))]
    if not found:
        return Counted(0, 0)
    # One department has a study once: only several make it worth to look for doubles.
    is_once = len(sources) == 1 and len(held) <= 1
    statement = _COUNTED.format(
        studies="*" if is_once else "DISTINCT study_id",
        rows=" UNION ALL ".join(sql for sql, _ in found),
        limit="" if at_most is None else " LIMIT %s",
    )
    parameters = [value for _, given in found for value in given]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters, *([] if at_most is None else [at_most])])
        rows, studies = cursor.fetchone()
    return Counted(rows, studies)
