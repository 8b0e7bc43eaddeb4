"""Requests that carried an idempotency key, until a day has passed."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class KeyedRequest(models.Model):
    """One request of a principal under a key of its own choice, and the answer that a repetition gets.

    ``principal`` is the actor's kind and id. While ``status`` is empty somebody is at work on it, until ``working_until``
    at the latest: whoever died leaves the key to the next. ``digest`` (SHA-256) tells whether a repetition is one.
    """

    principal = models.CharField(_("principal"), max_length=80)
    key = models.CharField(_("key"), max_length=255)
    route = models.CharField(_("route"), max_length=300)
    digest = models.CharField(_("digest of the request"), max_length=64, blank=True)
    token = models.UUIDField(_("token of who is at work"))
    working_until = models.DateTimeField(_("at work until"))
    status = models.PositiveSmallIntegerField(_("status of the answer"), null=True, blank=True)
    content_type = models.CharField(_("type of the answer"), max_length=100, blank=True)
    body = models.BinaryField(_("answer"), default=b"")
    created_at = models.DateTimeField(_("created"))
    expires_at = models.DateTimeField(_("expires"))

    class Meta:
        """A key is one principal's own."""

        verbose_name = _("request with a key")
        verbose_name_plural = _("requests with a key")
        constraints: ClassVar = [models.UniqueConstraint(fields=["principal", "key"], name="keyed_request_once")]
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="keyed_request_expiry")]

    def __str__(self) -> str:
        return f"{self.principal} {self.pk}"
