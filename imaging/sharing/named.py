"""How a share is told where only its number is known: who looked by it, and whose link it is."""

from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _

from accounts.audit import actors
from imaging.sharing.models import Share

#: Digits of the largest primary key there can be.
_LONGEST: Final = 18


def _links(ids: Sequence[str]) -> dict[str, str]:
    """By whom and with whom each of these shares was made."""
    keys = [int(key) for key in ids if key.isascii() and key.isdecimal() and len(key) <= _LONGEST]
    rows = Share.objects.filter(pk__in=keys).select_related("created_by", "record")
    return {str(row.pk): _told(row) for row in rows}


def _told(share: Share) -> str:
    if share.kind == Share.Kind.RECORD:
        words = {"holder": share.recipient_name, "relation": share.record.get_relation_display()}
        return _("%(holder)s (%(relation)s), by a link to the patient's record") % words
    recipient = share.recipient_name or share.recipient_email or share.recipient_phone or share.get_recipient_display()
    words = {"sender": share.created_by.label, "recipient": recipient}
    return _("%(recipient)s, by the link that %(sender)s shared") % words


actors.register("share", _links)
