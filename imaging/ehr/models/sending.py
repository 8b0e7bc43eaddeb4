"""Systems that are told by HL7 v2, and every message to them, from the moment it is owed."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, Site
from accounts.outbound.models import validate_certificates, validate_host, validate_network

_NO_SEPARATOR = RegexValidator(r"^[^|^~\\&\x00-\x1f]*\Z", _("Without the separators of HL7: | ^ ~ \\ &"))


class Hl7Destination(models.Model):
    """A system that is told of reports, requests and images, each once and in order.

    While it does not answer, what it is owed waits; ``failing_since`` says since when, ``problem`` why.
    """

    class CharacterSet(models.TextChoices):
        """MSH-18 (table 0211)."""

        UTF8 = "UNICODE UTF-8", "UTF-8"
        LATIN1 = "8859/1", "ISO 8859-1"
        LATIN9 = "8859/15", "ISO 8859-15"

    class ReportForm(models.TextChoices):
        """What a report is sent as."""

        TEXT = "text", _("text")
        PDF = "pdf", "PDF"
        BOTH = "both", _("text and PDF")

    class NewOrder(models.TextChoices):
        """ORC-1 of a request that was written here, the first time it is told (table 0119; IHE RAD-3)."""

        NUMBER = "SN", _("SN: the other system is to number it")
        NEW = "NW", _("NW: a new order")

    class Processing(models.TextChoices):
        """MSH-11 (table 0103)."""

        PRODUCTION = "P", _("P: production")
        TRAINING = "T", _("T: training")
        DEBUGGING = "D", _("D: test")

    name = models.CharField(_("name"), max_length=120, unique=True)
    host = models.CharField(_("host"), max_length=253, validators=[validate_host])
    port = models.PositiveIntegerField(
        _("port"), default=2575, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        verbose_name=_("private addresses"),
        default=list,
        blank=True,
        help_text=_(
            "The host's address or network, such as 10.20.0.0/16: a name that suddenly points elsewhere is then not"
            " followed. Without TLS nothing else is called."
        ),
    )
    uses_tls = models.BooleanField(_("over TLS"), default=True)
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
            "Name of a PEM file with certificate and key in the folder secrets/hl7 of the data folder,"
            " where the receiver asks who is calling."
        ),
    )
    new_connection_each = models.BooleanField(
        _("a connection for each message"),
        default=False,
        help_text=_("For receivers that get confused by a second message on the same one."),
    )
    sending_application = models.CharField(
        _("sending application"),
        max_length=180,
        default="NEGATOSCOPE",
        validators=[_NO_SEPARATOR],
        help_text="MSH-3",
    )
    sending_facility = models.CharField(
        _("sending facility"), max_length=180, blank=True, validators=[_NO_SEPARATOR], help_text="MSH-4"
    )
    receiving_application = models.CharField(
        _("receiving application"), max_length=180, blank=True, validators=[_NO_SEPARATOR], help_text="MSH-5"
    )
    receiving_facility = models.CharField(
        _("receiving facility"), max_length=180, blank=True, validators=[_NO_SEPARATOR], help_text="MSH-6"
    )
    processing = models.CharField(
        _("meant for"), max_length=1, choices=Processing.choices, default=Processing.PRODUCTION, help_text="MSH-11"
    )
    character_set = models.CharField(
        _("character set"), max_length=20, choices=CharacterSet.choices, default=CharacterSet.UTF8
    )
    site = models.ForeignKey(
        Site,
        models.PROTECT,
        related_name="+",
        verbose_name=_("site"),
        help_text=_("Whose patient numbers it knows: it is told of no other patients."),
    )
    departments = models.ManyToManyField(
        Department,
        verbose_name=_("departments"),
        related_name="+",
        help_text=_("It is told of their exams alone. What is specially protected is told to nobody."),
    )
    tells_reports = models.BooleanField(_("is told of reports"), default=True, help_text="ORU^R01")
    tells_preliminary = models.BooleanField(_("of preliminary ones too"), default=False)
    report_form = models.CharField(_("reports as"), max_length=4, choices=ReportForm.choices, default=ReportForm.BOTH)
    tells_requests = models.BooleanField(_("is told where requests stand"), default=False, help_text="ORM^O01")
    new_order = models.CharField(
        _("a request that was written here"), max_length=2, choices=NewOrder.choices, default=NewOrder.NUMBER
    )
    tells_studies = models.BooleanField(_("is told that images are there"), default=False, help_text="ORU^R01")
    is_active = models.BooleanField(_("active"), default=True)
    last_taken_at = models.DateTimeField(_("last taken"), null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True, editable=False)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True, editable=False)
    problem = models.CharField(_("problem"), max_length=40, blank=True, editable=False)
    #: People were told of the failures that go on now.
    told_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        """By name."""

        verbose_name = _("HL7 receiver")
        verbose_name_plural = _("HL7 receivers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what would leave the hospital in the clear."""
        if not self.uses_tls and not self.networks:
            raise ValidationError({"networks": _("Without TLS, write the address or network of the receiver.")})
        if not self.uses_tls and (self.certificates or self.own_certificate):
            raise ValidationError({"uses_tls": _("Certificates are of use with TLS alone.")})


class Hl7Notice(models.Model):
    """One message to one receiver, as it was when it became owed; sent until an answer comes, and never twice by us after it.

    ``subject`` and ``mark`` make it once: the version of a report, the step of a request, the images of a study.
    """

    class About(models.TextChoices):
        """What it tells of."""

        REPORT = "report", _("report")
        REQUEST = "request", _("exam request")
        STUDY = "study", _("images")

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", pgettext_lazy("HL7 message", "to be sent")
        TAKEN = "taken", pgettext_lazy("HL7 message", "taken")
        REFUSED = "refused", pgettext_lazy("HL7 message", "waits for a person")
        SKIPPED = "skipped", pgettext_lazy("HL7 message", "skipped")

    destination = models.ForeignKey(Hl7Destination, models.PROTECT, related_name="notices", verbose_name=_("receiver"))
    about = models.CharField(_("about"), max_length=8, choices=About.choices)
    subject_uid = models.CharField(_("subject"), max_length=64)
    mark = models.CharField(_("which"), max_length=40)
    kind = models.CharField(_("type"), max_length=40)
    control_id = models.CharField(_("control ID"), max_length=20, unique=True)
    raw = models.BinaryField(_("as sent"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    note = models.CharField(_("what happened"), max_length=400, blank=True)
    code = models.CharField(_("answer"), max_length=2, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    owed_at = models.DateTimeField(_("owed since"), auto_now_add=True)
    ended_at = models.DateTimeField(_("done at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        """Newest first; sent oldest first."""

        verbose_name = _("HL7 message to others")
        verbose_name_plural = _("HL7 messages to others")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["destination", "about", "subject_uid", "mark"], name="hl7_notice_once")
        ]
        indexes = [
            models.Index(fields=["destination", "id"], condition=Q(state="waiting"), name="hl7_notice_waiting"),
            models.Index(fields=["state"], condition=Q(state="refused"), name="hl7_notice_refused"),
            models.Index(fields=["ended_at"], name="hl7_notice_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.control_id}"
