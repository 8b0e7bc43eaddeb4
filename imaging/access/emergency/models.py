"""Emergency accesses, what reviewers found of them, and the rules that the hospital sets."""

import datetime as dt
import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from imaging.access.emergency import querysets
from imaging.studies.models import Grant, Patient


class PurposeOfUse(models.TextChoices):
    """Why the record is opened: codes of HL7 v3 PurposeOfUse (2.16.840.1.113883.1.11.20448)."""

    ETREAT = "ETREAT", _("Emergency treatment: the patient is in my care now")
    BTG = "BTG", _("Care that cannot wait: advice, on-call or transfer")


class Verdict(models.TextChoices):
    """What a reviewer found."""

    JUSTIFIED = "justified", _("justified")
    NOT_JUSTIFIED = "not_justified", _("not justified")
    FOLLOW_UP = "follow_up", _("needs follow-up")


class EmergencyPolicy(models.Model):
    """What the hospital decided about emergency access. One row."""

    minutes = models.PositiveSmallIntegerField(
        _("minutes"),
        default=60,
        validators=[MinValueValidator(5), MaxValueValidator(60)],
        help_text=_("How long a patient's record stays open. An hour at most; it can be opened again."),
    )
    words = models.PositiveSmallIntegerField(
        _("words of a reason"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text=_("A reason of fewer words is sent back. Few are better: it is typed in a hurry."),
    )
    per_hour = models.PositiveSmallIntegerField(
        _("usual number in an hour"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text=_("Beyond it the record still opens, for care comes first; it is an alarm for the privacy officers."),
    )
    review_hours = models.PositiveSmallIntegerField(
        _("hours until a review is overdue"),
        default=72,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
    )
    phone = models.CharField(
        _("telephone of the privacy officers"),
        max_length=40,
        blank=True,
        help_text=_("Shown to whom opens unusually many records, or finds nobody."),
    )

    class Meta:
        verbose_name = _("rules of emergency access")
        verbose_name_plural = _("rules of emergency access")
        constraints = [models.CheckConstraint(name="one_emergency_policy", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class EmergencyAccess(models.Model):
    """One patient's record opened by one person in an emergency. Never deleted; the grant is what opens, and ends."""

    class Ended(models.TextChoices):
        """How it ended."""

        TIME = "time", _("its time was over")
        PERSON = "person", _("by the person")
        OFFICER = "officer", _("by a privacy officer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("person"))
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("patient"))
    grant = models.OneToOneField(Grant, models.PROTECT, related_name="+", verbose_name=_("grant"))
    #: Drawn with the form, so that a form that is sent twice opens once.
    form_key = models.UUIDField(editable=False)
    purpose = models.CharField(_("purpose"), max_length=8, choices=PurposeOfUse.choices)
    reason = models.CharField(_("reason"), max_length=500)
    #: Which identifiers found the patient, by name; never their values.
    found_by = models.CharField(_("found by"), max_length=100, blank=True)
    #: Who said they opened a sealed account, as typed; empty for everybody else.
    said_name = models.CharField(_("name given with a sealed account"), max_length=150, blank=True)
    is_unusual = models.BooleanField(_("unusually many"), default=False)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_how = models.CharField(_("how it ended"), max_length=8, choices=Ended.choices, blank=True)
    ended_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    told_at = models.DateTimeField(_("privacy officers told"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded of the review"), null=True, blank=True)
    review_due_at = models.DateTimeField(_("review due"))
    #: The latest verdict; empty while nobody has looked.
    verdict = models.CharField(_("verdict"), max_length=16, choices=Verdict.choices, blank=True)

    objects = querysets.EmergencyQuerySet.as_manager()

    class Meta:
        verbose_name = _("emergency access")
        verbose_name_plural = _("emergency accesses")
        ordering = ("-started_at", "-pk")
        constraints = [
            models.UniqueConstraint(fields=["user", "form_key"], name="emergency_once_per_form"),
            models.CheckConstraint(name="emergency_has_reason", condition=~Q(reason="")),
        ]
        indexes = [
            models.Index(fields=["user", "-started_at"], name="emergency_of_person"),
            models.Index(fields=["verdict", "review_due_at"], name="emergency_to_review"),
            models.Index(fields=["until"], condition=Q(ended_at=None), name="emergency_open"),
            models.Index(fields=["started_at"], condition=Q(told_at=None), name="emergency_untold"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.pk}"

    @property
    def is_active(self) -> bool:
        """Whether the record is open by this now."""
        return self.ended_at is None and timezone.now() < self.until

    @property
    def closed_at(self) -> dt.datetime:
        """When it ended, or will."""
        return self.ended_at or self.until


class EmergencyReview(models.Model):
    """What a reviewer found of one emergency access. A second look is a second row; none is ever changed."""

    emergency = models.ForeignKey(EmergencyAccess, models.PROTECT, related_name="reviews", verbose_name=_("access"))
    verdict = models.CharField(_("verdict"), max_length=16, choices=Verdict.choices)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    reviewer = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("reviewer"))
    reviewed_at = models.DateTimeField(_("reviewed"), default=timezone.now)

    class Meta:
        verbose_name = _("review of an emergency access")
        verbose_name_plural = _("reviews of emergency accesses")
        ordering = ("-reviewed_at", "-pk")

    def __str__(self) -> str:
        return f"{self.emergency_id}: {self.verdict}"
