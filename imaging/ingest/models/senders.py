"""Who may send, how much, where it lands, and what came of it."""

from django.core.validators import MaxValueValidator, MinLengthValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department

# PS3.5 section 6.2, VR AE: up to 16 characters, no backslash, no control characters.
AE_TITLE = RegexValidator(r"^[\x20-\x5b\x5d-\x7e]{1,16}$", _("1 to 16 printable characters, no backslash."))
# A name of the network or an address: what may stand before a port, and nothing else.
HOST = RegexValidator(r"^[A-Za-z0-9]([A-Za-z0-9.:_-]{0,252}[A-Za-z0-9])?$", _("A name of the network or an address."))
PATTERN = RegexValidator(r"^[^\x00-\x1f]*$", _("No control characters. * stands for any text, ? for one character."))


class ApplicationEntity(models.Model):
    """A DICOM peer we know (PS3.8 calling AE title), what it may do, and which departments it acts for."""

    ae_title = models.CharField(_("AE title"), max_length=16, unique=True, validators=[AE_TITLE, MinLengthValidator(1)])
    description = models.CharField(_("description"), max_length=120, blank=True)
    address = models.GenericIPAddressField(
        _("address"), null=True, blank=True, help_text=_("Calls from elsewhere are refused. Empty: any address.")
    )
    host = models.CharField(
        _("called at"),
        max_length=254,
        blank=True,
        validators=[HOST],
        help_text=_("Name or address at which the portal calls it. Empty: the address above."),
    )
    port = models.PositiveIntegerField(
        _("port"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65535)],
        help_text=_("Its DICOM port, often 104 or 11112. Without one, the portal never calls it."),
    )
    loopback_only = models.BooleanField(_("from this machine only"), default=False)
    departments = models.ManyToManyField(
        Department,
        verbose_name=_("departments"),
        blank=True,
        related_name="+",
        help_text=_("It adds images to existing studies of these departments only, and finds no others."),
    )
    may_store = models.BooleanField(_("may send images"), default=True)
    may_query = models.BooleanField(
        _("may search for studies"),
        default=False,
        help_text=_("It learns names and dates of all patients of its departments (C-FIND)."),
    )
    may_ask_worklist = models.BooleanField(
        _("may ask for the worklist"),
        default=False,
        help_text=_(
            "It learns who comes for which exam in the rooms of its departments (C-FIND MWL), and reports its exams (MPPS)."
        ),
    )
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
    objects_per_day = models.PositiveIntegerField(
        _("objects per day"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    megabytes_per_day = models.PositiveIntegerField(
        _("megabytes per day"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
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
    refused = models.PositiveIntegerField(pgettext_lazy("objects", "refused"), default=0)
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
