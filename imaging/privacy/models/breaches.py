"""Data breaches (GDPR articles 33 and 34): what is known, what was done, and the 72 hours."""

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

#: From becoming aware to telling the supervisory authority (article 33(1)).
HOURS: Final = 72


class Breach(models.Model):
    """One breach, from the moment at which the hospital became aware of it. Never deleted (article 33(5))."""

    class Cause(models.TextChoices):
        """What it came by."""

        ACCOUNT = "account", _("an account in other hands")
        INSIDER = "insider", _("looks without a reason of care")
        KEY = "key", _("a machine key in other hands")
        PEER = "peer", _("a system on the network")
        SHARE = "share", _("a share link in other hands")
        LOSS = "loss", _("data lost or altered")
        OTHER = "other", _("something else")

    title = models.CharField(_("what happened, in one line"), max_length=150)
    cause = models.CharField(_("cause"), max_length=10, choices=Cause.choices, default=Cause.OTHER)
    aware_at = models.DateTimeField(_("aware since"))
    account = models.TextField(_("what is known"), max_length=8000, blank=True)
    recorded_at = models.DateTimeField(_("recorded at"), auto_now_add=True)
    recorded_by = models.CharField(_("recorded by"), max_length=150)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    conclusion = models.TextField(_("conclusion"), max_length=4000, blank=True)

    class Meta:
        """Latest first."""

        verbose_name = _("data breach")
        verbose_name_plural = _("data breaches")
        ordering = ["-aware_at", "-id"]
        indexes = [models.Index(fields=["-aware_at"], condition=Q(closed_at=None), name="breach_open")]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """The number by which it goes."""
        return f"DB-{self.aware_at:%Y}-{self.pk:04d}"

    @property
    def notify_by(self) -> datetime:
        """Until when the supervisory authority must have been told."""
        return self.aware_at + timedelta(hours=HOURS)

    @property
    def hours_left(self) -> int:
        """Whole hours left of the 72; negative when they are over."""
        return int((self.notify_by - timezone.now()).total_seconds() // 3600)


class BreachStep(models.Model):
    """One line of the checklist that was done or judged unnecessary: by whom, when, with which reason."""

    class Step(models.TextChoices):
        """What has to be thought of, in order."""

        CONTAIN = "contain", _("Stop it: switch the account off, revoke the key, end the share")
        EXTENT = "extent", _("Find out whose data, since when and how many")
        RISK = "risk", _("Judge the risk for the people concerned, and write down why")
        AUTHORITY = "authority", _("Tell the supervisory authority within 72 hours, or write down why there is no risk")
        AGENCIES = "agencies", _("Tell the health authority and the insurer where the law or the contract asks for it")
        PEOPLE = "people", _("Tell the people concerned without delay when the risk is high")
        EVIDENCE = "evidence", _("Keep the evidence: audit export, list of patients, decisions")
        LESSONS = "lessons", _("Say what is changed so that it does not happen again")

    breach = models.ForeignKey(Breach, models.PROTECT, related_name="steps", verbose_name=_("data breach"))
    step = models.CharField(_("step"), max_length=10, choices=Step.choices)
    is_needed = models.BooleanField(_("was needed"), default=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    at = models.DateTimeField(_("time"), auto_now_add=True)
    by = models.CharField(_("by"), max_length=150)

    class Meta:
        """Each line of the checklist is ticked once."""

        verbose_name = _("step of a data breach")
        verbose_name_plural = _("steps of data breaches")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["breach", "step"], name="breach_step_once")]

    def __str__(self) -> str:
        return f"{self.breach_id}: {self.step}"
