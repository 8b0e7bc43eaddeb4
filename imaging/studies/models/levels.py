"""The four levels of PS3.3 section A.1.2: Patient, Study, Series, Instance.

Study and series rows carry what lists show, updated once per registered batch and never aggregated at query time.
Instance rows stay slim: full headers live in metadata segments (DESIGN 4.3).
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.dicom import person_name
from imaging.storage.models import StoredObject
from imaging.studies import querysets


class Patient(models.Model):
    """A person as one issuer knows them (PS3.3 C.7.1.1). Without an ID there is one row per study: nobody is guessed."""

    issuer_of_patient_id = models.CharField(_("issuer of patient ID"), max_length=64, blank=True)
    patient_id = models.CharField(_("patient ID"), max_length=64, blank=True)
    patient_name = models.CharField(_("name"), max_length=324, blank=True)
    name_norm = models.CharField(_("name for searching"), max_length=324, blank=True, editable=False)
    birth_date = models.DateField(_("birth date"), null=True, blank=True)
    sex = models.CharField(_("sex"), max_length=16, blank=True)
    created_at = models.DateTimeField(_("known since"), auto_now_add=True)

    objects = querysets.PatientQuerySet.as_manager()

    class Meta:
        """An ID is unique within its issuer."""

        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        constraints = [
            models.UniqueConstraint(
                fields=["issuer_of_patient_id", "patient_id"], condition=~Q(patient_id=""), name="patient_id_per_issuer"
            )
        ]
        indexes = [
            GinIndex(fields=["name_norm"], name="patient_name_trgm", opclasses=["gin_trgm_ops"]),
            models.Index(fields=["patient_id"], condition=~Q(patient_id=""), name="patient_by_number"),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """FAMILY in capitals, then the given names."""
        return person_name.display(self.patient_name)


class Study(models.Model):
    """One examination (PS3.3 C.7.2.1) with the columns of the study list."""

    class Status(models.TextChoices):
        """What a reader may expect of a study: one word for it, kept on the row."""

        ARRIVING = "arriving", _("arriving")
        COMPLETE = "complete", _("complete")
        ATTENTION = "attention", _("needs attention")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="studies", verbose_name=_("patient"))
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, unique=True)
    accession_number = models.CharField(_("accession number"), max_length=64, blank=True)
    study_id = models.CharField(_("study ID"), max_length=64, blank=True)
    study_at = models.DateTimeField(_("date of the study"))
    study_time_known = models.BooleanField(_("time of the study is known"), default=True)
    description = models.CharField(_("description"), max_length=256, blank=True)
    description_norm = models.CharField(_("description for sorting"), max_length=256, blank=True, editable=False)
    referring_physician_name = models.CharField(_("referring physician"), max_length=324, blank=True)
    referring_norm = models.CharField(
        _("referring physician for searching"), max_length=324, blank=True, editable=False
    )
    institutional_department_name = models.CharField(_("department in the header"), max_length=64, blank=True)
    modalities = ArrayField(models.CharField(max_length=16), verbose_name=_("modalities"), default=list)
    body_part_examined = models.CharField(_("body part"), max_length=64, blank=True)
    series_count = models.PositiveIntegerField(pgettext_lazy("several", "series"), default=0)
    instance_count = models.PositiveIntegerField(_("instances"), default=0)
    source = models.CharField(_("source"), max_length=64, blank=True)
    sensitivity = models.CharField(_("protection"), max_length=16, blank=True)
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.ARRIVING)
    thumbnail = models.ForeignKey(
        StoredObject,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("thumbnail"),
    )
    version = models.PositiveIntegerField(_("version"), default=0)
    #: Made of another study, without identity: it lies in no department, and opens only to what names it.
    is_copy = models.BooleanField(_("copy without identity"), default=False, editable=False)
    is_corrected = models.BooleanField(_("corrected"), default=False, editable=False)
    first_received_at = models.DateTimeField(_("first image received"))
    last_received_at = models.DateTimeField(_("last image received"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    objects = querysets.StudyQuerySet.as_manager()

    class Meta:
        """Lists read placements; these indexes serve a patient's timeline and exact finds."""

        verbose_name = _("study")
        verbose_name_plural = _("studies")
        indexes = [
            models.Index(fields=["patient", "-study_at"], name="study_of_patient"),
            models.Index(fields=["accession_number"], name="study_accession", condition=~Q(accession_number="")),
            models.Index(fields=["-study_at", "-id"], name="study_by_date"),
        ]

    def __str__(self) -> str:
        return self.study_instance_uid


class Series(models.Model):
    """One series (PS3.3 C.7.3.1)."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="series", verbose_name=_("study"))
    series_instance_uid = models.CharField("Series Instance UID", max_length=64, unique=True)
    modality = models.CharField(_("modality"), max_length=16, blank=True)
    series_number = models.IntegerField(_("number"), null=True, blank=True)
    description = models.CharField(_("description"), max_length=256, blank=True)
    body_part_examined = models.CharField(_("body part"), max_length=64, blank=True)
    laterality = models.CharField(_("laterality"), max_length=16, blank=True)
    station_name = models.CharField(_("station"), max_length=64, blank=True)
    protocol_name = models.CharField(_("protocol"), max_length=128, blank=True)
    frame_of_reference_uid = models.CharField("Frame of Reference UID", max_length=64, blank=True)
    instance_count = models.PositiveIntegerField(_("instances"), default=0)
    frame_count = models.PositiveIntegerField(_("frames"), default=0)
    thumbnail = models.ForeignKey(
        StoredObject,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("thumbnail"),
    )
    version = models.PositiveIntegerField(_("version"), default=0)
    last_received_at = models.DateTimeField(_("last image received"))

    objects = querysets.SeriesQuerySet.as_manager()

    class Meta:
        """Shown by number."""

        verbose_name = pgettext_lazy("one", "series")
        verbose_name_plural = pgettext_lazy("several", "series")
        ordering = ["series_number", "id"]

    def __str__(self) -> str:
        return self.series_instance_uid


class Instance(models.Model):
    """The identity of one SOP Instance (PS3.3 C.12.1). Carries its study, so that it can be partitioned by it."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="instances", verbose_name=_("study"))
    series = models.ForeignKey(
        Series, models.PROTECT, related_name="instances", verbose_name=pgettext_lazy("one", "series")
    )
    sop_instance_uid = models.CharField("SOP Instance UID", max_length=64, unique=True)
    sop_class_uid = models.CharField("SOP Class UID", max_length=64)
    instance_number = models.IntegerField(_("number"), null=True, blank=True)
    number_of_frames = models.PositiveIntegerField(_("frames"), default=1)
    rows = models.PositiveIntegerField(_("rows"), default=0)
    columns = models.PositiveIntegerField(_("columns"), default=0)
    is_rejected = models.BooleanField(_("rejected"), default=False)

    objects = querysets.InstanceQuerySet.as_manager()

    class Meta:
        """Within a series by number."""

        verbose_name = _("instance")
        verbose_name_plural = _("instances")
        indexes = [models.Index(fields=["series", "instance_number", "id"], name="instance_in_series")]

    def __str__(self) -> str:
        return self.sop_instance_uid
