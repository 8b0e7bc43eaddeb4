"""Reports and what is to be read, through the study they are of: who may see the study may see its report."""

from typing import Self, TypeVar

from django.db import models

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies.querysets import of_visible_study

ModelT = TypeVar("ModelT", bound=models.Model)


class OfStudyQuerySet(models.QuerySet[ModelT]):
    """Rows with a ``study``: what the reader may see of studies decides."""

    def visible_to(self, scope: Scope, right: Right = Right.VIEW) -> Self:
        """Only the rows of studies on which `scope` holds `right` now."""
        return self.filter(of_visible_study("study", scope, right))
