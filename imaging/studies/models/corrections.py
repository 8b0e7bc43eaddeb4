"""What people decided about received headers; the bytes stay (docs/decisions/0007)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.studies import querysets
from imaging.studies.models.levels import Study
from imaging.studies.models.versions import InstanceVersion


class Correction(models.Model):
    """Attributes put over one received version on every way out. Bytes stay; reverting shows them as received again.

    `attributes` is a DICOM JSON object (PS3.18 annex F) of the corrected attributes. A version may have several: the
    later goes over the earlier. What was decided at once shares a `group`, and is reverted at once.

    `received` are the same attributes as they came, and who the patient was: what a later object of the study must name
    too, to be corrected like it. `assumed` is what the study's row knew beside the headers (issuer, time), so that
    reverting brings it back.
    """

    class Origin(models.TextChoices):
        """Where the decision was made."""

        IMPORT = "import", _("at import")
        QUARANTINE = "quarantine", _("on release from quarantine")
        DESK = "desk", _("by a person")
        INHERITED = "inherited", _("as for the others of its study")
        MOVED = "moved", _("moved to another study")
        MERGED = "merged", _("two records of one person")
        REGISTER = "register", _("by the hospital's patient register")

    version = models.ForeignKey(
        InstanceVersion, models.PROTECT, related_name="corrections", verbose_name=_("corrected version")
    )
    study = models.ForeignKey(
        Study, models.PROTECT, related_name="corrections", verbose_name=_("study"), editable=False
    )
    group = models.UUIDField(_("decided together"), editable=False, db_index=True)
    attributes = models.JSONField(_("corrected attributes"))
    received = models.JSONField(_("attributes as received"), default=dict, editable=False)
    assumed = models.JSONField(_("known beside the headers"), default=dict, editable=False)
    origin = models.CharField(_("origin"), max_length=12, choices=Origin.choices, default=Origin.DESK)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    made_by = models.CharField(_("corrected by"), max_length=150)
    made_at = models.DateTimeField(_("corrected at"))
    reverted_by = models.CharField(_("reverted by"), max_length=150, blank=True)
    reverted_at = models.DateTimeField(_("reverted at"), null=True, blank=True)

    objects = querysets.CorrectionQuerySet.as_manager()

    class Meta:
        """Applied in the order in which they were made."""

        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["version"], condition=Q(reverted_at=None), name="correction_in_force"),
            models.Index(fields=["study"], condition=Q(reverted_at=None), name="correction_of_study"),
        ]

    def __str__(self) -> str:
        return f"correction {self.pk} of version {self.version_id}"
