"""Who may send, where studies land, and what had to be set aside."""

import uuid

from django.conf import settings
from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance, InstanceVersion

# PS3.5 section 6.2, VR AE: up to 16 characters, no backslash, no control characters.
AE_TITLE = RegexValidator(r"^[\x20-\x5b\x5d-\x7e]{1,16}$", _("1 to 16 printable characters, no backslash."))
PATTERN = RegexValidator(r"^[^\x00-\x1f]*$", _("No control characters. * stands for any text, ? for one character."))


class ApplicationEntity(models.Model):
    """A DICOM peer we know (PS3.8 calling AE title), what it may do, and which departments it acts for."""

    ae_title = models.CharField(_("AE title"), max_length=16, unique=True, validators=[AE_TITLE, MinLengthValidator(1)])
    description = models.CharField(_("description"), max_length=120, blank=True)
    address = models.GenericIPAddressField(
        _("address"), null=True, blank=True, help_text=_("Calls from elsewhere are refused. Empty: any address.")
    )
    loopback_only = models.BooleanField(_("from this machine only"), default=False)
    departments = models.ManyToManyField(
        Department,
        verbose_name=_("departments"),
        blank=True,
        related_name="+",
        help_text=_("It may add images to existing studies of these departments only."),
    )
    may_store = models.BooleanField(_("may send images"), default=True)
    is_active = models.BooleanField(_("active"), default=True)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    silence_hours = models.PositiveIntegerField(
        _("alarm after hours of silence"),
        null=True,
        blank=True,
        help_text=_("Integrators are told when it has not called for so long. Empty: no alarm."),
    )
    silent_since = models.DateTimeField(_("silent since"), null=True, blank=True, editable=False)

    class Meta:
        """Listed by title."""

        verbose_name = _("application entity")
        verbose_name_plural = _("application entities")
        ordering = ["ae_title"]

    def __str__(self) -> str:
        return self.ae_title


class RoutingRule(models.Model):
    """Where a new study lands. Rules are tried in order and the first match wins; an empty condition matches anything."""

    order = models.PositiveIntegerField(_("order"), default=100, help_text=_("Tried from the lowest number up."))
    name = models.CharField(_("name"), max_length=120, unique=True)
    door = models.CharField(_("door"), max_length=16, blank=True)
    calling_ae_title = models.CharField(_("calling AE title"), max_length=64, blank=True, validators=[PATTERN])
    station_name = models.CharField(_("station name"), max_length=64, blank=True, validators=[PATTERN])
    institutional_department_name = models.CharField(
        _("department in the header"), max_length=64, blank=True, validators=[PATTERN]
    )
    modality = models.CharField(_("modality"), max_length=64, blank=True, validators=[PATTERN])
    requesting_service = models.CharField(_("requesting department"), max_length=64, blank=True, validators=[PATTERN])
    owner = models.ForeignKey(Department, models.PROTECT, verbose_name=_("performing department"), related_name="+")
    also = models.ManyToManyField(Department, verbose_name=_("also placed in"), blank=True, related_name="+")
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        """In the order they are tried."""

        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["order", "id"]

    def __str__(self) -> str:
        return self.name


