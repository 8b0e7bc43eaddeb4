"""The audit table, and what is kept around it: its receivers, its policy, and what a reviewer decided.

The table's shape in the database is SQL (partitions, triggers), written in the migrations.
"""

import secrets
import time
import uuid
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.audit.actions import Action, Outcome
from accounts.outbound.models import validate_certificates, validate_host, validate_network


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


class AuditReceiver(models.Model):
    """Another system that keeps a copy of the audit: a syslog server, spoken to over TLS (RFC 5425).

    ``sent_through`` is the number of the last event that it has taken; everything after it is still to come.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)
    host = models.CharField(_("host"), max_length=253, validators=[validate_host])
    port = models.PositiveIntegerField(
        _("port"), default=6514, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        verbose_name=_("private addresses"),
        default=list,
        blank=True,
        help_text=_(
            "Public addresses are always accepted. A host inside the hospital needs its address or network here,"
            " such as 10.20.0.0/16: a name that suddenly points elsewhere is then not followed."
        ),
    )
    certificates = models.TextField(
        _("certificates"),
        blank=True,
        validators=[validate_certificates],
        help_text=_("PEM of the authority that signed the receiver's certificate. Empty: the usual public ones."),
    )
    own_certificate = models.CharField(
        _("own certificate"),
        max_length=100,
        blank=True,
        validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._-]*$", _("Use letters, digits, . _ -"))],
        help_text=_(
            "Name of a PEM file with certificate and key in the folder secrets/syslog of the data folder,"
            " where the receiver asks who is calling."
        ),
    )
    event_ids = ArrayField(
        models.CharField(max_length=6),
        verbose_name=_("kinds of event"),
        default=list,
        blank=True,
        help_text=_("None ticked: every event."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    sent_through = models.BigIntegerField(_("sent through"), default=0, editable=False)
    sent_at = models.DateTimeField(_("last sent"), null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True, editable=False)
    problem = models.CharField(_("problem"), max_length=40, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("receiver of the audit")
        verbose_name_plural = _("receivers of the audit")
        ordering: ClassVar = ("name",)

    def __str__(self) -> str:
        return self.name


class SnoopingSignal(models.TextChoices):
    """Why a look at a patient's record deserves a second one."""

    NO_RELATION = "no_relation", _("No care relation known")
    SAME_SURNAME = "same_surname", _("Same surname as the patient")
    COLLEAGUE = "colleague", _("The patient works here")
    PROTECTED = "protected", _("The patient is specially protected")
    VOLUME = "volume", _("Unusually many patients in a day")
    HOUR = "hour", _("Unusual hour for this person")


def every_signal() -> list[str]:
    """Return all signals: the default of the policy."""
    return list(SnoopingSignal.values)


class AuditPolicy(models.Model):
    """What the hospital decided about its audit: how long it is kept, and what is looked into each night. One row."""

    retention_years = models.PositiveSmallIntegerField(
        _("keep for years"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Older months are archived to files, checked, and then taken out of the database."),
    )
    removes_old_months = models.BooleanField(
        _("take old months out by timer"),
        default=False,
        help_text=_("Without this nothing is ever taken out, unless somebody runs the command and confirms it."),
    )
    signals = ArrayField(
        models.CharField(max_length=20, choices=SnoopingSignal.choices),
        verbose_name=_("signals"),
        default=every_signal,
        blank=True,
    )
    threshold = models.PositiveSmallIntegerField(
        _("weight from which a review opens"),
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("Protected or colleague 3; no relation, same surname or volume 2; hour 1."),
    )
    usual_patients = models.PositiveIntegerField(
        _("patients in a day that are never unusual"), default=40, validators=[MinValueValidator(1)]
    )
    reviews_nightly = models.BooleanField(_("look into every day"), default=True)
    reviewed_through = models.DateField(_("looked into through"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("audit policy")
        verbose_name_plural = _("audit policy")
        constraints: ClassVar = [models.CheckConstraint(name="one_audit_policy", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class AccessReview(models.Model):
    """One person's looks at one patient's record on one day that deserve a second look, and what came of it.

    A row without a patient is about the day as a whole (an unusual number of patients). It names both by their
    identifiers, as the audit does, and outlives them.
    """

    class State(models.TextChoices):
        """What the reviewer found."""

        OPEN = "open", _("to be looked into")
        EXPLAINED = "explained", _("explained")
        CONFIRMED = "confirmed", _("confirmed")

    day = models.DateField(_("day"))
    actor_kind = models.CharField(_("kind of actor"), max_length=20)
    actor_id = models.CharField(_("actor's ID"), max_length=256)
    actor_name = models.CharField(_("actor"), max_length=256)
    patient_id = models.CharField(_("patient ID"), max_length=256, blank=True)
    issuer_of_patient_id = models.CharField(_("issuer of patient ID"), max_length=256, blank=True)
    signals = ArrayField(models.CharField(max_length=20, choices=SnoopingSignal.choices), verbose_name=_("signals"))
    weight = models.PositiveSmallIntegerField(_("weight"))
    looks = models.PositiveIntegerField(_("events"))
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    decided_by = models.ForeignKey(
        "accounts.User", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("access to review")
        verbose_name_plural = _("accesses to review")
        ordering: ClassVar = ("-day", "-weight", "pk")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["day", "actor_kind", "actor_id", "patient_id", "issuer_of_patient_id"],
                name="one_review_per_person_patient_and_day",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-day", "-weight"], name="review_by_state")]

    def __str__(self) -> str:
        return f"{self.day}: {self.actor_name} → {self.patient_id or '*'}"
