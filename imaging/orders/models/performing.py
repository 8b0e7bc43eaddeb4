"""What machines report of their exams: modality performed procedure steps (PS3.3 C.4.13 to C.4.16)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.orders.models.scheduling import ScheduledStep


class PerformedStep(models.Model):
    """One MPPS instance, kept whether or not we know what it belongs to. Its attributes stand as they were told."""

    class State(models.TextChoices):
        """Performed Procedure Step Status (0040,0252)."""

        IN_PROGRESS = "in_progress", _("in progress")
        COMPLETED = "completed", _("completed")
        DISCONTINUED = "discontinued", _("discontinued")

    sop_instance_uid = models.CharField("SOP Instance UID", max_length=64, unique=True)
    sender = models.CharField(_("sender"), max_length=16)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.IN_PROGRESS)
    step = models.ForeignKey(
        ScheduledStep,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="performed",
        verbose_name=_("scheduled step"),
    )
    told_step_id = models.CharField(_("scheduled procedure step ID"), max_length=16, blank=True)
    accession_number = models.CharField(_("accession number"), max_length=16, blank=True)
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, blank=True)
    patient_id = models.CharField(_("patient ID"), max_length=64, blank=True)
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    #: DICOM JSON objects as they were told: what N-CREATE said, and what N-SET put over it.
    attributes = models.JSONField(_("attributes"), default=dict)
    discontinuation_code = models.CharField(_("reason of the discontinuation"), max_length=16, blank=True)
    discontinuation_reason = models.CharField(_("why it was broken off"), max_length=200, blank=True)
    #: When, by whom and why a person has said that nothing is left to be put right about it.
    mended_at = models.DateTimeField(_("put right at"), null=True, blank=True)
    mended_by = models.CharField(_("put right by"), max_length=150, blank=True)
    mended_reason = models.CharField(_("what was done"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """Newest first."""

        verbose_name = _("performed procedure step")
        verbose_name_plural = _("performed procedure steps")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["study_instance_uid"], condition=~Q(study_instance_uid=""), name="performed_by_study_uid"
            ),
            models.Index(
                fields=["received_at"],
                condition=Q(mended_at=None) & (Q(step=None) | Q(discontinuation_code="110514")),
                name="performed_to_mend",
            ),
            models.Index(fields=["told_step_id"], condition=~Q(told_step_id=""), name="performed_by_step_id"),
        ]

    def __str__(self) -> str:
        return self.sop_instance_uid
