"""What the desk hands out: letters about who looked, packages of a patient's data; and what stands at their head."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Language, Site
from imaging.privacy.models.requests import DataSubjectRequest
from imaging.studies.models import Patient


class Letterhead(models.Model):
    """How a hospital signs its letters to patients, and whether they name the staff. One row per site."""

    site = models.OneToOneField(Site, models.CASCADE, related_name="letterhead", verbose_name=_("site"))
    address = models.TextField(_("address"), max_length=500, blank=True)
    officer = models.CharField(_("privacy officer"), max_length=150, blank=True)
    contact = models.CharField(
        _("contact"), max_length=300, blank=True, help_text=_("Telephone and e-mail of the privacy officer.")
    )
    authority = models.CharField(
        _("supervisory authority"),
        max_length=300,
        blank=True,
        help_text=_("With whom a patient may lodge a complaint, with its address. France: CNIL, www.cnil.fr."),
    )
    names_staff = models.BooleanField(
        _("letters name the staff"),
        default=False,
        help_text=_(
            "Otherwise they give function and department only. The officer can decide otherwise for one letter."
        ),
    )
    package_days = models.PositiveSmallIntegerField(
        _("days for which a prepared package is kept"), default=7, validators=[MinValueValidator(1)]
    )

    class Meta:
        """By site."""

        verbose_name = _("letterhead of the privacy desk")
        verbose_name_plural = _("letterheads of the privacy desk")
        ordering = ["site"]

    def __str__(self) -> str:
        return str(self.site)


class AccessLetter(models.Model):
    """A letter that tells a patient who looked, exactly as it was made: ``content`` is all that the page prints."""

    request = models.ForeignKey(
        DataSubjectRequest, models.PROTECT, null=True, blank=True, related_name="letters", verbose_name=_("request")
    )
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="access_letters", verbose_name=_("patient"))
    language = models.CharField(_("language"), max_length=8, choices=Language.choices)
    since = models.DateField(_("from"))
    until = models.DateField(_("until, inclusive"))
    names_staff = models.BooleanField(_("names the staff"))
    content = models.JSONField(_("content"))
    digest = models.CharField(_("digest"), max_length=64)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.CharField(_("made by"), max_length=150)

    class Meta:
        """Latest first."""

        verbose_name = _("letter about who looked")
        verbose_name_plural = _("letters about who looked")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """The number that stands on it."""
        return f"AL-{self.made_at:%Y}-{self.pk:05d}"


class DataPackage(models.Model):
    """A copy of what the portal holds of a patient, made in the background and kept for some days to be handed over."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("being made")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")
        EXPIRED = "expired", _("no longer kept")

    request = models.ForeignKey(DataSubjectRequest, models.PROTECT, related_name="packages", verbose_name=_("request"))
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="packages", verbose_name=_("patient"))
    key = models.UUIDField(_("key"), unique=True, editable=False)
    language = models.CharField(_("language"), max_length=8, choices=Language.choices)
    has_images = models.BooleanField(_("with the images"), default=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveIntegerField(_("objects written"), default=0)
    total = models.PositiveIntegerField(_("objects"), default=0)
    length = models.PositiveBigIntegerField(_("length in bytes"), default=0)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    asked_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    asked_by = models.CharField(_("asked by"), max_length=150)
    #: The account of who asked, as the audit names it: the export is on record as this person's.
    asked_by_id = models.CharField(max_length=32, editable=False)
    ready_at = models.DateTimeField(_("ready at"), null=True, blank=True)
    until = models.DateTimeField(_("kept until"), null=True, blank=True)

    class Meta:
        """Latest first."""

        verbose_name = _("copy of a patient's data")
        verbose_name_plural = _("copies of patients' data")
        ordering = ["-id"]
        indexes = [models.Index(fields=["until"], condition=Q(state="ready"), name="package_ends")]

    def __str__(self) -> str:
        return str(self.key)

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to come."""
        return self.state in {self.State.WAITING, self.State.RUNNING}
