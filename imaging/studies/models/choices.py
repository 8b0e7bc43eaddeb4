"""What patients decided about the use of their images: opposed, or agreed, to whom and until taken back."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.studies import querysets
from imaging.studies.models.levels import Patient


class PatientChoice(models.Model):
    """One opposition or consent of a patient (GDPR articles 6, 7, 9 and 21). Never deleted: what was withdrawn tells what held.

    Of each use the latest that was not withdrawn holds. It outlives the patient's studies: a row keeps its patient.
    """

    class Use(models.TextChoices):
        """What may be done with the images beyond the care of who made or asked for them."""

        DEPARTMENTS = "departments", _("sharing between departments: earlier studies, automatic access")
        OUTSIDE = "outside", _("sharing outside the hospital")
        RESEARCH = "research", _("research")
        TEACHING = "teaching", _("teaching")
        PORTAL = "portal", _("the patient's own access on the web")

    class Answer(models.TextChoices):
        """What the patient said."""

        OPPOSED = "opposed", _("opposed")
        AGREED = "agreed", _("agreed")

    class Voice(models.TextChoices):
        """Who said it."""

        PATIENT = "patient", _("the patient")
        REPRESENTATIVE = "representative", _("a legal representative")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="choices", verbose_name=_("patient"))
    use = models.CharField(_("use"), max_length=12, choices=Use.choices)
    answer = models.CharField(_("answer"), max_length=8, choices=Answer.choices)
    said_by = models.CharField(_("said by"), max_length=16, choices=Voice.choices, default=Voice.PATIENT)
    said_on = models.DateField(_("said on"))
    evidence = models.CharField(_("evidence"), max_length=300)
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)
    recorded_by = models.CharField(_("recorded by"), max_length=150)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.CharField(_("withdrawn by"), max_length=150, blank=True)

    objects = querysets.PatientChoiceQuerySet.as_manager()

    class Meta:
        """One in force for each patient and use."""

        verbose_name = _("patient's choice")
        verbose_name_plural = _("patients' choices")
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "use"], condition=Q(withdrawn_at=None), name="one_choice_in_force_per_use"
            )
        ]

    def __str__(self) -> str:
        return f"{self.patient_id}: {self.use} {self.answer}"
