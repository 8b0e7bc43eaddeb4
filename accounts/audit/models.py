"""The audit table. Its shape in the database is SQL (partitions, triggers), written in the migrations."""

import secrets
import time
import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import Action, Outcome


def uuid7() -> uuid.UUID:
    """Return a time-ordered identifier (RFC 9562, section 5.7), so that inserts touch the index's end."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds & 0xFFFFFFFFFFFF) << 80
    bits |= 0x7 << 76 | secrets.randbits(12) << 64
    bits |= 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=bits)


class AuditEvent(models.Model):
    """One thing done by one actor. Written by :mod:`accounts.audit.record` only, and never changed.

    It names its subject by type and UID, without a foreign key: it outlives what it speaks of.
    ``managed`` is off because Django knows no partitions: the table is made by SQL in the migration.
    Its primary key in the database is ``(id, at)``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("time"), default=timezone.now)
    action = models.TextField(_("action"), choices=Action.choices)
    outcome = models.TextField(_("outcome"), choices=Outcome.choices, default=Outcome.SUCCESS)
    actor_kind = models.TextField(_("kind of actor"))
    actor_id = models.TextField(_("actor's ID"))
    actor_name = models.TextField(_("actor"))
    address = models.TextField(_("address"), blank=True, default="")
    door = models.TextField(_("door"), blank=True, default="")
    request_id = models.TextField(_("request"), blank=True, default="")
    subject_type = models.TextField(_("kind of subject"), blank=True, default="")
    subject_uid = models.TextField(_("subject"), blank=True, default="")
    patient_id = models.TextField(_("patient ID"), blank=True, default="")
    issuer_of_patient_id = models.TextField(_("issuer of patient ID"), blank=True, default="")
    #: Codes of the departments for which the actor worked at that moment.
    departments = ArrayField(models.TextField(), verbose_name=_("departments of the actor"), default=list, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    #: The order in which events came to the table: by this a reader that must miss none goes on.
    number = models.BigIntegerField(
        editable=False,
        db_default=models.Func(models.Value("accounts_auditevent_number_seq"), function="nextval"),
    )

    class Meta:
        managed = False
        db_table = "accounts_auditevent"
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering: ClassVar = ("-at", "-id")

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor_name} {self.action}"
