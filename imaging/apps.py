"""The imaging app: one label, one migration history, many packages."""

from importlib import import_module
from pathlib import Path

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.notifications import kinds


class ImagingConfig(AppConfig):
    """Images, from the door to the screen."""

    name = "imaging"
    verbose_name = _("Imaging")

    def ready(self) -> None:
        """Make known what people are told."""
        kinds.gather(Path(__file__).parent)
        # Registers who vouches for programs: asked by the middleware, before any address of ours is read.
        import_module("imaging.ehr.records.introspecting")
