"""What had to be set aside, and what people decided about it."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Department
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance, InstanceVersion


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
