"""Deliveries by people, and their files."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Department


class Import(models.Model):
    """One delivery: files that wait beside the archive until a person has said what they are.

    A person of the house owns what they bring. What somebody outside sends by a link has no owner: it waits in the inbox of
    the department until one of its people takes it, and is theirs from then on.
    """

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
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("brought by"),
    )
    #: By what somebody outside sends it, and which visit that was; empty for people of the house.
    channel = models.CharField(max_length=32, blank=True, editable=False)
    visitor = models.CharField(max_length=32, blank=True, editable=False)
    sender_name = models.CharField(_("sent by"), max_length=200, blank=True)
    taken_at = models.DateTimeField(_("taken from the inbox at"), null=True, blank=True)
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    title = models.CharField(_("title"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.RECEIVING)
    summary = models.JSONField(_("what it holds"), default=dict, blank=True)
    decisions = models.JSONField(_("decisions"), default=dict, blank=True)
    problem = models.CharField(_("problem"), max_length=200, blank=True)
    file_count = models.PositiveIntegerField(_("files"), default=0)
    byte_count = models.BigIntegerField(_("bytes"), default=0)
    total_count = models.PositiveIntegerField(_("files of this step"), default=0)
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
            models.Index(fields=["channel", "visitor"], condition=~Q(channel=""), name="import_of_visitor"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | ~Q(channel=""), name="import_has_owner_or_channel"
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
    position = models.PositiveIntegerField(_("position in the archive"), default=0)
    path = models.CharField(_("name"), max_length=500)
    length = models.BigIntegerField(_("length in bytes"))
    fingerprint = models.CharField(_("fingerprint of the client"), max_length=128, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices, default=Kind.UNKNOWN)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RECEIVING)
    sop_class_uid = models.CharField("SOP Class UID", max_length=64, blank=True)
    sop_instance_uid = models.CharField("SOP Instance UID", max_length=64, blank=True)
    series_instance_uid = models.CharField("Series Instance UID", max_length=64, blank=True)
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, blank=True)
    patient_key = models.CharField(_("patient of the delivery"), max_length=8, blank=True)
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
        constraints = [
            # The same file, sent by two windows or once more after a lost answer, is one file.
            models.UniqueConstraint(
                fields=["delivery", "fingerprint"], condition=~Q(fingerprint=""), name="imported_file_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pk} ({self.state})"
