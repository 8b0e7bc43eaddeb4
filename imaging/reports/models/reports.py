"""The report of a study: what is being written, and its versions, which are never changed."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, User
from imaging.reports import querysets
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance, Study


class ReportTemplate(models.Model):
    """The beginning of a report: its sections with text, fields and macros (as RSNA's report templates have them)."""

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120)
    language = models.CharField(_("language"), max_length=8, default="en")
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    body_part_examined = models.CharField(_("body part"), max_length=16, blank=True)
    procedure_code = models.CharField(_("procedure"), max_length=16, blank=True)
    #: ``[{"code": "findings", "text": "…"}]`` in order; ``reports.templates`` says what a text may hold.
    sections = models.JSONField(_("sections"), default=list)
    department = models.ForeignKey(
        Department, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("department")
    )
    owner = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("kept by"),
        help_text=_("Empty: for everybody."),
    )  # fmt: skip
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True)

    class Meta:
        """By position, then by name."""

        verbose_name = _("report template")
        verbose_name_plural = _("report templates")
        ordering = ["position", "name", "id"]

    def __str__(self) -> str:
        return self.name


class ReportMacro(models.Model):
    """A short word that becomes a text while a report is written."""

    word = models.SlugField(_("word"), max_length=32)
    text = models.TextField(_("text"), max_length=4000)
    language = models.CharField(_("language"), max_length=8, default="en")
    owner = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("kept by"),
        help_text=_("Empty: for everybody."),
    )  # fmt: skip

    class Meta:
        """Each word once per language and person."""

        verbose_name = _("macro")
        verbose_name_plural = _("macros")
        ordering = ["word"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "language", "word"], nulls_distinct=False, name="report_macro_once"
            )
        ]

    def __str__(self) -> str:
        return self.word


class Report(models.Model):
    """A study's report: where it stands and whose it is. What it says stands in its versions, and in the draft beside them."""

    class State(models.TextChoices):
        """As DiagnosticReport.status and the SR's completion and verification flags have it."""

        DRAFT = "draft", _("draft")
        PRELIMINARY = "preliminary", _("preliminary")
        FINAL = "final", _("final")
        AMENDED = "amended", pgettext_lazy("report", "corrected")
        APPENDED = "appended", _("with addendum")
        WITHDRAWN = "withdrawn", pgettext_lazy("report", "withdrawn")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    study = models.OneToOneField(Study, models.PROTECT, related_name="report", verbose_name=_("study"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.DRAFT)
    language = models.CharField(_("language"), max_length=8, default="en")
    template = models.ForeignKey(
        ReportTemplate, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("template")
    )
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author"))
    #: The system that keeps it, as ``hl7:7``; then it is written there, and not here.
    source = models.CharField(_("kept by another system"), max_length=40, blank=True)
    #: The number of the last message about it: what was said before and comes later changes nothing.
    told_through = models.BigIntegerField(default=0, editable=False)
    #: As the system says that keeps it.
    is_hidden_from_professionals = models.BooleanField(_("hidden from professionals"), default=False)
    is_hidden_from_patient = models.BooleanField(_("hidden from the patient"), default=False)
    is_hidden_from_proxies = models.BooleanField(_("hidden from the patient's representatives"), default=False)
    supervisor = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("supervisor")
    )
    created_at = models.DateTimeField(_("begun at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)
    final_at = models.DateTimeField(_("final since"), null=True, blank=True)

    objects = querysets.OfStudyQuerySet.as_manager()

    class Meta:
        """One per study."""

        verbose_name = _("report")
        verbose_name_plural = _("reports")
        indexes = [models.Index(fields=["supervisor", "state"], name="report_to_cosign")]

    def __str__(self) -> str:
        return str(self.key)


class ReportDraft(models.Model):
    """What is being written now, saved as it is typed. ``revision`` counts the saves: who saves over another's is told."""

    class Kind(models.TextChoices):
        """What it is to become."""

        REPORT = "report", _("report")
        ADDENDUM = "addendum", _("addendum")
        CORRECTION = "correction", _("correction")

    report = models.OneToOneField(Report, models.CASCADE, related_name="draft", verbose_name=_("report"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.REPORT)
    sections = models.JSONField(_("sections"), default=list)
    #: Measurements and key images that were pulled in, as ``reports.writing`` writes them.
    pulled = models.JSONField(_("from the images"), default=list)
    revision = models.PositiveIntegerField(_("revision"), default=1)
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("saved by"))
    saved_at = models.DateTimeField(_("saved at"))

    class Meta:
        """One per report."""

        verbose_name = _("draft of a report")
        verbose_name_plural = _("drafts of reports")

    def __str__(self) -> str:
        return f"draft of {self.report_id}"


class ReportVersion(models.Model):
    """One signed state of a report. Never changed: the database refuses it (migration 0009). ``digest`` is that of ``content``."""

    class Kind(models.TextChoices):
        """What was signed."""

        PRELIMINARY = "preliminary", _("preliminary report")
        FINAL = "final", _("final report")
        ADDENDUM = "addendum", _("addendum")
        CORRECTION = "correction", _("corrected report")
        WITHDRAWAL = "withdrawal", _("withdrawal")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    report = models.ForeignKey(Report, models.PROTECT, related_name="versions", verbose_name=_("report"))
    number = models.PositiveIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    #: All that was signed, as ``reports.documents`` reads it.
    content = models.JSONField(_("content"))
    digest = models.CharField(_("SHA-256"), max_length=64)
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author"))
    signed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("signed by")
    )
    #: Of a report that another system keeps: who signed it there.
    signer_name = models.CharField(_("signed elsewhere by"), max_length=200, blank=True)
    signed_at = models.DateTimeField(_("signed at"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)

    class Meta:
        """Numbered from 1."""

        verbose_name = _("version of a report")
        verbose_name_plural = _("versions of reports")
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["report", "number"], name="report_version_number")]

    def __str__(self) -> str:
        return f"{self.report_id}/{self.number}"

    @property
    def signer(self) -> str:
        """Who signed, as readers are told."""
        return self.signed_by.label if self.signed_by else self.signer_name


