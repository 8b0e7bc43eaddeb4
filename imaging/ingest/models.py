"""Who may send, where studies land, and what had to be set aside."""

from django.core.validators import MinLengthValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from imaging.storage.models import StoredObject

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
        RELEASED = "released", _("released")
        REJECTED = "rejected", _("rejected")

    stored_object = models.ForeignKey(StoredObject, models.PROTECT, related_name="+", verbose_name=_("stored object"))
    reason = models.CharField(_("reason"), max_length=24, choices=Reason.choices)
    detail = models.TextField(_("detail"), blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    header = models.JSONField(_("header as received"), default=dict, blank=True)
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

    class Meta:
        """Oldest first: nothing waits unnoticed."""

        verbose_name = _("quarantined object")
        verbose_name_plural = _("quarantine")
        ordering = ["received_at", "id"]
        indexes = [models.Index(fields=["state", "received_at"], name="quarantine_by_age")]

    def __str__(self) -> str:
        return f"{self.reason} {self.sop_instance_uid}"
