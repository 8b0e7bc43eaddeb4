"""Labels on patients and studies: which, why, by whom, until when they were taken off."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.labels import Label
from accounts.models import User
from imaging.studies import querysets
from imaging.studies.models.levels import Patient, Study


class Protection(models.Model):
    """One label on a patient, with all studies there are and will be, or on one study.

    It is the truth; the label that a study has (``Study.sensitivity``, and its copies on placements) is the strictest of
    those on the study and on its patient, and follows from it (``rows.labelling``). Never deleted.
    """

    class Origin(models.TextChoices):
        """How it came about."""

        HAND = "hand", _("by a person")
        #: The study moved from a protected patient to another one: nobody can know that it need not be protected any more.
        MOVED = "moved", _("the study came from a protected patient")

    patient = models.ForeignKey(
        Patient, models.PROTECT, null=True, blank=True, related_name="protections", verbose_name=_("patient")
    )
    study = models.ForeignKey(
        Study, models.CASCADE, null=True, blank=True, related_name="protections", verbose_name=_("study")
    )
    label = models.CharField(_("label"), max_length=16, choices=Label.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    origin = models.CharField(_("origin"), max_length=8, choices=Origin.choices, default=Origin.HAND)
    set_at = models.DateTimeField(_("set at"), auto_now_add=True)
    set_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("set by"))
    lifted_at = models.DateTimeField(_("taken off at"), null=True, blank=True)
    lifted_by = models.CharField(_("taken off by"), max_length=150, blank=True)

    objects = querysets.ProtectionQuerySet.as_manager()

    class Meta:
        """One of patient and study; a label is on it once."""

        verbose_name = _("protection")
        verbose_name_plural = _("protections")
        constraints = [
            models.CheckConstraint(
                name="protection_of_patient_or_study",
                condition=Q(patient__isnull=False, study__isnull=True) | Q(patient__isnull=True, study__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["patient", "label"],
                name="protection_of_patient_once",
                condition=Q(patient__isnull=False, lifted_at=None),
            ),
            models.UniqueConstraint(
                fields=["study", "label"],
                name="protection_of_study_once",
                condition=Q(study__isnull=False, lifted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.patient_id or self.study_id}"