class ReportDocument(models.Model):
    """A document made of a version: the PDF as readers get it, and the DICOM instances beside the images."""

    class Kind(models.TextChoices):
        """What it is."""

        PDF = "pdf", "PDF"
        ENCAPSULATED = "encapsulated", _("PDF as a DICOM object")
        STRUCTURED = "structured", _("structured report")
        CLINICAL = "clinical", _("clinical document (CDA), as received")

    version = models.ForeignKey(ReportVersion, models.PROTECT, related_name="documents", verbose_name=_("version"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    stored_object = models.ForeignKey(
        StoredObject, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("content")
    )
    instance = models.ForeignKey(
        Instance, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("instance")
    )
    made_at = models.DateTimeField(_("made at"), auto_now_add=True)
    is_received = models.BooleanField(_("as another system sent it"), default=False)

    class Meta:
        """Each kind once."""

        verbose_name = _("document of a report")
        verbose_name_plural = _("documents of reports")
        constraints = [models.UniqueConstraint(fields=["version", "kind"], name="report_document_once")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.kind}"


class CriticalFinding(models.Model):
    """A finding that somebody has to be told of now, and whether they said that they know. Nothing of it is ever changed silently."""

    class Level(models.TextChoices):
        """How soon it has to be known."""

        RED = "red", _("red: within minutes")
        ORANGE = "orange", _("orange: within hours")
        YELLOW = "yellow", _("yellow: within days")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, models.PROTECT, related_name="critical_findings", verbose_name=_("study"))
    level = models.CharField(_("level"), max_length=8, choices=Level.choices)
    text = models.CharField(_("finding"), max_length=500)
    raised_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("raised by"))
    raised_at = models.DateTimeField(_("raised at"), auto_now_add=True)
    recipient = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("recipient")
    )
    recipient_name = models.CharField(_("recipient's name"), max_length=200, blank=True)
    due_at = models.DateTimeField(_("to be acknowledged by"))
    reminded_at = models.DateTimeField(_("reminded at"), null=True, blank=True)
    reminders = models.PositiveSmallIntegerField(_("reminders"), default=0)
    escalated_at = models.DateTimeField(_("escalated at"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged at"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("acknowledged by")
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    objects = querysets.OfStudyQuerySet.as_manager()

    class Meta:
        """The open ones by their time."""

        verbose_name = _("critical finding")
        verbose_name_plural = _("critical findings")
        ordering = ["-raised_at"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(acknowledged_at=None, withdrawn_at=None), name="critical_open")
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.key}"


class CriticalStep(models.Model):
    """One line of the log of a critical finding: told, reminded, escalated, read, acknowledged, by telephone or here."""

    finding = models.ForeignKey(CriticalFinding, models.CASCADE, related_name="log", verbose_name=_("finding"))
    at = models.DateTimeField(_("at"), auto_now_add=True)
    name = models.CharField(_("what"), max_length=20)
    by = models.CharField(_("by"), max_length=150)
    to = models.CharField(_("to"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=400, blank=True)

    class Meta:
        """In order."""

        verbose_name = _("line of a critical finding's log")
        verbose_name_plural = _("log of critical findings")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.finding_id}: {self.name}"
