"""SMART Health Links (HL7 SMART Health Cards and Links 1.0.0): a share as a health wallet keeps it.

The address that a wallet asks carries 256 random bits, of which the digest alone is kept here. The key that its files are
encrypted with is made of those bits and of the server's own key whenever somebody asks with them, and is kept nowhere:
docs/decisions/0025-health-links.md.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from imaging.sharing.models.shares import Share


class ShareHealthLink(models.Model):
    """One link for a health wallet. A share has one at a time: making another ends the one before. Rows are never deleted."""

    share = models.ForeignKey(Share, models.CASCADE, related_name="health_links", verbose_name=_("share"))
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    #: SHA-256 of the key: tells under which of the server's keys it was made, and nothing else.
    key_digest = models.CharField(max_length=64, editable=False)
    passcode_digest = models.CharField(max_length=128, editable=False)
    label = models.CharField(_("label"), max_length=80, blank=True)
    #: Who made it, at the desk; nobody where the recipient did.
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made at"), auto_now_add=True)
    valid_until = models.DateTimeField(_("until"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        """One that stands for a share."""

        verbose_name = _("SMART Health Link")
        verbose_name_plural = _("SMART Health Links")
        ordering = ("-created_at", "-pk")
        constraints = [
            models.UniqueConstraint(fields=["share"], condition=Q(ended_at=None), name="one_health_link_per_share")
        ]

    def __str__(self) -> str:
        return f"{self.share_id}: {self.created_at:%Y-%m-%d}"
