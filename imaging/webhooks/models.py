"""Where changes are pushed to, how far each receiver has got, and every attempt."""

import uuid

from django.core.validators import URLValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import MachineKey


class Webhook(models.Model):
    """One receiver. It is told what its machine key may list at the REST API, and nothing once that key ends.

    ``sent_through`` is its place in the change feed: everything up to it was taken. Its secret is derived from the
    portal's own and ``generation`` (``policies.secret_of``), never stored.
    """

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    machine_key = models.ForeignKey(
        MachineKey,
        models.CASCADE,
        related_name="webhooks",
        verbose_name=_("machine key"),
        help_text=_("Tells what it may know."),
    )
    address = models.CharField(
        _("address"),
        max_length=500,
        validators=[URLValidator(schemes=["https", "http"])],
        help_text=_("Its host must be among the outbound hosts."),
    )
    description = models.CharField(_("what for"), max_length=200, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    generation = models.PositiveIntegerField(_("generation of the secret"), default=1, editable=False)
    sent_through = models.BigIntegerField(_("told up to"), default=0, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True, editable=False)
    stopped_because = models.CharField(_("stopped because"), max_length=40, blank=True, editable=False)
    created_by = models.CharField(_("created by"), max_length=150, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        """By address."""

        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["address", "id"]

    def __str__(self) -> str:
        return self.address


class WebhookAttempt(models.Model):
    """One request to a receiver: the log that answers "did you tell us?"."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="attempts", verbose_name=_("webhook"))
    message_id = models.CharField(_("message"), max_length=80)
    attempted_at = models.DateTimeField(_("attempted at"))
    first_sequence = models.BigIntegerField(_("from"), null=True, blank=True)
    last_sequence = models.BigIntegerField(_("to"), null=True, blank=True)
    change_count = models.PositiveIntegerField(_("changes"), default=0)
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"), default=0)

    class Meta:
        """Newest first; forgotten after a month."""

        verbose_name = _("webhook attempt")
        verbose_name_plural = _("webhook attempts")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["webhook", "-id"], name="attempt_of_webhook"),
            models.Index(fields=["attempted_at"], name="attempt_by_time"),
        ]

    def __str__(self) -> str:
        return self.message_id

    @property
    def is_taken(self) -> bool:
        """Whether the receiver answered with success."""
        return self.status is not None and 200 <= self.status < 300
