"""What is to be read: one row per study, with the columns of the reading list, so that it is an index scan."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department, User
from imaging.reports import querysets
from imaging.studies.models import Study


class ReadingItem(models.Model):
    """A study that waits for a report, or has got one. What it was asked for is told by orders and copied here.

    ``priority`` is 0 STAT, 1 urgent, 2 routine. The turn-around clock runs from ``ready_at``, when its images were complete,
    to ``due_at``, which the target of its priority and modality sets.
    """

    class State(models.TextChoices):
        """How far the reading is."""

        UNREAD = "unread", _("unread")
        DRAFT = "draft", _("draft")
        PRELIMINARY = "preliminary", _("preliminary")
        FINAL = "final", _("final")
        NOT_READ = "not_read", _("is not read")

    class Laterality(models.TextChoices):
        """The side that was asked for (0020,0060)."""

        LEFT = "L", _("left")
        RIGHT = "R", _("right")
        BOTH = "B", _("both sides")

    study = models.OneToOneField(Study, models.CASCADE, related_name="reading", verbose_name=_("study"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.UNREAD)
    priority = models.PositiveSmallIntegerField(_("priority"), default=2)
    #: A reader has said how soon: what is asked later does not change it.
    is_prioritised = models.BooleanField(_("priority set by a reader"), default=False, editable=False)
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("reading department"))
    subspecialty = models.CharField(_("subspecialty"), max_length=32, blank=True)
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    assigned_to = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    locked_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("read by")
    )
    locked_at = models.DateTimeField(_("read since"), null=True, blank=True)
    # What orders know of it, told when the study was matched: this package knows no order.
    asked_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("requester")
    )
    asked_by_name = models.CharField(_("requester's name"), max_length=324, blank=True)
    asking_department = models.ForeignKey(
        Department, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("requesting department")
    )
    asked_at = models.DateTimeField(_("asked at"), null=True, blank=True)
    accession_number = models.CharField(_("accession number"), max_length=16, blank=True)
    procedure_code = models.CharField(_("procedure"), max_length=16, blank=True)
    procedure_name = models.CharField(_("name of the procedure"), max_length=64, blank=True)
    laterality = models.CharField(_("side"), max_length=1, choices=Laterality.choices, blank=True)
    clinical_question = models.TextField(_("clinical question"), blank=True)
    ready_at = models.DateTimeField(_("images complete"))
    due_at = models.DateTimeField(_("due"))
    reported_at = models.DateTimeField(_("reported at"), null=True, blank=True)
    not_read_reason = models.CharField(_("why it is not read"), max_length=200, blank=True)

    objects = querysets.OfStudyQuerySet.as_manager()

    class Meta:
        """Unread first by priority and deadline, within a department."""

        verbose_name = _("study to be read")
        verbose_name_plural = _("studies to be read")
        indexes = [
            models.Index(
                fields=["department", "priority", "due_at", "id"],
                condition=Q(state__in=("unread", "draft", "preliminary")),
                name="reading_open",
            ),
            models.Index(
                fields=["department", "priority", "due_at", "id"],
                condition=Q(state="not_read"),
                name="reading_not_read",
            ),
            models.Index(fields=["department", "-reported_at"], condition=Q(state="final"), name="reading_done"),
            models.Index(fields=["locked_by"], condition=Q(locked_by__isnull=False), name="reading_locked"),
        ]

    def __str__(self) -> str:
        return f"{self.study_id}: {self.state}"

    @property
    def exam(self) -> str:
        """What was asked for, with its side; empty where nothing was."""
        side = self.get_laterality_display() if self.laterality and self.procedure_name else ""
        return f"{self.procedure_name}, {side}" if side else self.procedure_name


class TurnaroundTarget(models.Model):
    """Within which time a study is to be read; the narrowest that fits holds."""

    priority = models.PositiveSmallIntegerField(_("priority"), default=2)
    modality = models.CharField(_("modality"), max_length=16, blank=True, help_text=_("Empty: all."))
    department = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("reading department"),
        help_text=_("Empty: all."),
    )  # fmt: skip
    minutes = models.PositiveIntegerField(_("minutes"))

    class Meta:
        """One per case."""

        verbose_name = _("turn-around target")
        verbose_name_plural = _("turn-around targets")
        ordering = ["priority", "modality"]
        constraints = [
            models.UniqueConstraint(
                fields=["priority", "modality", "department"], nulls_distinct=False, name="turnaround_target_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.priority} {self.modality}: {self.minutes}"


class ReadingRoute(models.Model):
    """Who reads what: the first route that fits, by position. Without one, the performing department reads its own studies."""

    name = models.CharField(_("name"), max_length=80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    body_part_examined = models.CharField(_("body part"), max_length=16, blank=True)
    procedure_code = models.CharField(_("procedure"), max_length=16, blank=True)
    performed_by = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("performing department")
    )
    read_by = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("reading department"),
        help_text=_("Empty: the performing department."),
    )  # fmt: skip
    subspecialty = models.CharField(_("subspecialty"), max_length=32, blank=True)
    is_read = models.BooleanField(_("is read"), default=True, help_text=_("Without, such studies need no report."))
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        """Asked in order."""

        verbose_name = _("reading route")
        verbose_name_plural = _("reading routes")
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name
