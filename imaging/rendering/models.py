"""Ready-made pictures: what was drawn of which instance, or why it could not be."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.storage.models import StoredObject
from imaging.studies.models import InstanceVersion


class Rendition(models.Model):
    """One picture of one version of an instance, ready, or failed with its reason."""

    class Kind(models.TextChoices):
        """The longest edge, in pixels."""

        THUMBNAIL = "thumbnail", _("thumbnail, 256 px")
        PREVIEW = "preview", _("preview, 1024 px")
        CINE = "cine", _("moving picture, 256 px")

    class State(models.TextChoices):
        """A tile is a drawn card for what has no pixels (a report, a plan) or cannot be decoded."""

        READY = "ready", _("ready")
        TILE = "tile", _("tile")
        FAILED = "failed", _("failed")

    version = models.ForeignKey(InstanceVersion, models.CASCADE, related_name="renditions", verbose_name=_("version"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    stored_object = models.ForeignKey(
        StoredObject, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stored object")
    )
    width = models.PositiveSmallIntegerField(_("width"), default=0)
    height = models.PositiveSmallIntegerField(_("height"), default=0)
    #: Another image of the study that is in the picture too: segments are drawn over it.
    shown_with = models.CharField(_("shown with"), max_length=64, blank=True)
    problem_code = models.CharField(_("problem"), max_length=40, blank=True)
    problem_detail = models.TextField(_("what went wrong"), blank=True)
    made_at = models.DateTimeField(_("made at"), auto_now=True)

    class Meta:
        """One picture of each kind per version."""

        verbose_name = _("picture")
        verbose_name_plural = _("pictures")
        constraints = [models.UniqueConstraint(fields=["version", "kind"], name="rendition_per_kind")]
        # Failures are few among millions of pictures, and are what people look for.
        indexes = [models.Index(fields=["problem_code"], condition=Q(state="failed"), name="rendition_failed")]

    def __str__(self) -> str:
        return f"{self.kind} of version {self.version_id} ({self.state})"
