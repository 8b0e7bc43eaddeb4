"""Templates and macros that somebody may use."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts.models import User
from imaging.reports.models import ReportMacro, ReportTemplate
from imaging.reports.templates.policies import Offer

MOST_MACROS = 500


def templates_for(user: User, department_ids: Iterable[int], *, language: str = "") -> QuerySet[ReportTemplate]:
    """What a person is offered: everybody's, those of the departments, and their own."""
    places = Q(department=None) | Q(department__in=list(department_ids))
    rows = ReportTemplate.objects.filter(places, Q(owner=None) | Q(owner=user), is_active=True)
    return rows.filter(language=language) if language else rows


def offers(rows: Iterable[ReportTemplate]) -> list[Offer]:
    """Templates as they are compared with a study."""
    return [
        Offer(
            pk=row.pk,
            language=row.language,
            modality=row.modality,
            body_part_examined=row.body_part_examined,
            procedure_code=row.procedure_code,
            is_own=row.owner_id is not None,
            is_of_department=row.department_id is not None,
            position=row.position,
        )
        for row in rows
    ]


def own_templates(user: User) -> QuerySet[ReportTemplate]:
    """Those that a person keeps."""
    return ReportTemplate.objects.filter(owner=user)


def macros_for(user: User, language: str) -> dict[str, str]:
    """Text by word, in one language: everybody's, replaced by the person's own of the same word."""
    rows = ReportMacro.objects.filter(Q(owner=None) | Q(owner=user), language=language).order_by("owner_id", "word")
    # Rows without an owner come last by default; one's own have to win.
    ranked = sorted(rows[:MOST_MACROS], key=lambda row: row.owner_id is not None)
    return {row.word: row.text for row in ranked}


def own_macros(user: User) -> QuerySet[ReportMacro]:
    """Those that a person keeps."""
    return ReportMacro.objects.filter(owner=user).order_by("language", "word")
