"""What there is to choose from in a reader's lists: the values of a column, each found by one step in its index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from accounts.roles import Right
from accounts.scope import Scope

#: Steps in one department: beyond, a column has no choice of values, only a search.
_MOST_VALUES: Final = 2000

# From each value to the next one, however many rows share it: PostgreSQL has no such plan of its own for DISTINCT.
_VALUES: Final = """
    WITH RECURSIVE step (department, value, number) AS (
        SELECT department, (SELECT {column} FROM imaging_placement WHERE department_id = department
                            ORDER BY {column} LIMIT 1), 1
        FROM unnest(%s::bigint[]) AS department
        UNION ALL
        SELECT department, (SELECT {column} FROM imaging_placement WHERE department_id = department AND {column} > step.value
                            ORDER BY {column} LIMIT 1), number + 1
        FROM step WHERE value IS NOT NULL AND number < %s
    )
    SELECT DISTINCT value FROM step WHERE value > '' {seen} ORDER BY value
"""
# A value of protected or ended placements alone is not told: it would say that there are such.
_SEEN: Final = """
    AND EXISTS (SELECT FROM imaging_placement
                WHERE department_id = department AND {column} = value AND instance_count > 0
                AND (sensitivity = '' OR department_id::text || ' ' || sensitivity = ANY(%s))
                AND (until IS NULL OR until > clock_timestamp()))
"""
_NAMES: Final = ("modality_key", "body_part_examined", "source")
_ANY: Final = {name: _VALUES.format(column=name, seen="") for name in _NAMES}
_TOLD: Final = {name: _VALUES.format(column=name, seen=_SEEN.format(column=name)) for name in _NAMES}


@dataclass(frozen=True, slots=True)
class ListChoices:
    """Values by which a reader's lists can be filtered, in alphabetical order."""

    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    sources: tuple[str, ...]


def list_choices(scope: Scope) -> ListChoices:
    """What the departments of this reader's lists have; nothing for what is open by name alone."""
    held = sorted(scope.departments_with(Right.LIST))
    cleared = sorted(f"{department} {label}" for department, label in scope.clearances)
    sets = _values("modality_key", held, cleared)
    return ListChoices(
        modalities=tuple(sorted({modality for text in sets for modality in text.split("\\")})),
        body_parts=tuple(_values("body_part_examined", held, cleared)),
        sources=tuple(_values("source", held, cleared)),
    )


def modality_keys(departments: Sequence[int], modalities: Sequence[str]) -> list[str]:
    """The combinations of modalities that have one of these, as placements in these departments write them."""
    wanted = set(modalities)
    return [text for text in _values("modality_key", departments) if wanted & set(text.split("\\"))]


def _values(column: str, departments: Sequence[int], cleared: Sequence[str] | None = None) -> list[str]:
    """The values in these departments; with ``cleared`` ("department label") only those of placements that may be seen."""
    if not departments:
        return []
    with connection.cursor() as cursor:
        if cleared is None:
            cursor.execute(_ANY[column], [list(departments), _MOST_VALUES])
        else:
            cursor.execute(_TOLD[column], [list(departments), _MOST_VALUES, list(cleared)])
        return [value for (value,) in cursor.fetchall()]
