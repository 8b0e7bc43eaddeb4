"""Rooms, when they are open, and the scheduled procedure steps booked in them."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, User
from imaging.ingest.models import ApplicationEntity
from imaging.orders.models.requests import ExamRequest


class Room(models.Model):
    """A room with its machine: where scheduled procedure steps take place, and the station that asks for them (PS3.3 C.4.10)."""

    code = models.SlugField(_("code"), max_length=16, unique=True)
    name = models.CharField(_("name"), max_length=80)
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    modalities = ArrayField(models.CharField(max_length=16), verbose_name=_("modalities"), default=list)
    station = models.ForeignKey(
        ApplicationEntity,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("station"),
        help_text=_("The machine that asks for this room's worklist."),
    )
    station_name = models.CharField(_("station name"), max_length=16, blank=True)
    slot_minutes = models.PositiveSmallIntegerField(
        _("minutes of the grid"), default=15, validators=[MinValueValidator(5), MaxValueValidator(120)]
    )
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        """By name."""

        verbose_name = _("room")
        verbose_name_plural = _("rooms")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class OpeningHours(models.Model):
    """From when to when a room is open on a day of the week, in the time of its site."""

    class Weekday(models.IntegerChoices):
        """As Python counts them."""

        MONDAY = 0, _("Monday")
        TUESDAY = 1, _("Tuesday")
        WEDNESDAY = 2, _("Wednesday")
        THURSDAY = 3, _("Thursday")
        FRIDAY = 4, _("Friday")
        SATURDAY = 5, _("Saturday")
        SUNDAY = 6, _("Sunday")

    room = models.ForeignKey(Room, models.CASCADE, related_name="opening_hours", verbose_name=_("room"))
    weekday = models.PositiveSmallIntegerField(_("day"), choices=Weekday.choices)
    opens = models.TimeField(_("opens"))
    closes = models.TimeField(_("closes"), help_text=_("Midnight is written 00:00."))

    class Meta:
        """Through the week."""

        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["weekday", "opens"]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M} to {self.closes:%H:%M}"


class Downtime(models.Model):
    """A time in which a room cannot be used: maintenance, calibration, staff."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="downtimes", verbose_name=_("room"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    reason = models.CharField(_("reason"), max_length=200)
    #: Names what it follows from, where it does ("maintenance:17").
    source = models.CharField(_("follows from"), max_length=100, blank=True, editable=False)

    class Meta:
        """In order."""

        verbose_name = _("downtime")
        verbose_name_plural = _("downtimes")
        ordering = ["starts_at"]
        constraints = [
            models.CheckConstraint(name="downtime_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at")))
        ]
        indexes = [models.Index(fields=["room", "ends_at"], name="downtime_of_room")]

    def __str__(self) -> str:
        return self.reason

    def clean(self) -> None:
        """Refuse an end before the beginning."""
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("It has to end after it starts.")})


class ScheduledStep(models.Model):
    """A scheduled procedure step (PS3.3 C.4.10): a place of a room booked for a request, one row of the modality worklist.

    A request has one that is live; those before it tell of no-shows and of changed rooms. Two live ones of one room cannot
    overlap: the database refuses the second.
    """

    class Status(models.TextChoices):
        """Scheduled Procedure Step Status (0040,0020), and what else may become of it."""

        SCHEDULED = "scheduled", _("scheduled")
        ARRIVED = "arrived", pgettext_lazy("exam request", "arrived")
        STARTED = "started", pgettext_lazy("exam request", "started")
        COMPLETED = "completed", _("completed")
        DISCONTINUED = "discontinued", _("discontinued")
        NO_SHOW = "no_show", _("did not come")
        CANCELLED = "cancelled", pgettext_lazy("exam request", "cancelled")

    #: What keeps its place in the room.
    LIVE = (Status.SCHEDULED, Status.ARRIVED, Status.STARTED)

    request = models.ForeignKey(
        ExamRequest, models.PROTECT, related_name="steps", verbose_name=pgettext_lazy("exam", "request")
    )
    step_id = models.CharField(_("scheduled procedure step ID"), max_length=16, unique=True)
    room = models.ForeignKey(Room, models.PROTECT, related_name="+", verbose_name=_("room"))
    modality = models.CharField(_("modality"), max_length=16)
    station_ae_title = models.CharField(_("station AE title"), max_length=16, blank=True)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.SCHEDULED)
    performing_physician_name = models.CharField(_("performing physician"), max_length=324, blank=True)
    note = models.CharField(_("note for the room"), max_length=200, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    booked_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("booked by")
    )
    booked_at = models.DateTimeField(_("booked at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)

    class Meta:
        """The worklist asks for a station or modality and a time."""

        verbose_name = _("scheduled procedure step")
        verbose_name_plural = _("scheduled procedure steps")
        ordering = ["starts_at", "id"]
        constraints = [
            models.CheckConstraint(name="step_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(status__in=("scheduled", "arrived", "started")),
                name="one_live_step_per_request",
            ),
            ExclusionConstraint(
                name="room_is_booked_once",
                expressions=[
                    ("room", RangeOperators.EQUAL),
                    (
                        Func(
                            "starts_at", "ends_at", Value("[)"), function="tstzrange", output_field=DateTimeRangeField()
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(status__in=("scheduled", "arrived", "started")),
            ),
        ]
        indexes = [
            models.Index(fields=["room", "starts_at"], name="step_of_room"),
            models.Index(
                fields=["station_ae_title", "starts_at", "id"],
                condition=Q(status__in=("scheduled", "arrived", "started")),
                name="worklist_of_station",
            ),
            models.Index(
                fields=["modality", "starts_at", "id"],
                condition=Q(status__in=("scheduled", "arrived", "started")),
                name="worklist_of_modality",
            ),
            models.Index(
                fields=["starts_at", "id"],
                condition=Q(status__in=("scheduled", "arrived", "started")),
                name="worklist_by_time",
            ),
        ]

    def __str__(self) -> str:
        return self.step_id
