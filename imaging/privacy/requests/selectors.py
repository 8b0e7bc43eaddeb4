"""Questions to the register."""

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils import timezone

from accounts.roles import Right
from accounts.scope import Scope
from imaging.privacy.models import CorrectionTask, DataSubjectRequest
from imaging.studies.models import Patient, Study


def open_requests() -> QuerySet[DataSubjectRequest]:
    """What waits for an answer, the next due first."""
    rows = DataSubjectRequest.objects.filter(state=DataSubjectRequest.State.OPEN)
    return rows.select_related("patient", "account").order_by("due_on", "pk")


def closed_requests() -> QuerySet[DataSubjectRequest]:
    """What was answered, refused or withdrawn, latest first."""
    rows = DataSubjectRequest.objects.exclude(state=DataSubjectRequest.State.OPEN)
    return rows.select_related("patient", "account").order_by("-answered_at", "-pk")


def overdue_count() -> int:
    """How many requests should have been answered before today."""
    return open_requests().filter(due_on__lt=timezone.localdate()).count()


def correction_tasks_for(scope: Scope) -> QuerySet[CorrectionTask]:
    """Corrections asked for about patients whom this person has and may change, open ones first."""
    mine = Patient.objects.visible_to(scope, Right.WRITE)
    rows = CorrectionTask.objects.filter(patient__in=mine).select_related("patient", "request")
    return rows.order_by("-state", "pk")


def studies_to_correct(scope: Scope, patients: Collection[int]) -> dict[int, list[Study]]:
    """The studies of these patients that this person may change, by patient, latest first. One query."""
    found: dict[int, list[Study]] = {}
    rows = Study.objects.visible_to(scope, Right.WRITE).filter(patient__in=patients).order_by("-study_at", "-pk")
    for row in rows:
        found.setdefault(row.patient_id, []).append(row)
    return found


def open_correction_count() -> int:
    """How many corrections wait, for whoever they are."""
    return CorrectionTask.objects.filter(state=CorrectionTask.State.OPEN).count()
