"""Where a scope becomes SQL for exam requests: the departments that ask and perform, less what a patient's label keeps back."""

from typing import Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.roles import Right
from accounts.scope import Scope

ModelT = TypeVar("ModelT", bound=models.Model)


class ExamRequestQuerySet(models.QuerySet[ModelT]):
    """Exam requests, as a reader may see them."""

    def visible_to(self, scope: Scope, right: Right = Right.LIST) -> Self:
        """Only those of the scope's departments; a draft is seen by who writes it, and by nobody else.

        A request for a protected patient is seen where the patient's labels are cleared: as the patient's studies are.
        """
        if scope.is_empty:
            return self.none()
        if scope.is_unrestricted:
            return self.all()
        protection = apps.get_model("imaging", "Protection")
        rule = Q(pk__in=[])
        for labels, departments in scope.label_sets(right).items():
            kept_back = protection.objects.live().filter(patient=OuterRef("patient")).exclude(label__in=labels)
            within = Q(requesting_department__in=departments) | Q(performing_department__in=departments)
            rule |= within & Q(~Exists(kept_back))
        is_person = scope.principal.kind == "user"
        own = Q(requester__pk=scope.principal.id) if is_person and scope.principal.id.isdigit() else Q(pk__in=[])
        return self.filter(rule).filter(~Q(state="draft") | own)
