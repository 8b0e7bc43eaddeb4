"""Where a scope becomes SQL for exam requests: the departments that ask and perform, less what a patient's label keeps back."""

from collections.abc import Iterable
from typing import Final, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.roles import Right
from accounts.scope import Scope

ModelT = TypeVar("ModelT", bound=models.Model)

#: Merges of merged patients that are followed; the requests of a record that was merged on and on are kept back from everybody.
_MOST_MERGES: Final = 3


def kept_back(patient: str, labels: Iterable[str], *, merges: int = _MOST_MERGES) -> Q:
    """The condition that a label other than these is on the patient at the path `patient`, or on who remains of a merge.

    A merge hands labels over, and a request stays tied to the record for which it was asked.
    """
    known = list(labels)
    protection = apps.get_model("imaging", "Protection").objects.live().filter(patient=OuterRef(patient))
    merged = apps.get_model("imaging", "PatientMerge").objects.in_force().filter(merged=OuterRef(patient))
    if merges:
        merged = merged.filter(kept_back("into", known, merges=merges - 1))
    return Q(Exists(protection.exclude(label__in=known))) | Q(Exists(merged))


def _answered_by_protected(labels: Iterable[str]) -> Q:
    """The condition that a study with a label other than these answers the request: both tell of the same exam."""
    link = apps.get_model("imaging", "StudyLink").objects.filter(request=OuterRef("pk"), ended_at=None)
    return Q(Exists(link.exclude(study__sensitivity__in=list(labels))))


class ExamRequestQuerySet(models.QuerySet[ModelT]):
    """Exam requests, as a reader may see them."""

    def visible_to(self, scope: Scope, right: Right = Right.LIST) -> Self:
        """Only those of the scope's departments; a draft is seen by who writes it, and by nobody else.

        A request for a protected patient, or one that a protected study answers, is seen where these labels are cleared: as
        the studies are.
        """
        if scope.is_empty:
            return self.none()
        if scope.is_unrestricted:
            return self.all()
        rule = Q(pk__in=[])
        for labels, departments in scope.label_sets(right).items():
            within = Q(requesting_department__in=departments) | Q(performing_department__in=departments)
            rule |= within & ~kept_back("patient", labels) & ~_answered_by_protected(labels)
        is_person = scope.principal.kind == "user"
        own = Q(requester__pk=scope.principal.id) if is_person and scope.principal.id.isdigit() else Q(pk__in=[])
        return self.filter(rule).filter(~Q(state="draft") | own)
