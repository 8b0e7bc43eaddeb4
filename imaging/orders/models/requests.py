"""The exam request: the question, who asked, where it stands, and everything that happened to it."""

import uuid

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department, User
from imaging.orders import querysets
from imaging.orders.models.catalogue import Procedure
from imaging.storage.models import StoredObject
from imaging.studies.models import Patient


class Priority(models.IntegerChoices):
    """How soon (0040,1003); the lower, the sooner."""

    STAT = 0, _("STAT")
    URGENT = 1, _("urgent")
    ROUTINE = 2, _("routine")


class ExamRequest(models.Model):
    """One requested procedure of one imaging service request (PS3.3 C.4.11, C.4.12), from draft to acknowledged report.

    ``version`` counts every change, so that of two people who change it at once the second is told. Each state has the time
    at which it was last reached: the dashboards' turn-around and the reader's clock are differences of these columns.
    """

    class State(models.TextChoices):
        """Where it stands; ``orders.workflow`` says what may follow what."""

        DRAFT = "draft", _("draft")
        REQUESTED = "requested", _("requested")
        RETURNED = "returned", _("returned with a question")
        REFUSED = "refused", pgettext_lazy("exam request", "refused")
        VETTED = "vetted", _("vetted")
        SCHEDULED = "scheduled", _("scheduled")
        ARRIVED = "arrived", pgettext_lazy("exam request", "arrived")
        IN_PROGRESS = "in_progress", _("in progress")
        COMPLETED = "completed", _("images made")
        REPORTED = "reported", _("reported")
        ACKNOWLEDGED = "acknowledged", _("report read")
        DISCONTINUED = "discontinued", _("discontinued")
        NO_SHOW = "no_show", _("did not come")
        CANCELLED = "cancelled", pgettext_lazy("exam request", "cancelled")

    class Transport(models.TextChoices):
        """How the patient moves (0040,1004)."""

        WALKS = "walks", _("walks")
        CHAIR = "chair", _("wheelchair")
        BED = "bed", _("in bed")
        PORTABLE = "portable", _("cannot be moved: exam at the bedside")

    class Laterality(models.TextChoices):
        """The side (0020,0060)."""

        LEFT = "L", _("left")
        RIGHT = "R", _("right")
        BOTH = "B", _("both sides")

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.DRAFT)
    version = models.PositiveIntegerField(_("version"), default=1)

    patient = models.ForeignKey(
        Patient, models.PROTECT, null=True, blank=True, related_name="requests", verbose_name=_("patient")
    )
    # As typed for a patient whom the index does not know; empty once one is linked.
    typed_name = models.CharField(_("name as typed"), max_length=324, blank=True)
    typed_birth_date = models.DateField(_("birth date as typed"), null=True, blank=True)
    typed_sex = models.CharField(_("sex as typed"), max_length=1, blank=True)
    typed_patient_id = models.CharField(_("patient ID as typed"), max_length=64, blank=True)
    typed_issuer = models.CharField(_("issuer as typed"), max_length=64, blank=True)
    patient_norm = models.CharField(_("patient for searching"), max_length=400, blank=True, editable=False)

    procedure = models.ForeignKey(
        Procedure, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("procedure")
    )
    laterality = models.CharField(_("side"), max_length=1, choices=Laterality.choices, blank=True)
    clinical_question = models.TextField(_("clinical question"), max_length=4000, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.ROUTINE)
    priority_reason = models.CharField(_("reason of the priority"), max_length=200, blank=True)
    safety = models.JSONField(_("answers on safety"), default=dict, blank=True)
    weight_kg = models.DecimalField(_("weight (kg)"), max_digits=5, decimal_places=1, null=True, blank=True)
    transport = models.CharField(_("patient moves"), max_length=12, choices=Transport.choices, blank=True)
    precautions = models.CharField(_("precautions"), max_length=200, blank=True)
    contact = models.CharField(_("call back"), max_length=80, blank=True)
    wished_from = models.DateTimeField(_("wished from"), null=True, blank=True)
    wished_until = models.DateTimeField(_("wished until"), null=True, blank=True)

    requester = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="exam_requests", verbose_name=_("requester")
    )
    requester_name = models.CharField(_("requester's name"), max_length=324, blank=True)
    requesting_department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("requesting department")
    )
    performing_department = models.ForeignKey(
        Department, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("performing department")
    )

    accession_number = models.CharField(_("accession number"), max_length=16, blank=True)
    issuer_of_accession_number = models.CharField(_("issuer of the accession number"), max_length=64, blank=True)
    requested_procedure_id = models.CharField(_("requested procedure ID"), max_length=16, blank=True)
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, blank=True)
    placer_order_number = models.CharField(_("placer order number"), max_length=64, blank=True)
    filler_order_number = models.CharField(_("filler order number"), max_length=64, blank=True)
    source = models.CharField(_("came by"), max_length=16, default="page")

    protocol = models.TextField(_("protocol"), max_length=4000, blank=True)
    vetted_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("vetted by")
    )
    ended_reason = models.CharField(_("reason of the end"), max_length=400, blank=True)
    copied_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("copy of")
    )

    #: The last of its transitions of which people were told.
    told_transition = models.BigIntegerField(default=0, editable=False)

    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)
    requested_at = models.DateTimeField(_("requested at"), null=True, blank=True)
    vetted_at = models.DateTimeField(_("vetted at"), null=True, blank=True)
    scheduled_at = models.DateTimeField(_("booked at"), null=True, blank=True)
    #: The beginning of the place that is booked now.
    scheduled_for = models.DateTimeField(_("scheduled for"), null=True, blank=True)
    arrived_at = models.DateTimeField(_("arrived at"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    reported_at = models.DateTimeField(_("reported at"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("report read at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    objects = querysets.ExamRequestQuerySet.as_manager()

    class Meta:
        """Lists are of a department and a state, the most urgent and oldest first."""

        verbose_name = _("exam request")
        verbose_name_plural = _("exam requests")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer_of_accession_number", "accession_number", "requested_procedure_id"],
                condition=~Q(accession_number=""),
                name="request_by_number",
            ),
        ]
        indexes = [
            models.Index(
                fields=["performing_department", "state", "priority", "requested_at", "id"], name="request_to_perform"
            ),
            models.Index(
                fields=["requesting_department", "state", "-requested_at", "-id"], name="request_of_department"
            ),
            models.Index(fields=["requester", "-created_at", "-id"], name="request_of_requester"),
            models.Index(fields=["requesting_department", "-created_at", "-id"], name="request_of_place"),
            models.Index(
                fields=["typed_patient_id"],
                condition=Q(patient=None) & ~Q(typed_patient_id=""),
                name="request_by_typed",
            ),
            models.Index(fields=["patient", "-requested_at"], name="request_of_patient"),
            models.Index(
                fields=["study_instance_uid"], condition=~Q(study_instance_uid=""), name="request_by_study_uid"
            ),
            models.Index(fields=["accession_number"], condition=~Q(accession_number=""), name="request_by_accession"),
            models.Index(
                fields=["placer_order_number", "source"], condition=~Q(placer_order_number=""), name="request_by_placer"
            ),
            # The worklist looks for names that were typed: there are few of them.
            models.Index(fields=["state"], condition=Q(patient=None), name="request_of_typed_patient"),
            models.Index(fields=["performing_department", "requested_at"], name="request_by_time"),
            GinIndex(fields=["patient_norm"], name="request_patient_trgm", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return self.accession_number or str(self.key)


class RequestTransition(models.Model):
    """One step of a request's life: who, when, why. Never changed; what was taken back has a step of its own."""

    request = models.ForeignKey(
        ExamRequest, models.CASCADE, related_name="transitions", verbose_name=pgettext_lazy("exam", "request")
    )
    name = models.CharField(_("step"), max_length=20)
    from_state = models.CharField(_("from"), max_length=16)
    to_state = models.CharField(_("to"), max_length=16)
    actor_name = models.CharField(_("by"), max_length=150)
    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("user"))
    at = models.DateTimeField(_("at"))
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)

    class Meta:
        """In order."""

        verbose_name = _("step of a request")
        verbose_name_plural = _("steps of requests")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.request_id}: {self.name}"


class RequestNote(models.Model):
    """A question, an answer or a remark about a request."""

    request = models.ForeignKey(
        ExamRequest, models.CASCADE, related_name="notes", verbose_name=pgettext_lazy("exam", "request")
    )
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("author"))
    text = models.TextField(_("text"), max_length=2000)
    written_at = models.DateTimeField(_("written at"), auto_now_add=True)

    class Meta:
        """In order."""

        verbose_name = _("note on a request")
        verbose_name_plural = _("notes on requests")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"note {self.pk} on {self.request_id}"


class RequestAttachment(models.Model):
    """A letter or paper request beside a request, as it came."""

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    request = models.ForeignKey(
        ExamRequest, models.CASCADE, related_name="attachments", verbose_name=pgettext_lazy("exam", "request")
    )
    stored_object = models.ForeignKey(StoredObject, models.PROTECT, related_name="+", verbose_name=_("content"))
    file_name = models.CharField(_("file name"), max_length=200)
    media_type = models.CharField(_("kind of file"), max_length=100)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("added by"))
    added_at = models.DateTimeField(_("added at"), auto_now_add=True)
    removed_at = models.DateTimeField(_("taken away at"), null=True, blank=True)

    class Meta:
        """In order."""

        verbose_name = _("attachment of a request")
        verbose_name_plural = _("attachments of requests")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.file_name
