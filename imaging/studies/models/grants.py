"""Access that was granted to a person or a department beyond what routing gives: why, by whom, until when."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from imaging.studies import querysets
from imaging.studies.models.levels import Patient, Study


class Grant(models.Model):
    """One grant: of a patient with all studies, those to come too, or of one study, to one holder.

    It is the truth; the placements that show its studies follow from it (``rows.granting``). Never deleted: what has
    ended tells who could see what, and when.
    """

    class Gives(models.TextChoices):
        """What the holder may do, each more than the one before."""

        VIEW = "view", _("view")
        DOWNLOAD = "download", _("view and download")
        #: The glass was broken: protected studies too.
        EMERGENCY = "emergency", _("view in an emergency, protected studies too")

    class Basis(models.TextChoices):
        """Why it was granted."""

        REQUEST = "request", _("access request")
        EMERGENCY = "emergency", _("emergency access")
        ORDER = "order", _("exam asked for by this department")
        REFERRER = "referrer", _("referring physician")
        HAND = "hand", _("by hand")

    holder = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("holder"))
    patient = models.ForeignKey(
        Patient, models.PROTECT, null=True, blank=True, related_name="grants", verbose_name=_("patient")
    )
    study = models.ForeignKey(
        Study, models.CASCADE, null=True, blank=True, related_name="grants", verbose_name=_("study")
    )
    gives = models.CharField(_("gives"), max_length=12, choices=Gives.choices, default=Gives.VIEW)
    basis = models.CharField(_("basis"), max_length=12, choices=Basis.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    #: Names what an automatic grant follows from, so that it is made once ("order:17").
    source = models.CharField(_("follows from"), max_length=100, blank=True)
    granted_at = models.DateTimeField(_("granted at"), auto_now_add=True)
    granted_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("granted by")
    )
    until = models.DateTimeField(_("until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_by = models.CharField(_("ended by"), max_length=150, blank=True)

    objects = querysets.GrantQuerySet.as_manager()

    class Meta:
        """One of patient and study; live ones are found by holder, patient and study."""

        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        constraints = [
            models.CheckConstraint(
                name="grant_of_patient_or_study",
                condition=Q(patient__isnull=False, study__isnull=True) | Q(patient__isnull=True, study__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["holder", "source"], name="grant_once_per_source", condition=~Q(source="") & Q(ended_at=None)
            ),
        ]
        indexes = [models.Index(fields=["until"], condition=Q(ended_at=None, until__isnull=False), name="grant_ends")]

    def __str__(self) -> str:
        return f"{self.holder_id}: {self.patient_id or self.study_id} ({self.gives})"
