"""The imaging app: one label, one migration history, many packages."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImagingConfig(AppConfig):
    """Images, from the door to the screen."""

    name = "imaging"
    verbose_name = _("Imaging")
