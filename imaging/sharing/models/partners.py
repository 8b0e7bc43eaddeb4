"""Archives of other hospitals to which images are pushed, and each push with what did not go."""

import uuid
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator, URLValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department
from accounts.outbound.models import validate_certificates
from imaging.ingest.models import ApplicationEntity
from imaging.sharing.models.choices import Purpose, Recipient
from imaging.studies.models import Instance, Patient, Series, Study

_UID: Final = RegexValidator(r"^[0-9]+(\.[0-9]+)+\Z", _("Write transfer syntaxes by their UIDs, one a line."))
#: Hours after which a push that never succeeds is given up, whatever a partner says.
MOST_HOURS: Final = 24 * 14


class Partner(models.Model):
    """An archive elsewhere that takes our images: by STOW-RS (PS3.18 10.5) or by C-STORE (PS3.4 annex B)."""

    class Kind(models.TextChoices):
        """What it speaks."""

        STOW = "stow", _("DICOMweb (STOW-RS)")
        DIMSE = "dimse", _("DICOM network (C-STORE)")

    class Auth(models.TextChoices):
        """How we prove to a DICOMweb server who we are."""

        NONE = "none", _("not at all")
        BEARER = "bearer", _("a token (Bearer)")
        BASIC = "basic", _("name and password (Basic)")

    name = models.CharField(_("name"), max_length=120, unique=True, help_text=_("As those who send know it."))
    kind = models.CharField(_("spoken"), max_length=8, choices=Kind.choices, default=Kind.STOW)
    address = models.CharField(
        _("address"),
        max_length=500,
        blank=True,
        validators=[URLValidator(schemes=["https", "http"])],
        help_text=_("Root of its DICOMweb service, without /studies. Its host must be among the outbound hosts."),
    )
    auth = models.CharField(_("credentials"), max_length=8, choices=Auth.choices, default=Auth.NONE)
    account = models.CharField(_("account"), max_length=200, blank=True)
    sealed_secret = models.TextField(editable=False, blank=True)
    device = models.ForeignKey(
        ApplicationEntity,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("application entity"),
        help_text=_("With the host and port at which it is called."),
    )
    uses_tls = models.BooleanField(_("over TLS"), default=False)
    certificates = models.TextField(
        _("certificates"),
        blank=True,
        validators=[validate_certificates],
        help_text=_("PEM of the authority that signed its certificate. Of a DICOMweb server: at the outbound host."),
    )
    departments = models.ManyToManyField(
        Department,
        verbose_name=_("departments"),
        blank=True,
        related_name="+",
        help_text=_("Only these send to it."),
    )
    transfer_syntaxes = ArrayField(
        models.CharField(max_length=64, validators=[_UID]),
        verbose_name=_("transfer syntaxes"),
        default=list,
        blank=True,
        help_text=_("What it takes, by UID, one a line. Empty: everything that we have is offered."),
    )
    tries_hours = models.PositiveIntegerField(
        _("hours it is tried again"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_HOURS)],
        help_text=_("While it cannot be reached. Then the sender is told, and may try again by hand."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """By name."""

        verbose_name = _("partner archive")
        verbose_name_plural = _("partner archives")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what cannot be called."""
        if self.kind == self.Kind.DIMSE:
            if self.device is None:
                raise ValidationError({"device": _("Choose the application entity that takes the images.")})
            if not self.device.port or not (self.device.host or self.device.address):
                raise ValidationError({"device": _("Write the host and port at which it is called on its own page.")})
        elif not self.address:
            raise ValidationError({"address": _("Write the address of its DICOMweb service.")})
        if self.kind == self.Kind.STOW and self.auth == self.Auth.BASIC and not self.account:
            raise ValidationError({"account": _("Write the name that goes with the password.")})


class PartnerTransfer(models.Model):
    """One push to a partner. Rows are never deleted: what went out stays on record."""

    class State(models.TextChoices):
        """How far it is."""

        ASKED = "asked", _("waiting for a second person")
        REFUSED = "refused", pgettext_lazy("sending to a partner", "not allowed")
        WAITING = "waiting", pgettext_lazy("sending to a partner", "waiting")
        SENDING = "sending", pgettext_lazy("sending to a partner", "sending")
        PAUSED = "paused", pgettext_lazy("sending to a partner", "is tried again")
        DONE = "done", pgettext_lazy("sending to a partner", "sent")
        FAILED = "failed", pgettext_lazy("sending to a partner", "not all sent")
        STOPPED = "stopped", pgettext_lazy("sending to a partner", "stopped")

    key = models.CharField(_("identifier"), max_length=16, unique=True, editable=False)
    partner = models.ForeignKey(Partner, models.PROTECT, related_name="transfers", verbose_name=_("partner archive"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="partner_transfers", verbose_name=_("sent by")
    )
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+", verbose_name=_("patient"))
    created_at = models.DateTimeField(_("asked for at"), auto_now_add=True)
    #: Of the form with which it was made: sent twice, it goes once.
    token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)

    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices, default=Purpose.CARE)
    purpose_words = models.CharField(_("purpose in words"), max_length=300, blank=True)
    with_report = models.BooleanField(_("with the report"), default=False)

    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    #: Of the worker that is at it: one that lost its lease changes nothing any more.
    run = models.UUIDField(null=True, editable=False)
    total = models.PositiveIntegerField(_("objects"), default=0)
    sent = models.PositiveIntegerField(_("sent"), default=0)
    warned = models.PositiveIntegerField(_("taken with a warning"), default=0)
    refused = models.PositiveIntegerField(_("not taken"), default=0)
    octets = models.BigIntegerField(_("bytes sent"), default=0)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    #: What the partner said of it, as it said it.
    problem_words = models.CharField(_("answer"), max_length=200, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stopped by")
    )
    words = models.CharField(_("why"), max_length=300, blank=True)

    #: To whom images go, as a patient's opposition knows it: outside.
    recipient: Final = Recipient.COLLEAGUE

    class Meta:
        """Lists are of a person or a department, latest first."""

        verbose_name = _("push to a partner archive")
        verbose_name_plural = _("pushes to partner archives")
        ordering = ("-created_at", "-pk")
        indexes = [
            models.Index(fields=["created_by", "-created_at"], name="transfer_by_owner"),
            models.Index(fields=["department", "-created_at"], name="transfer_by_department"),
            models.Index(
                fields=["state"], condition=Q(state__in=["waiting", "sending", "paused"]), name="transfer_under_way"
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_under_way(self) -> bool:
        """Whether it goes on by itself."""
        return self.state in UNDER_WAY

    @property
    def arrived(self) -> int:
        """How many objects the partner took."""
        return self.sent + self.warned


UNDER_WAY: Final = frozenset(
    {PartnerTransfer.State.WAITING, PartnerTransfer.State.SENDING, PartnerTransfer.State.PAUSED}
)


class TransferItem(models.Model):
    """One thing that is pushed: a study, one of its series, or one of its instances (a key image)."""

    transfer = models.ForeignKey(PartnerTransfer, models.CASCADE, related_name="items", verbose_name=_("push"))
    study = models.ForeignKey(Study, models.PROTECT, related_name="+", verbose_name=_("study"))
    series = models.ForeignKey(
        Series, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("series")
    )
    instance = models.ForeignKey(
        Instance, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("instance")
    )

    class Meta:
        """Each thing once."""

        verbose_name = _("what is pushed")
        verbose_name_plural = _("what is pushed")
        constraints = [
            models.UniqueConstraint(
                fields=["transfer", "study", "series", "instance"], nulls_distinct=False, name="pushed_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.transfer_id}: {self.study_id}"


class TransferObject(models.Model):
    """An object that has not gone yet, or that did not go as it should. What the partner took has no row any more."""

    class State(models.TextChoices):
        """What became of it."""

        PENDING = "pending", pgettext_lazy("an object to be sent", "waiting")
        WARNED = "warned", _("taken with a warning")
        REFUSED = "refused", _("not taken")

    transfer = models.ForeignKey(PartnerTransfer, models.CASCADE, related_name="objects_left", verbose_name=_("push"))
    instance = models.ForeignKey(Instance, models.CASCADE, related_name="+", verbose_name=_("instance"))
    position = models.PositiveIntegerField(_("position"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    #: Why: a word of ours, with the partner's status (PS3.7 annex C, PS3.18 I.2) and its own words.
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    status = models.PositiveIntegerField(_("status"), null=True, blank=True)
    words = models.CharField(_("answer"), max_length=200, blank=True)

    class Meta:
        """In the order in which they are read."""

        verbose_name = _("object of a push")
        verbose_name_plural = _("objects of a push")
        ordering = ("position",)
        constraints = [models.UniqueConstraint(fields=["transfer", "instance"], name="object_pushed_once")]
        indexes = [models.Index(fields=["transfer", "state", "position"], name="object_of_transfer")]

    def __str__(self) -> str:
        return f"{self.transfer_id}: {self.position}"
