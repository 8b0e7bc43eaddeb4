"""Where a study lies: who may see it, and a copy of the keys by which lists sort and search."""

from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department
from imaging.studies import querysets
from imaging.studies.models.levels import Study

#: Every column by which the list is sorted, and its index within each department.
_SORTED: Final = {
    "date": "study_at",
    "arrival": "last_received_at",
    "name": "name_norm",
    "patient_id": "patient_id",
    "accession": "accession_number",
    "modality": "modality_key",
    "description": "description_norm",
    "body_part": "body_part_examined",
    "birth_date": "birth_date",
    "sex": "sex",
    "referring": "referring_norm",
    "series": "series_count",
    "instances": "instance_count",
    "source": "source",
    "status": "status",
}
#: What filters and the scope ask of a row: each index has them too, so that rows that do not count are passed over, and
#: rows that do are counted, without a look at the table.
_ASKED: Final = (
    *("until", "instance_count", "sensitivity", "study_at", "modality_key", "body_part_examined", "status", "source"),
)


def _index(name: str, column: str) -> models.Index:
    return models.Index(
        fields=["department", column, "study"],
        name=f"placement_by_{name}",
        include=[asked for asked in _ASKED if asked != column],
    )


#: Placements that follow from a grant (``rows.granting``), never made or changed by hand.
GRANTED: Final = frozenset({"grant", "grant_download", "emergency"})


class Placement(models.Model):
    """A study's place in a department: who may see it, and a copy of the list's sort and search keys.

    The copied keys make a department's list an index range scan in every offered order, whatever the archive's size.
    """

    class Kind(models.TextChoices):
        """Why the department has the study."""

        OWNER = "owner", _("performing department")
        REQUESTING = "requesting", _("requesting department")
        GRANT = "grant", _("granted access")
        GRANT_DOWNLOAD = "grant_download", _("granted access, with download")
        EMERGENCY = "emergency", _("emergency access")

    # The unique constraint and the indexes below begin with these: they need none of their own.
    study = models.ForeignKey(Study, models.CASCADE, related_name="placements", db_index=False, verbose_name=_("study"))
    department = models.ForeignKey(
        Department, models.PROTECT, related_name="+", db_index=False, verbose_name=_("department")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices, default=Kind.OWNER)
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
    #: The modalities in one text, so that an index finds and sorts them: those of `modalities`, backslash between.
    modality_key = models.TextField(_("modalities for sorting"), editable=False, blank=True)
    description_norm = models.CharField(_("description for sorting"), max_length=256, editable=False, blank=True)
    body_part_examined = models.CharField(_("body part"), max_length=64, editable=False, blank=True)
    birth_date = models.DateField(_("birth date"), editable=False, null=True)
    sex = models.CharField(_("sex"), max_length=16, editable=False, blank=True)
    referring_norm = models.CharField(
        _("referring physician for searching"), max_length=324, editable=False, blank=True
    )
    series_count = models.PositiveIntegerField(pgettext_lazy("several", "series"), editable=False, default=0)
    instance_count = models.PositiveIntegerField(_("instances"), editable=False, default=0)
    source = models.CharField(_("source"), max_length=64, editable=False, blank=True)
    status = models.CharField(
        _("status"), max_length=12, choices=Study.Status.choices, default=Study.Status.ARRIVING, editable=False
    )
    #: What keeps the department's readers away: the study's label; nothing where the glass was broken (EMERGENCY).
    sensitivity = models.CharField(_("protection"), max_length=16, editable=False, blank=True)

    objects = querysets.PlacementQuerySet.as_manager()

    class Meta:
        """One placement per department; each order the list offers has its index."""

        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [models.UniqueConstraint(fields=["study", "department"], name="placement_per_department")]
        indexes = [
            *(_index(name, column) for name, column in _SORTED.items()),
            models.Index(fields=["until"], condition=models.Q(until__isnull=False), name="placement_ends"),
            GinIndex(
                fields=["department", "name_norm"], name="placement_name_trgm", opclasses=["int8_ops", "gin_trgm_ops"]
            ),
            GinIndex(
                fields=["department", "referring_norm"],
                name="placement_referring_trgm",
                opclasses=["int8_ops", "gin_trgm_ops"],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study_id} @ {self.department_id} ({self.kind})"
