"""What people were told, and how each wants to be told."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Notification(models.Model):
    """Something that one person is told. No patient data: the words follow from the kind and a few parameters.

    Unread, there is one row per person, kind and subject: more of the same counts up. The row is the outbox of its mail
    as well: ``mail_due_at`` says from when on a mail is owed, and is None when none is.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", verbose_name=_("user")
    )
    kind = models.CharField(_("kind"), max_length=60)
    subject_type = models.CharField(_("type of subject"), max_length=40, blank=True)
    subject_uid = models.CharField(_("subject"), max_length=128, blank=True)
    params = models.JSONField(_("parameters"), default=dict, blank=True)
    path = models.CharField(_("page"), max_length=300)
    count = models.PositiveIntegerField(_("times"), default=1)
    in_page = models.BooleanField(_("in the page"), default=True)
    is_urgent = models.BooleanField(_("urgent"), default=False)
    created_at = models.DateTimeField(_("created at"))
    happened_at = models.DateTimeField(_("last happened at"))
    read_at = models.DateTimeField(_("read at"), null=True, blank=True)
    mail_due_at = models.DateTimeField(_("mail due at"), null=True, blank=True)
    mail_attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    mailed_at = models.DateTimeField(_("mailed at"), null=True, blank=True)
    mail_problem = models.CharField(_("problem of the mail"), max_length=60, blank=True)

    class Meta:
        """Read by person, the newest first; the unread ones are few."""

        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "kind", "subject_type", "subject_uid"],
                condition=Q(read_at=None),
                name="notification_unread_once",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["user", "-happened_at"], condition=Q(in_page=True), name="notification_of_person"),
            models.Index(fields=["mail_due_at"], condition=Q(mail_due_at__isnull=False), name="notification_mail_due"),
            models.Index(fields=["happened_at"], name="notification_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_uid}".strip()

    @property
    def told(self) -> dict[str, Any]:
        """What the words of the kind are made of."""
        return {**self.params, "count": self.count}


class NotificationPreference(models.Model):
    """How one person wants to be told of one kind of thing, where it differs from what the kind says."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="notification_preferences",
        verbose_name=_("user"),
    )
    kind = models.CharField(_("kind"), max_length=60)
    in_page = models.BooleanField(_("in the page"))
    by_mail = models.BooleanField(_("by mail"))

    class Meta:
        """One per person and kind."""

        verbose_name = _("preference about notifications")
        verbose_name_plural = _("preferences about notifications")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "kind"], name="notification_preference_once"),
        ]

    def __str__(self) -> str:
        return self.kind
