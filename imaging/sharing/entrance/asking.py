"""A recipient asks for earlier images: the share stays what it is, and whoever made it is asked to share more, or not."""

from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from imaging.sharing import log, notices, scopes
from imaging.sharing.models import Share, ShareEvent, ShareVisit
from imaging.sharing.models.choices import Recipient

#: How often one link may ask in its life, and how long after the last time (seconds).
MOST: Final = 3
AGAIN_AFTER: Final = 24 * 3600
LONGEST: Final = 300


def may_ask(share: Share) -> bool:
    """Whether its page offers to ask: of a physician's link, which has not asked too often or a moment ago."""
    if share.kind != Share.Kind.IMAGES or share.recipient == Recipient.PATIENT or share.is_deidentified:
        return False
    asked = list(_asked(share).values_list("at", flat=True))
    if len(asked) >= MOST:
        return False
    return not asked or (timezone.now() - max(asked)).total_seconds() > AGAIN_AFTER


def ask(visit: ShareVisit, words: str) -> bool:
    """Tell whoever shared that the recipient wishes to see earlier images. False when it may not ask (again)."""
    with transaction.atomic():
        share = (
            Share.objects.select_for_update(of=("self",)).select_related("patient", "created_by").get(pk=visit.share_id)
        )
        if not share.is_standing or not may_ask(share):
            return False
        said = " ".join("".join(char if char.isprintable() else " " for char in words).split())[:LONGEST]
        log.note(share, ShareEvent.Kind.ASKED, visit=visit, words=said)
        log.record(audit.Action.SHARE_ASKED, share, actor=scopes.actor_of(share), detail={"words": said})
        notices.tell_owner(share, notices.ASKED)
    return True


def has_asked(share: Share) -> bool:
    """Whether it asked and has not been answered: its page says so."""
    return _asked(share).exists()


def _asked(share: Share) -> QuerySet[ShareEvent]:
    return ShareEvent.objects.filter(share=share, kind=ShareEvent.Kind.ASKED)
