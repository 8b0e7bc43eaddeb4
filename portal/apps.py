"""The portal as a Django app, so that it may carry management commands. It has no model."""

from importlib import import_module
from typing import Final

from django.apps import AppConfig
from django.utils.translation import gettext_noop

#: Django's own units of file sizes, brought into our catalogue: hospitals write “Mo” in French, Django “Mio”.
UNITS: Final = (gettext_noop("%s KB"), gettext_noop("%s MB"), gettext_noop("%s GB"), gettext_noop("%s TB"))


class PortalConfig(AppConfig):
    """Composition: supervisor and demo hospital commands."""

    name = "portal"

    def ready(self) -> None:
        """Register what is asked of the server itself."""
        # The questions ask settings and database, which are ready only now.
        import_module("portal.compliance")
