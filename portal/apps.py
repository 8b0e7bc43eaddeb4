"""The portal as a Django app, so that it may carry management commands. It has no model."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Composition: supervisor and demo hospital commands."""

    name = "portal"
