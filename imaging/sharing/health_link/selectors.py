"""Which health link stands for a share."""

from django.utils import timezone

from imaging.sharing import secrets
from imaging.sharing.health_link import policies
from imaging.sharing.models import Share, ShareHealthLink


def standing_of(share: Share) -> ShareHealthLink | None:
    """Return the link that a share has now, if any."""
    return ShareHealthLink.objects.filter(share=share, ended_at=None, valid_until__gt=timezone.now()).first()


def asked_for(key: str, token: str) -> ShareHealthLink | None:
    """Return the link of this address, with its share, while both stand; the same None for everything else."""
    rows = ShareHealthLink.objects.select_related("share__department__site", "share__created_by", "share__patient")
    rows = rows.filter(ended_at=None, valid_until__gt=timezone.now())
    link = rows.filter(share__key=key, token_digest=secrets.digest_of(token)).first()
    return link if link is not None and policies.is_offered(link.share) else None
