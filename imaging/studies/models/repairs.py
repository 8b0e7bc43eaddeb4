"""What people put right about where images lie and whose they are: moved, brought together, rejected; and taken back.

Each row is one decision. The bytes stay, and what goes out says so by corrections of the same ``group``
(docs/decisions/0022).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from imaging.studies import querysets
from imaging.studies.models.levels import Patient, Study


class _Decided(models.Model):
    """Who decided it, when and why, and who took it back."""

    group = models.UUIDField(_("decided together"), editable=False, db_index=True)
    reason = models.CharField(_("reason"), max_length=200)
    made_by = models.CharField(_("decided by"), max_length=150)
    made_at = models.DateTimeField(_("decided at"))
    reverted_by = models.CharField(_("taken back by"), max_length=150, blank=True)
    reverted_at = models.DateTimeField(_("taken back at"), null=True, blank=True)

    objects = querysets.RepairQuerySet.as_manager()

    class Meta:
        """Told in the order in which it was decided."""

        abstract = True
        ordering = ["id"]


class Move(_Decided):
    """Images of one series that were moved to another study; a decision about several series has a row for each.

    ``attributes`` is what was put over the moved objects (DICOM JSON), and goes over a later object of a series that was
    moved as a whole, or of a study that was, where it names one of the ``persons`` whom the moved objects had named as
    they were received.
    """

    from_study = models.ForeignKey(Study, models.PROTECT, related_name="moves_away", verbose_name=_("from"))
    from_series_uid = models.CharField("Series Instance UID", max_length=64)
    to_study = models.ForeignKey(Study, models.PROTECT, related_name="moves_here", verbose_name=_("to"))
    to_series_uid = models.CharField(_("series there"), max_length=64)
    whole_series = models.BooleanField(_("the whole series"), default=False)
    whole_study = models.BooleanField(_("the whole study"), default=False)
    is_split = models.BooleanField(_("into a new study"), default=False)
    object_count = models.PositiveIntegerField(_("objects"))
    attributes = models.JSONField(_("corrected attributes"))
    persons = models.JSONField(_("named as received"), default=list)

    class Meta(_Decided.Meta):
        """Found by what a later object names."""

        verbose_name = _("move")
        verbose_name_plural = _("moves")
        indexes = [
            models.Index(fields=["from_series_uid"], condition=Q(reverted_at=None), name="move_of_series"),
            models.Index(fields=["from_study"], condition=Q(reverted_at=None), name="move_of_study"),
        ]

    def __str__(self) -> str:
        return f"{self.from_series_uid} to {self.to_study_id}"


class PatientMerge(_Decided):
    """Two records of one person: everything of ``merged`` is ``into``'s, what comes later too (HL7 ADT A40).

    ``carried`` names what went along with it, so that taking it back brings it back: keys of labels, grants and choices.
    """

    merged = models.ForeignKey(Patient, models.PROTECT, related_name="merges", verbose_name=_("merged patient"))
    into = models.ForeignKey(Patient, models.PROTECT, related_name="merged_here", verbose_name=_("remaining patient"))
    carried = models.JSONField(_("went along"), default=dict)

    class Meta(_Decided.Meta):
        """A record is merged into one other."""

        verbose_name = _("merge of patients")
        verbose_name_plural = _("merges of patients")
        constraints = [
            models.UniqueConstraint(fields=["merged"], condition=Q(reverted_at=None), name="patient_merged_once"),
            models.CheckConstraint(name="patient_merged_into_another", condition=~Q(merged=F("into"))),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.into_id}"


class Rejection(_Decided):
    """Images that were taken out of what is seen, and why (IHE RAD TF, Imaging Object Change Management).

    ``shown`` and ``beside`` are the keys of the versions, those that were shown and those that were kept in conflict.
    ``note_uid`` is the SOP Instance UID of the rejection note; ``unknown`` are instances that a peer's note names and
    that have not arrived.
    """

    class Code(models.TextChoices):
        """Key object selection document titles (PS3.16 CID 7011)."""

        QUALITY = "113001", _("rejected for quality reasons")
        SAFETY = "113037", _("rejected for patient safety reasons")
        WORKLIST = "113038", _("incorrect modality worklist entry")
        EXPIRED = "113039", _("data retention policy expired")

    study = models.ForeignKey(Study, models.PROTECT, related_name="rejections", verbose_name=_("study"))
    code = models.CharField(_("why"), max_length=8, choices=Code.choices)
    note_uid = models.CharField(_("rejection note"), max_length=64, blank=True)
    from_peer = models.BooleanField(_("by a note that was received"), default=False)
    shown = ArrayField(models.BigIntegerField(), verbose_name=_("versions that were shown"), default=list)
    beside = ArrayField(models.BigIntegerField(), verbose_name=_("versions kept beside"), default=list)
    unknown = ArrayField(models.CharField(max_length=64), verbose_name=_("not known here"), default=list)

    class Meta(_Decided.Meta):
        """Read by study; a note is applied once."""

        verbose_name = _("rejection")
        verbose_name_plural = _("rejections")
        constraints = [
            models.UniqueConstraint(fields=["note_uid"], condition=~Q(note_uid=""), name="rejection_note_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} in {self.study_id}"
