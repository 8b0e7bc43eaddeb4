"""The rows behind a study list: placements in the reader's departments, and studies that are open by name."""

from typing import Any

from django.db.models import F, Func, QuerySet, TextField, Value

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies.finding import list_choices, list_conditions
from imaging.studies.finding.list_filters import StudyFilters
from imaging.studies.finding.matching import Rows
from imaging.studies.models import Placement, Study


def departments(scope: Scope, filters: StudyFilters) -> list[int]:
    """The departments whose lists the reader sees, of those asked for."""
    held = scope.departments_with(Right.LIST)
    return sorted(held & set(filters.departments) if filters.departments else held)


def needs_studies(scope: Scope, filters: StudyFilters) -> bool:
    """Whether studies are open by name, or all of them, beside those placed in the reader's departments."""
    return not filters.departments and (scope.is_unrestricted or scope.named_with(Right.LIST))


def placements(scope: Scope, filters: StudyFilters, held: list[int]) -> QuerySet[Placement]:
    """Placements in these departments that satisfy the filters."""
    # The scope itself is narrowed: said twice, a condition would count twice when the database guesses how many rows meet it.
    rows = Placement.objects.visible_to(scope.within(held))
    if filters.modalities:
        keys = list_choices.modality_keys(held, filters.modalities)
        rows = rows.filter(modality_key__in=keys)
    return _matching(rows, filters, Rows.PLACEMENT)


def studies(scope: Scope, filters: StudyFilters) -> QuerySet[Study]:
    """Studies that satisfy the filters, placed or not."""
    rows = Study.objects.visible_to(scope).annotate(
        modality_key=Func(F("modalities"), Value("\\"), function="array_to_string", output_field=TextField())
    )
    return _matching(rows, filters, Rows.STUDY)


def _matching(rows: QuerySet[Any], filters: StudyFilters, kind: Rows) -> QuerySet[Any]:
    for condition in list_conditions.conditions(filters, kind):
        rows = rows.filter(condition)
    return rows
