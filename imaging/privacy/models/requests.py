"""What people ask about their data (GDPR articles 12, 15 to 18, 20 and 21), when it is due, and what was done."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from imaging.studies.models import Patient


class DataSubjectRequest(models.Model):
    """One request, of a patient or of a person who works or worked here. Never deleted: it proves that it was answered."""

    class Kind(models.TextChoices):
        """What is asked, by article of the GDPR."""

        ACCESS = "access", _("access to one's data (art. 15)")
        RECTIFICATION = "rectification", _("correction (art. 16)")
        ERASURE = "erasure", _("erasure (art. 17)")
        RESTRICTION = "restriction", _("restriction (art. 18)")
        PORTABILITY = "portability", _("a copy to take elsewhere (art. 20)")
        OBJECTION = "objection", _("opposition (art. 21)")

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", _("to be answered")
        ANSWERED = "answered", _("answered")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Asker(models.TextChoices):
        """Who asks."""

        SELF = "self", _("the person")
        REPRESENTATIVE = "representative", _("a legal representative")
        MANDATED = "mandated", _("somebody with a written mandate")

    kind = models.CharField(_("what is asked"), max_length=16, choices=Kind.choices)
    patient = models.ForeignKey(
        Patient, models.PROTECT, null=True, blank=True, related_name="privacy_requests", verbose_name=_("patient")
    )
    account = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    asked_by = models.CharField(_("asked by"), max_length=16, choices=Asker.choices, default=Asker.SELF)
    identity_checked = models.CharField(_("how identity was checked"), max_length=200)
    wish = models.TextField(_("what was asked, in their words"), max_length=2000, blank=True)
    received_on = models.DateField(_("received on"))
    due_on = models.DateField(_("due on"))
    extended_because = models.CharField(_("extended because"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.TextField(_("answer"), max_length=4000, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    answered_by = models.CharField(_("answered by"), max_length=150, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)
    recorded_by = models.CharField(_("recorded by"), max_length=150)

    class Meta:
        """Open ones by the day on which they are due; a request is about one person."""

        verbose_name = _("request about one's data")
        verbose_name_plural = _("requests about one's data")
        ordering = ["due_on", "id"]
        constraints = [
            models.CheckConstraint(
                name="request_of_patient_or_account",
                condition=Q(patient__isnull=False, account__isnull=True)
                | Q(patient__isnull=True, account__isnull=False),
            )
        ]
        indexes = [models.Index(fields=["due_on"], condition=Q(state="open"), name="privacy_request_due")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """The number by which the hospital and the person speak of it."""
        return f"DR-{self.received_on:%Y}-{self.pk:05d}"

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self.state == self.State.OPEN

    @property
    def days_left(self) -> int:
        """Days until it is due; negative when it is overdue."""
        return (self.due_on - timezone.localdate()).days

    @property
    def is_overdue(self) -> bool:
        """Whether it should have been answered before today."""
        return self.is_open and self.days_left < 0


class RequestLine(models.Model):
    """One thing done about a request: written once, never changed."""

    class What(models.TextChoices):
        """What was done."""

        RECORDED = "recorded", _("Request recorded")
        EXTENDED = "extended", _("Time to answer extended")
        LETTER = "letter", _("Letter about who looked made")
        PACKAGE = "package", _("Copy of the data prepared")
        HANDED_OVER = "handed_over", _("Copy of the data downloaded to hand over")
        CORRECTION = "correction", _("Correction asked for")
        CORRECTED = "corrected", _("Correction done")
        NOT_CORRECTED = "not_corrected", _("Correction refused")
        RESTRICTED = "restricted", _("Record restricted")
        LIFTED = "lifted", _("Restriction lifted")
        CHOICE = "choice", _("Opposition or consent recorded")
        ERASED = "erased", _("Personal data erased")
        CLOSED = "closed", _("Request closed")

    request = models.ForeignKey(DataSubjectRequest, models.PROTECT, related_name="lines", verbose_name=_("request"))
    what = models.CharField(_("what was done"), max_length=16, choices=What.choices)
    note = models.CharField(_("note"), max_length=500, blank=True)
    at = models.DateTimeField(_("time"), auto_now_add=True)
    by = models.CharField(_("by"), max_length=150)

    class Meta:
        """In the order in which it happened."""

        verbose_name = _("step of a request")
        verbose_name_plural = _("steps of requests")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.what}"


class CorrectionTask(models.Model):
    """Something about a patient's identity that is said to be wrong: for people who may correct it and have the patient."""

    class Field(models.TextChoices):
        """What is said to be wrong."""

        NAME = "name", _("name")
        BIRTH_DATE = "birth_date", _("birth date")
        SEX = "sex", _("sex")
        PATIENT_ID = "patient_id", _("patient ID")
        STUDY = "study", _("a study that is not this patient's")
        OTHER = "other", _("something else")

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", _("to be done")
        DONE = "done", _("done")
        REFUSED = "refused", _("refused")

    request = models.ForeignKey(
        DataSubjectRequest, models.PROTECT, related_name="corrections", verbose_name=_("request")
    )
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="correction_tasks", verbose_name=_("patient"))
    field = models.CharField(_("what is wrong"), max_length=12, choices=Field.choices)
    wanted = models.CharField(_("what it should be"), max_length=300)
    evidence = models.CharField(_("evidence"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    reason = models.CharField(_("what was done, or why not"), max_length=500, blank=True)
    asked_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    asked_by = models.CharField(_("asked by"), max_length=150)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        """Open ones first come first served."""

        verbose_name = _("correction asked for")
        verbose_name_plural = _("corrections asked for")
        ordering = ["id"]
        indexes = [models.Index(fields=["patient"], condition=Q(state="open"), name="correction_task_open")]

    def __str__(self) -> str:
        return f"{self.patient_id}: {self.field}"