class Quota(models.Model):
    """How much one sender may hand over on one day (UTC). Whoever sends more is refused, and keeps what it has."""

    door = models.CharField(_("door"), max_length=16, blank=True)
    sender = models.CharField(
        _("sender"), max_length=64, blank=True, validators=[PATTERN], help_text=_("AE title, machine or account name.")
    )
    objects_per_day = models.PositiveIntegerField(_("objects per day"), null=True, blank=True)
    megabytes_per_day = models.PositiveIntegerField(_("megabytes per day"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        """Each sender has its own allowance; of several quotas that match, every one counts."""

        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        ordering = ["sender", "door", "id"]

    def __str__(self) -> str:
        return f"{self.sender or '*'} ({self.door or '*'})"


class Receipt(models.Model):
    """What one sender handed over at one door within one hour, and what became of it. No patient data."""

    hour = models.DateTimeField(_("hour"))
    door = models.CharField(_("door"), max_length=16)
    sender = models.CharField(_("sender"), max_length=64, blank=True)
    new = models.PositiveIntegerField(_("new"), default=0)
    duplicate = models.PositiveIntegerField(_("known already"), default=0)
    conflict = models.PositiveIntegerField(_("second versions"), default=0)
    quarantined = models.PositiveIntegerField(_("set aside"), default=0)
    refused = models.PositiveIntegerField(_("refused"), default=0)
    octets = models.BigIntegerField(_("bytes"), default=0)
    longest_wait = models.FloatField(_("longest wait for registration, in seconds"), default=0)
    last_at = models.DateTimeField(_("last at"))
    last_address = models.CharField(_("last address"), max_length=64, blank=True)
    last_refusal = models.CharField(_("last refusal"), max_length=200, blank=True)

    class Meta:
        """One row per hour, door and sender."""

        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ["-hour", "sender"]
        constraints = [models.UniqueConstraint(fields=["hour", "door", "sender"], name="receipt_per_hour_and_sender")]
        indexes = [models.Index(fields=["sender", "-hour"], name="receipt_of_sender")]

    def __str__(self) -> str:
        return f"{self.sender} {self.hour:%Y-%m-%d %H:%M}"


class QuarantinedObject(models.Model):
    """Received bytes that could not join the archive: kept, with the reason, until a person decides."""

    class Reason(models.TextChoices):
        """Why it waits."""

        UNREADABLE = "unreadable", _("cannot be read")
        IDENTITY_CONFLICT = "identity_conflict", _("the patient does not agree with what is known")
        JOINS_ANOTHER_STUDY = "joins_another_study", _("joins another study")
        HIERARCHY_CONFLICT = "hierarchy_conflict", _("its series or instance belongs to another study")
        CANNOT_REGISTER = "cannot_register", _("could not be registered")

    class State(models.TextChoices):
        """Open until a person decides."""

        OPEN = "open", _("waiting for a decision")
        RELEASING = "releasing", _("being released")
        RELEASED = "released", _("released")
        REJECTED = "rejected", _("rejected")

    stored_object = models.ForeignKey(StoredObject, models.PROTECT, related_name="+", verbose_name=_("stored object"))
    reason = models.CharField(_("reason"), max_length=24, choices=Reason.choices)
    detail = models.TextField(_("detail"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    header = models.JSONField(_("header as received"), default=dict, blank=True)
    corrections = models.JSONField(_("attributes that its sender corrected"), default=dict, blank=True)
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, blank=True)
    sop_instance_uid = models.CharField("SOP Instance UID", max_length=64, blank=True)
    door = models.CharField(_("door"), max_length=16)
    sender = models.CharField(_("sender"), max_length=64, blank=True)
    address = models.CharField(_("address"), max_length=64, blank=True)
    departments = models.ManyToManyField(
        Department, verbose_name=_("departments of the sender"), blank=True, related_name="+"
    )
    received_at = models.DateTimeField(_("received at"))
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision = models.ForeignKey(
        "QuarantineDecision",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="in_force",
        verbose_name=_("decision in force"),
    )
    outcome = models.CharField(_("what became of it"), max_length=12, blank=True)
    version = models.ForeignKey(
        InstanceVersion, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("version")
    )

    class Meta:
        """Oldest first: nothing waits unnoticed."""

        verbose_name = _("quarantined object")
        verbose_name_plural = _("quarantine")
        ordering = ["received_at", "id"]
        indexes = [
            models.Index(fields=["state", "received_at"], name="quarantine_by_age"),
            models.Index(fields=["study_instance_uid", "sender"], name="quarantine_by_study"),
        ]

    def __str__(self) -> str:
        return f"{self.reason} {self.sop_instance_uid}"


class QuarantineDecision(models.Model):
    """What a person decided about quarantined objects, one or many. It stays when a later decision takes it back."""

    class Kind(models.TextChoices):
        """What is to happen."""

        RELEASE = "release", _("released as it is")
        CORRECT = "correct", _("corrected and released")
        REJECT = "reject", _("rejected")
        REOPEN = "reopen", _("taken back: waits again")
        WITHDRAW = "withdraw", _("release undone: waits again")

    class RejectReason(models.TextChoices):
        """Why an object does not belong into the archive."""

        WRONG_PATIENT = "wrong_patient", _("wrong patient, cannot be put right")
        TEST = "test", _("test or phantom image")
        NOT_OURS = "not_ours", _("not meant for this hospital")
        SENT_AGAIN = "sent_again", _("was sent again correctly")
        DAMAGED = "damaged", _("damaged or incomplete")
        OTHER = "other", _("another reason")

    kind = models.CharField(_("decision"), max_length=10, choices=Kind.choices)
    reason_code = models.CharField(_("reason"), max_length=16, choices=RejectReason.choices, blank=True)
    note = models.CharField(_("note"), max_length=500, blank=True)
    place_in = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("placed in")
    )
    attributes = models.JSONField(_("corrected attributes"), default=dict, blank=True)
    renewed = models.CharField(_("new identifiers from"), max_length=10, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"))
    objects_decided = models.ManyToManyField(
        QuarantinedObject, verbose_name=_("objects"), related_name="decisions", blank=True
    )

    class Meta:
        """Latest first."""

        verbose_name = _("decision about quarantine")
        verbose_name_plural = _("decisions about quarantine")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} ({self.pk})"


class ConflictDecision(models.Model):
    """What a person decided about an image of which there are two versions. Both stay."""

    class Kind(models.TextChoices):
        """What is shown from then on."""

        CHOOSE = "choose", _("another version is shown")
        KEEP = "keep", _("left as it is")
        REVERT = "revert", _("taken back")

    instance = models.ForeignKey(Instance, models.PROTECT, related_name="+", verbose_name=_("instance"))
    kind = models.CharField(_("decision"), max_length=10, choices=Kind.choices)
    chosen = models.ForeignKey(InstanceVersion, models.PROTECT, related_name="+", verbose_name=_("version shown"))
    before = models.ForeignKey(
        InstanceVersion, models.PROTECT, related_name="+", verbose_name=_("version shown before")
    )
    #: Versions up to this one were before the person's eyes: one that comes later is a new conflict.
    latest_seen = models.BigIntegerField(_("latest version seen"))
    note = models.CharField(_("note"), max_length=500, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"))

    class Meta:
        """Latest first."""

        verbose_name = _("decision about versions")
        verbose_name_plural = _("decisions about versions")
        ordering = ["-id"]
        indexes = [models.Index(fields=["instance", "latest_seen"], name="conflict_decision_of")]

    def __str__(self) -> str:
        return f"{self.kind} for instance {self.instance_id}"


class Import(models.Model):
    """One delivery by a person: files that wait beside the archive until the person has said what they are."""

    class State(models.TextChoices):
        """From the first byte to the last result."""

        RECEIVING = "receiving", _("files are arriving")
        EXAMINING = "examining", _("files are being read")
        WAITING = "waiting", _("waiting for your decision")
        REGISTERING = "registering", _("being imported")
        DONE = "done", _("imported")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("expired")
        FAILED = "failed", _("stopped by a fault")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("brought by"))
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    title = models.CharField(_("title"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.RECEIVING)
    decisions = models.JSONField(_("decisions"), default=dict, blank=True)
    problem = models.CharField(_("problem"), max_length=200, blank=True)
    file_count = models.PositiveIntegerField(_("files"), default=0)
    done_count = models.PositiveIntegerField(_("files done"), default=0)
    stop_asked = models.BooleanField(_("stop was asked for"), default=False)
    created_at = models.DateTimeField(_("begun at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    confirmed_at = models.DateTimeField(_("confirmed at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        """Latest first."""

        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="import_of_person"),
            models.Index(
                fields=["state", "created_at"],
                condition=Q(state__in=["receiving", "examining", "waiting", "registering"]),
                name="import_unfinished",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"


class ImportedFile(models.Model):
    """One file of an import: uploaded, or found in an uploaded archive. `path` is shown and never opened."""

    class Kind(models.TextChoices):
        """What it proved to be."""

        UNKNOWN = "unknown", _("not read yet")
        DICOM = "dicom", _("DICOM object")
        DICOMDIR = "dicomdir", _("index of a disc")
        ARCHIVE = "archive", _("archive")
        DOCUMENT = "document", _("picture or document")
        JUNK = "junk", _("not an image")

    class State(models.TextChoices):
        """How far it has come."""

        RECEIVING = "receiving", _("arriving")
        RECEIVED = "received", _("arrived")
        EXAMINED = "examined", _("read")
        REGISTERED = "registered", _("in the archive")
        SET_ASIDE = "set_aside", _("kept, set aside for a check")
        REFUSED = "refused", _("refused")
        SKIPPED = "skipped", _("left out")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    delivery = models.ForeignKey(Import, models.CASCADE, related_name="files", verbose_name=_("import"))
    archive = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="contents", verbose_name=_("in the archive")
    )
    path = models.CharField(_("name"), max_length=500)
    length = models.BigIntegerField(_("length in bytes"))
    fingerprint = models.CharField(_("fingerprint of the client"), max_length=128, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.UNKNOWN)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RECEIVING)
    sop_class_uid = models.CharField("SOP Class UID", max_length=64, blank=True)
    sop_instance_uid = models.CharField("SOP Instance UID", max_length=64, blank=True)
    series_instance_uid = models.CharField("Series Instance UID", max_length=64, blank=True)
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, blank=True)
    header = models.JSONField(_("header as received"), default=dict, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, blank=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("begun at"), auto_now_add=True)

    class Meta:
        """In the order in which they came."""

        verbose_name = _("file of an import")
        verbose_name_plural = _("files of an import")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["delivery", "state"], name="imported_file_by_state")]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"
