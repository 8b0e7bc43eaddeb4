"""What was received of an instance: its contents, and the headers of each batch."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.storage.models import StoredObject
from imaging.studies import querysets
from imaging.studies.models.levels import Instance, Series


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
