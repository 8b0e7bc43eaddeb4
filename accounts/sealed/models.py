"""Sealed accounts, and each time that one was opened."""

from datetime import datetime

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.roles import Role


class SealedAccount(models.Model):
    """A local account that nobody can use until its envelope is opened. Of the code inside only a digest is kept.

    While it is sealed its user is switched off and works nowhere. Opening it switches the user on and gives the
    membership that is written here until ``opened_until``; closing takes both back.
    """

    user = models.OneToOneField("accounts.User", models.PROTECT, related_name="sealed", verbose_name=_("account"))
    department = models.ForeignKey(
        "accounts.Department", models.PROTECT, related_name="+", verbose_name=_("department in which it opens")
    )
    role = models.CharField(_("role"), max_length=32, choices=Role.choices, default=Role.CLINICIAN)
    place = models.CharField(_("where the envelope lies"), max_length=200, blank=True)
    open_hours = models.PositiveSmallIntegerField(
        _("hours it stays open"), default=12, validators=[MinValueValidator(1), MaxValueValidator(72)]
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    sealed_at = models.DateTimeField(_("sealed"), default=timezone.now, editable=False)
    #: Paper ages, and people who packed it leave: after this it is sealed anew.
    expires_at = models.DateTimeField(_("seal good until"), editable=False)
    opened_until = models.DateTimeField(_("open until"), null=True, blank=True, editable=False)
    #: Set by opening: the code has been seen, and nothing but a new one makes the account usable again.
    is_spent = models.BooleanField(_("envelope opened"), default=False, editable=False)
    reminded_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("sealed account")
        verbose_name_plural = _("sealed accounts")
        ordering = ("user__username",)
        indexes = [
            models.Index(fields=["opened_until"], condition=Q(opened_until__isnull=False), name="sealed_account_open")
        ]

    def __str__(self) -> str:
        return str(self.user)

    def is_open_at(self, moment: datetime) -> bool:
        """Whether somebody may work with it at ``moment``."""
        return self.opened_until is not None and moment < self.opened_until

    def is_usable_at(self, moment: datetime) -> bool:
        """Whether the code in the envelope opens it at ``moment``: the first time, and again while it is open."""
        return self.is_open_at(moment) if self.is_spent else moment < self.expires_at


class SealedOpening(models.Model):
    """One opening of an envelope: who said they were, why, from where, and what was found when it was looked into."""

    account = models.ForeignKey(SealedAccount, models.PROTECT, related_name="openings", verbose_name=_("account"))
    said_name = models.CharField(_("name given"), max_length=150)
    reason = models.CharField(_("reason"), max_length=500)
    address = models.CharField(_("address"), max_length=64, blank=True)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    told_at = models.DateTimeField(_("privacy officers told"), null=True, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed"), null=True, blank=True)
    reviewed_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("reviewed by")
    )
    review_note = models.CharField(_("what the review found"), max_length=1000, blank=True)

    class Meta:
        verbose_name = _("opening of a sealed account")
        verbose_name_plural = _("openings of sealed accounts")
        ordering = ("-opened_at", "-pk")

    def __str__(self) -> str:
        return f"{self.account}: {self.said_name}"
