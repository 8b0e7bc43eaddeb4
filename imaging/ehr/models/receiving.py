"""Systems that send HL7 v2, every message as it came and what became of it, and the patients whom a register told us of."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, Site
from imaging.ehr.hl7 import charsets
from imaging.studies.models import Patient


def validate_character_set(value: str) -> None:
    """A set of table 0211 that is read here."""
    if charsets.codec_of(value) is None:
        raise ValidationError(_("One of these: %(sets)s.") % {"sets": ", ".join(charsets.CODECS)})


class Hl7Peer(models.Model):
    """A system that may send messages, by the names in their header, and how what it says is understood."""

    class Inverse(models.TextChoices):
        """What to do when a merge is told the other way round than before."""

        REFUSE = "refuse", _("refuse it")
        IGNORE = "ignore", _("answer that it was taken over, and keep the first one")
        ACCEPT = "accept", _("take the first one back and follow the second")

    class Refusal(models.TextChoices):
        """The acknowledgement code for a message that is wrong."""

        ERROR = "AE", _("AE: the message is wrong")
        REJECT = "AR", _("AR: refused")

    name = models.CharField(_("name"), max_length=120, unique=True)
    sending_application = models.CharField(_("sending application"), max_length=180, help_text="MSH-3")
    sending_facility = models.CharField(_("sending facility"), max_length=180, blank=True, help_text="MSH-4")
    address = models.GenericIPAddressField(
        _("address"), null=True, blank=True, help_text=_("Connections from elsewhere are refused. Empty: any address.")
    )
    site = models.ForeignKey(
        Site,
        models.PROTECT,
        related_name="+",
        verbose_name=_("site"),
        help_text=_("Whose patients it registers: an identifier without an issuer is one of this site's."),
    )
    character_set = models.CharField(
        _("character set"),
        max_length=20,
        default="8859/1",
        validators=[validate_character_set],
        help_text=_("For messages that declare none, or a wrong one. As in MSH-18."),
    )
    may_register = models.BooleanField(
        _("may register, change and merge patients"), default=True, help_text=_("Messages of the type ADT.")
    )
    may_order = models.BooleanField(
        _("may order exams"), default=False, help_text=_("Messages of the types ORM, OMI and SIU.")
    )
    may_report = models.BooleanField(
        _("may send reports"),
        default=False,
        help_text=_("Messages of the types ORU and MDM. Reports that it keeps are not written here."),
    )
    requesting_department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requesting department"),
        help_text=_("Of orders that name none by its code (ORC-17, PV1-3)."),
    )
    performing_department = models.ForeignKey(
        Department,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("performing department"),
        help_text=_("Of its orders. Empty: as the catalogue says."),
    )
    is_test = models.BooleanField(
        _("test system"), default=False, help_text=_("Takes messages marked as test or training (MSH-11) too.")
    )
    inverse_merge = models.CharField(
        _("a merge told the other way round"), max_length=8, choices=Inverse.choices, default=Inverse.REFUSE
    )
    most_merges = models.PositiveIntegerField(
        _("merges in an hour"),
        default=100,
        help_text=_(
            "And new numbers. What comes beyond is taken over and waits for a person: a register that merges everybody"
            " has gone wrong. 0: no limit."
        ),
    )
    refusal = models.CharField(
        _("code for wrong messages"),
        max_length=2,
        choices=Refusal.choices,
        default=Refusal.ERROR,
        help_text=_("Some systems understand AR alone. What may be sent again later is always AR."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)

    class Meta:
        """By name; the header names one."""

        verbose_name = _("HL7 system")
        verbose_name_plural = _("HL7 systems")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["sending_application", "sending_facility"], name="hl7_peer_by_header")
        ]

    def __str__(self) -> str:
        return self.name


class Hl7Message(models.Model):
    """One message, kept before anything of it is read (HL-2), with the answer that was given.

    ``raw`` is what came, without its frame; ``edited`` what a person made of it. ``digest`` is the SHA-256 of ``raw``: the same
    bytes from the same system get the same answer, and no second effect.
    """

    class State(models.TextChoices):
        """What became of it."""

        RECEIVED = "received", pgettext_lazy("HL7 message", "received")
        APPLIED = "applied", pgettext_lazy("HL7 message", "taken over")
        REFUSED = "refused", pgettext_lazy("HL7 message", "refused")
        FAILED = "failed", pgettext_lazy("HL7 message", "waits for a person")
        SKIPPED = "skipped", pgettext_lazy("HL7 message", "skipped")
        AWAITING = "awaiting", pgettext_lazy("HL7 message", "waits for images")

    peer = models.ForeignKey(
        Hl7Peer, models.PROTECT, null=True, blank=True, related_name="messages", verbose_name=_("system")
    )
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"))
    control_id = models.CharField(_("control ID"), max_length=199, blank=True, help_text="MSH-10")
    kind = models.CharField(_("type"), max_length=40, blank=True)
    raw = models.BinaryField(_("as received"))
    edited = models.BinaryField(_("as edited"), null=True, blank=True)
    digest = models.BinaryField(_("SHA-256"), max_length=32)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.RECEIVED)
    code = models.CharField(_("answer"), max_length=2, blank=True)
    error_code = models.CharField(_("error"), max_length=3, blank=True)
    error_location = models.CharField(_("where"), max_length=40, blank=True)
    note = models.CharField(_("what happened"), max_length=400, blank=True)
    is_reused_id = models.BooleanField(_("control ID used before"), default=False)
    times_sent = models.PositiveIntegerField(_("times sent"), default=1)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    ended_at = models.DateTimeField(_("done at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=150, blank=True)

    class Meta:
        """Newest first; the same bytes are found by their digest."""

        verbose_name = _("HL7 message")
        verbose_name_plural = _("HL7 messages")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["peer", "digest"], name="hl7_message_once")]
        indexes = [
            models.Index(fields=["peer", "control_id"], name="hl7_message_by_id"),
            models.Index(fields=["received_at"], name="hl7_message_by_time"),
            models.Index(fields=["state"], condition=Q(state="failed"), name="hl7_message_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.control_id}"


class AwaitedReport(models.Model):
    """A report in a message whose images have not come: the numbers by which they will be known."""

    message = models.ForeignKey(Hl7Message, models.CASCADE, related_name="awaited", verbose_name=_("message"))
    study_instance_uids = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    numbers = ArrayField(models.CharField(max_length=64), verbose_name=_("accession numbers"), default=list, blank=True)
    placer_order_number = models.CharField(_("placer order number"), max_length=64, blank=True)

    class Meta:
        """Found by each of the numbers."""

        verbose_name = _("awaited report")
        verbose_name_plural = _("awaited reports")
        indexes = [
            GinIndex(fields=["study_instance_uids"], name="awaited_by_uid"),
            GinIndex(fields=["numbers"], name="awaited_by_number"),
            models.Index(
                fields=["placer_order_number"], condition=~Q(placer_order_number=""), name="awaited_by_placer"
            ),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class RegisteredPatient(models.Model):
    """A patient whom the hospital's register told us of: kept without any study, and what the register says of the identity.

    ``reliability`` are the codes of PID-32 (table 0445; in France VALI: the identity is qualified). The patient's name is the
    legal one, ``used_name`` the one in use where it differs; ``birth_place_code`` is the code of the official register of
    places (in France INSEE).
    """

    patient = models.OneToOneField(Patient, models.PROTECT, related_name="registration", verbose_name=_("patient"))
    peer = models.ForeignKey(Hl7Peer, models.PROTECT, related_name="+", verbose_name=_("system"))
    reliability = ArrayField(
        models.CharField(max_length=20), verbose_name=_("reliability of the identity"), default=list, blank=True
    )
    used_name = models.CharField(_("name in use"), max_length=64, blank=True)
    birth_place = models.CharField(_("place of birth"), max_length=100, blank=True)
    birth_place_code = models.CharField(_("code of the place of birth"), max_length=20, blank=True)
    registered_at = models.DateTimeField(_("registered at"), auto_now_add=True)
    told_at = models.DateTimeField(_("last told"))

    class Meta:
        """By the last message."""

        verbose_name = _("registered patient")
        verbose_name_plural = _("registered patients")
        ordering = ["-told_at"]

    def __str__(self) -> str:
        return str(self.patient_id)


class PatientIdentifier(models.Model):
    """A number by which others know a patient, beside the one of the row: of another hospital, or of the nation (ID-1).

    Never deleted: one that was replaced, or must not be used any more, has ``ended_at``.
    """

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="further_identifiers", verbose_name=_("patient"))
    value = models.CharField(_("number"), max_length=64)
    namespace = models.CharField(_("issuer"), max_length=64, blank=True)
    universal_id = models.CharField(_("issuer's OID"), max_length=64, blank=True)
    type_code = models.CharField(_("type"), max_length=12, blank=True)
    peer = models.ForeignKey(Hl7Peer, models.PROTECT, related_name="+", verbose_name=_("system"))
    told_at = models.DateTimeField(_("last told"))
    ended_at = models.DateTimeField(_("not in use since"), null=True, blank=True)

    class Meta:
        """Each once; found by its value."""

        verbose_name = _("further number of a patient")
        verbose_name_plural = _("further numbers of patients")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "value", "universal_id", "namespace"], name="patient_identifier_once"
            )
        ]
        indexes = [models.Index(fields=["value"], name="patient_identifier_by_value")]

    def __str__(self) -> str:
        return str(self.pk)
