"""The four levels of PS3.3 section A.1.2 (Patient, Study, Series, Instance), their versions and their placement.

Study and series rows carry what lists show, updated once per registered batch and never aggregated at query time.
Instance rows stay slim: full headers live in metadata segments (DESIGN 4.3).
"""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Department
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
        indexes = [GinIndex(fields=["name_norm"], name="patient_name_trgm", opclasses=["gin_trgm_ops"])]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """FAMILY in capitals, then the given names."""
        return person_name.display(self.patient_name)


class Study(models.Model):
    """One examination (PS3.3 C.7.2.1) with the columns of the study list."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="studies", verbose_name=_("patient"))
    study_instance_uid = models.CharField("Study Instance UID", max_length=64, unique=True)
    accession_number = models.CharField(_("accession number"), max_length=64, blank=True)
    study_id = models.CharField(_("study ID"), max_length=64, blank=True)
    study_at = models.DateTimeField(_("date of the study"))
    study_time_known = models.BooleanField(_("time of the study is known"), default=True)
    description = models.CharField(_("description"), max_length=256, blank=True)
    referring_physician_name = models.CharField(_("referring physician"), max_length=324, blank=True)
    institutional_department_name = models.CharField(_("department in the header"), max_length=64, blank=True)
    modalities = ArrayField(models.CharField(max_length=16), verbose_name=_("modalities"), default=list)
    body_part_examined = models.CharField(_("body part"), max_length=64, blank=True)
    series_count = models.PositiveIntegerField(pgettext_lazy("several", "series"), default=0)
    instance_count = models.PositiveIntegerField(_("instances"), default=0)
    sensitivity = models.CharField(_("protection"), max_length=16, blank=True)
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


class Placement(models.Model):
    """A study's place in a department: who may see it, and a copy of the list's sort and search keys.

    The copied keys make a department's list an index range scan in every offered order, whatever the archive's size.
    """

    class Kind(models.TextChoices):
        """Why the department has the study."""

        OWNER = "owner", _("performing department")
        REQUESTING = "requesting", _("requesting department")
        GRANT = "grant", _("granted access")

    study = models.ForeignKey(Study, models.CASCADE, related_name="placements", verbose_name=_("study"))
    department = models.ForeignKey(Department, models.PROTECT, related_name="+", verbose_name=_("department"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.OWNER)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    reason_code = models.CharField(_("reason"), max_length=40)
    reason_detail = models.CharField(_("rule or person"), max_length=200, blank=True)
    placed_at = models.DateTimeField(_("placed at"), auto_now_add=True)
    study_at = models.DateTimeField(_("date of the study"), editable=False)
    last_received_at = models.DateTimeField(_("last image received"), editable=False)
    name_norm = models.CharField(_("name for searching"), max_length=324, editable=False, blank=True)
    patient_id = models.CharField(_("patient ID"), max_length=64, editable=False, blank=True)
    accession_number = models.CharField(_("accession number"), max_length=64, editable=False, blank=True)
    modalities = ArrayField(models.CharField(max_length=16), editable=False, default=list)

    objects = querysets.PlacementQuerySet.as_manager()

    class Meta:
        """One placement per department; each order the list offers has its index."""

        verbose_name = _("placement")
        verbose_name_plural = _("placements")
        constraints = [models.UniqueConstraint(fields=["study", "department"], name="placement_per_department")]
        indexes = [
            models.Index(fields=["department", "-study_at", "-study"], name="placement_by_date"),
            models.Index(fields=["department", "-last_received_at", "-study"], name="placement_by_arrival"),
            models.Index(fields=["department", "name_norm", "study"], name="placement_by_name"),
            models.Index(fields=["department", "patient_id", "study"], name="placement_by_patient_id"),
            models.Index(fields=["department", "accession_number"], name="placement_by_accession"),
            GinIndex(fields=["name_norm"], name="placement_name_trgm", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.study_id} @ {self.department_id} ({self.kind})"


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


class MetadataSegment(models.Model):
    """The headers of one registered batch of a series as DICOM JSON, exactly as received, compressed, named by digest.

    Compacted when the series is quiet: the new segment replaces its predecessors in one transaction.
    """

    series = models.ForeignKey(
        Series, models.CASCADE, related_name="segments", verbose_name=pgettext_lazy("one", "series")
    )
    stored_object = models.ForeignKey(StoredObject, models.PROTECT, related_name="+", verbose_name=_("stored object"))
    instance_count = models.PositiveIntegerField(_("instances"))
    created_at = models.DateTimeField(_("written at"), auto_now_add=True)

    objects = querysets.MetadataSegmentQuerySet.as_manager()

    class Meta:
        """Read in order of writing."""

        verbose_name = _("metadata segment")
        verbose_name_plural = _("metadata segments")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"segment {self.pk} of series {self.series_id}"


class InstanceVersion(models.Model):
    """Ties an instance to one content. The same UID with other bytes is a conflicting version, never a replacement."""

    class State(models.TextChoices):
        """Exactly one version is current; the others are kept."""

        CURRENT = "current", _("current")
        CONFLICTING = "conflicting", _("conflicting")
        REJECTED = "rejected", _("rejected")

    instance = models.ForeignKey(Instance, models.PROTECT, related_name="versions", verbose_name=_("instance"))
    stored_object = models.ForeignKey(StoredObject, models.PROTECT, related_name="+", verbose_name=_("stored object"))
    frames_object = models.ForeignKey(
        StoredObject, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("converted frames")
    )
    segment = models.ForeignKey(
        MetadataSegment,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="versions",
        verbose_name=_("metadata segment"),
    )
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.CURRENT)
    frame_index = models.BinaryField(_("where each frame lies"), null=True, blank=True, editable=False)
    needs_rendition = models.CharField(_("frames must be converted because"), max_length=20, blank=True)
    is_corrected = models.BooleanField(_("corrected"), default=False, editable=False)
    door = models.CharField(_("door"), max_length=16)
    sender = models.CharField(_("sender"), max_length=64, blank=True)
    address = models.CharField(_("address"), max_length=64, blank=True)
    received_at = models.DateTimeField(_("received at"))

    objects = querysets.InstanceVersionQuerySet.as_manager()

    class Meta:
        """One current version; the same bytes are not kept twice for one instance."""

        verbose_name = _("version")
        verbose_name_plural = _("versions")
        constraints = [
            models.UniqueConstraint(
                fields=["instance"], condition=Q(state="current"), name="instance_has_one_current_version"
            ),
            models.UniqueConstraint(fields=["instance", "stored_object"], name="instance_version_content"),
        ]
        indexes = [models.Index(fields=["instance"], condition=Q(state="conflicting"), name="version_in_conflict")]

    def __str__(self) -> str:
        return f"{self.instance_id} ({self.state})"


class Correction(models.Model):
    """Attributes put over one received version on every way out. Bytes stay; reverting shows them as received again.

    `attributes` is a DICOM JSON object (PS3.18 annex F) of the corrected attributes. A version may have several: the
    later goes over the earlier. What was decided at once shares a `group`, and is reverted at once.

    `received` are the same attributes as they came, and who the patient was: what a later object of the study must name
    too, to be corrected like it. `assumed` is what the study's row knew beside the headers (issuer, time), so that
    reverting brings it back.
    """

    class Origin(models.TextChoices):
        """Where the decision was made."""

        IMPORT = "import", _("at import")
        QUARANTINE = "quarantine", _("on release from quarantine")
        DESK = "desk", _("by a person")
        INHERITED = "inherited", _("as for the others of its study")

    version = models.ForeignKey(
        InstanceVersion, models.PROTECT, related_name="corrections", verbose_name=_("corrected version")
    )
    study = models.ForeignKey(
        Study, models.PROTECT, related_name="corrections", verbose_name=_("study"), editable=False
    )
    group = models.UUIDField(_("decided together"), editable=False, db_index=True)
    attributes = models.JSONField(_("corrected attributes"))
    received = models.JSONField(_("attributes as received"), default=dict, editable=False)
    assumed = models.JSONField(_("known beside the headers"), default=dict, editable=False)
    origin = models.CharField(_("origin"), max_length=12, choices=Origin.choices, default=Origin.DESK)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    made_by = models.CharField(_("corrected by"), max_length=150)
    made_at = models.DateTimeField(_("corrected at"))
    reverted_by = models.CharField(_("reverted by"), max_length=150, blank=True)
    reverted_at = models.DateTimeField(_("reverted at"), null=True, blank=True)

    objects = querysets.CorrectionQuerySet.as_manager()

    class Meta:
        """Applied in the order in which they were made."""

        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["id"]
        indexes = [
            models.Index(fields=["version"], condition=Q(reverted_at=None), name="correction_in_force"),
            models.Index(fields=["study"], condition=Q(reverted_at=None), name="correction_of_study"),
        ]

    def __str__(self) -> str:
        return f"correction {self.pk} of version {self.version_id}"
