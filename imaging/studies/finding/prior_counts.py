"""How many other studies of the same patient a reader finds, for the lines of a list."""

from collections.abc import Sequence

from django.db.models import Count

from accounts.scope import Scope
from imaging.studies.models import Study


def prior_counts(scope: Scope, studies: Sequence[Study]) -> dict[int, int]:
    """The number of the patient's other studies in scope, by patient. A patient without an ID has none: nobody is guessed."""
    patients = {study.patient_id for study in studies if study.patient.patient_id}
    rows = Study.objects.visible_to(scope).filter(patient__in=patients).order_by().values("patient")
    counted = rows.annotate(number=Count("pk")).filter(number__gt=1)
    return {patient: number - 1 for patient, number in counted.values_list("patient_id", "number")}
