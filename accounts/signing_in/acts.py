"""What needs a fresh proof of who is there (OWASP ASVS 5.0, V7.5), as a closed list."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Act(TextChoices):
    """Acts before which a person proves again who they are, where the policy says so."""

    ADMINISTRATION = "administration", _("Change people, rules and settings")
    EXPORT = "export", _("Take many studies away, or a list as a file")
    BREAK_GLASS = "break_glass", _("Open in an emergency without a right")
    KEYS = "keys", _("Make or change keys of machines")
    AUDIT = "audit", _("Read the audit")
    SIGN = "sign", _("Sign a report")
    OWN_ACCOUNT = "own_account", _("Change one's own password, passkeys and codes")
