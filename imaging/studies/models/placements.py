"""Where a study lies: who may see it, and a copy of the keys by which lists sort and search."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from imaging.studies import querysets
from imaging.studies.models.levels import Study


class Placement(models.Model):
    """A study's place in a department: who may see it, and a copy of the list's sort and search keys.

    The copied keys make a department's list an index range scan in every offered order, whatever the archive's size.
    """

    class Kind(models.TextChoices):
        """Why the department has the study."""

        OWNER = "owner", _("performing department")
        REQUESTING = "requesting", _("requesting department")
        GRANT = "grant", _("granted access")

    study = models.ForeignKey(Study, models.CASCADE, related_name="placements", verbose_name=_("study"))
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.OWNER)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    reason_code = models.CharField(_("reason"), max_length=40)
    reason_detail = models.CharField(_("rule or person"), max_length=200, blank=True)
    placed_at = models.DateTimeField(_("placed at"), auto_now_add=True)
    study_at = models.DateTimeField(_("date of the study"), editable=False)
    last_received_at = models.DateTimeField(_("last image received"), editable=False)
    name_norm = models.CharField(_("name for searching"), max_length=324, editable=False, blank=True)
    patient_id = models.CharField(_("patient ID"), max_length=64, editable=False, blank=True)
    accession_number = models.CharField(_("accession number"), max_length=64, editable=False, blank=True)
    modalities = ArrayField(models.CharField(max_length=16), editable=False, default=list)

    objects = querysets.PlacementQuerySet.as_manager()

    class Meta:
        """One placement per department; each order the list offers has its index."""

        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [models.UniqueConstraint(fields=["study", "department"], name="placement_per_department")]
        indexes = [
            models.Index(fields=["department", "-study_at", "-study"], name="placement_by_date"),
            models.Index(fields=["department", "-last_received_at", "-study"], name="placement_by_arrival"),
            models.Index(fields=["department", "name_norm", "study"], name="placement_by_name"),
            models.Index(fields=["department", "patient_id", "study"], name="placement_by_patient_id"),
            models.Index(fields=["department", "accession_number"], name="placement_by_accession"),
            GinIndex(fields=["name_norm"], name="placement_name_trgm", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.study_id} @ {self.department_id} ({self.kind})"
