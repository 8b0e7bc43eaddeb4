"""What readers put on images: measurements and notes, each by its author, and the flag of a key image."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from imaging.studies import querysets
from imaging.studies.models.levels import Instance, Study


class Annotation(models.Model):
    """One measurement, region, arrow or text on one frame, saved as its author draws it; others see it, and by whom.

    `tool` is a name of `studies.markings.TOOLS`; `shape` holds the handles in patient coordinates (mm) where the image has a
    plane, else in image coordinates (pixels), the text and the frame of reference, as checked by `studies.markings`. What is
    taken away keeps its row: a reader who saw it can be told what it was.
    """

    key = models.UUIDField(_("key"), unique=True, default=uuid.uuid4, editable=False)
    study = models.ForeignKey(Study, models.PROTECT, related_name="annotations", verbose_name=_("study"))
    instance = models.ForeignKey(Instance, models.PROTECT, related_name="annotations", verbose_name=_("instance"))
    frame_number = models.PositiveIntegerField(_("frame"), default=1)
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("author"))
    tool = models.CharField(_("tool"), max_length=32)
    shape = models.JSONField(_("shape"))
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True)
    removed_at = models.DateTimeField(_("taken away at"), null=True, blank=True)

    objects = querysets.MarkingQuerySet.as_manager()

    class Meta:
        """Read by study when a viewer opens."""

        verbose_name = _("annotation")
        verbose_name_plural = _("annotations")
        indexes = [models.Index(fields=["study", "id"], condition=Q(removed_at=None), name="annotation_of_study")]

    def __str__(self) -> str:
        return f"{self.tool} {self.key}"


class KeyImage(models.Model):
    """A frame that a reader flagged for the others."""

    study = models.ForeignKey(Study, models.PROTECT, related_name="key_images", verbose_name=_("study"))
    instance = models.ForeignKey(Instance, models.PROTECT, related_name="key_images", verbose_name=_("instance"))
    frame_number = models.PositiveIntegerField(_("frame"), default=1)
    note = models.CharField(_("note"), max_length=200, blank=True)
    flagged_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("flagged by"))
    flagged_at = models.DateTimeField(_("flagged at"), auto_now_add=True)

    objects = querysets.MarkingQuerySet.as_manager()

    class Meta:
        """One flag per frame."""

        verbose_name = _("key image")
        verbose_name_plural = _("key images")
        constraints = [models.UniqueConstraint(fields=["instance", "frame_number"], name="key_image_per_frame")]
        indexes = [models.Index(fields=["study"], name="key_image_of_study")]

    def __str__(self) -> str:
        return f"key image {self.instance_id}/{self.frame_number}"
