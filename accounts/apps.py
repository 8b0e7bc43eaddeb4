"""The application's place in Django."""

from importlib import import_module
from pathlib import Path

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """People, departments, machines, scope and audit."""

    name = "accounts"
    label = "accounts"
    verbose_name = _("People and audit")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers of sign-in and sign-out, and of what is kept in mind."""
        # Receivers need the models, which are ready only now.
        import_module("accounts.signals")
        import_module("accounts.federation.arriving")
        import_module("accounts.signing_in.signals")
        import_module("accounts.notifications.kinds").gather(Path(__file__).parent)


class PortalAdminConfig(AdminConfig):
    """Django's admin, with our own site in it."""

    default_site = "accounts.admin_site.PortalAdminSite"
