"""Which study answers which request, and what waits for a person to say."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.orders.models.requests import ExamRequest
from imaging.studies.models import Study


class StudyLink(models.Model):
    """A study answers a request. Ended, never deleted: what was linked by mistake can be told."""

    class Basis(models.TextChoices):
        """How it was found."""

        STUDY_UID = "study_uid", _("by the Study Instance UID")
        ACCESSION = "accession", _("by the accession number")
        STEP_ID = "step_id", _("by the scheduled step")
        PERFORMED = "performed", _("by what the machine reported")
        PERSON = "person", _("by a person")

    request = models.ForeignKey(
        ExamRequest, models.PROTECT, related_name="links", verbose_name=pgettext_lazy("exam", "request")
    )
    study = models.ForeignKey(Study, models.CASCADE, related_name="request_links", verbose_name=_("study"))
    basis = models.CharField(_("basis"), max_length=12, choices=Basis.choices)
    made_by = models.CharField(_("linked by"), max_length=150)
    made_at = models.DateTimeField(_("linked at"), auto_now_add=True)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    #: The request's patient had only been typed, and was found by this link.
    names_patient = models.BooleanField(_("told who the patient is"), default=False, editable=False)
    #: A person has ended it: it is not made again without one.
    is_refused = models.BooleanField(_("not to be linked again by itself"), default=False, editable=False)
    ended_by = models.CharField(_("unlinked by"), max_length=150, blank=True)
    ended_at = models.DateTimeField(_("unlinked at"), null=True, blank=True)

    class Meta:
        """Each pair once at a time."""

        verbose_name = _("link of a study to a request")
        verbose_name_plural = _("links of studies to requests")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["request", "study"], condition=Q(ended_at=None), name="study_link_once")
        ]
        indexes = [
            models.Index(fields=["study"], condition=Q(ended_at=None), name="study_link_of_study"),
            models.Index(fields=["request"], condition=Q(ended_at=None), name="study_link_of_request"),
        ]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.study_id} ({self.basis})"


class UnmatchedStudy(models.Model):
    """A study for which no request was found, until one is, or until a person says that there is none."""

    class Why(models.TextChoices):
        """What stood in the way."""

        NO_REQUEST = "no_request", _("no request has its numbers")
        OTHER_PATIENT = "other_patient", _("its number belongs to a request for another patient")
        SEVERAL = "several", _("several requests have its number")
        ENDED = "ended", _("its request was refused or cancelled")

    study = models.OneToOneField(Study, models.CASCADE, related_name="unmatched", verbose_name=_("study"))
    why = models.CharField(_("why"), max_length=16, choices=Why.choices)
    #: The request whose number it has though the patient differs.
    candidate = models.ForeignKey(
        ExamRequest, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("request in question")
    )
    found_at = models.DateTimeField(_("found at"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=150, blank=True)
    settled_reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        """Oldest first."""

        verbose_name = _("study without a request")
        verbose_name_plural = _("studies without a request")
        ordering = ["found_at", "id"]
        indexes = [models.Index(fields=["found_at"], condition=Q(settled_at=None), name="unmatched_open")]

    def __str__(self) -> str:
        return f"{self.study_id}: {self.why}"
