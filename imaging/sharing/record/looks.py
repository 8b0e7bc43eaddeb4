"""Which links a record may name among those who looked, and how: the patient's own, those of proxies, those of images it shows."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from imaging.sharing.models import Share
from imaging.sharing.record import selectors, told
from imaging.sharing.record.selectors import Shows


def visitors(share: Share, studies: Collection[int], shows: Shows) -> dict[str, str]:
    """Return how each link is named, by primary key as the audit writes it; ``studies`` of the record by primary key."""
    known = {
        str(row.pk): told.recipient_of(row, is_named=shows.rules.names_recipients)
        for row in selectors.image_shares(share, studies)
    }
    return known | {str(row.pk): _holder(share, row) for row in selectors.all_links(share)}


def _holder(share: Share, link: Share) -> str:
    if link.pk == share.pk:
        return _("You, by this link")
    if not link.record.is_proxy:
        return _("The patient, by their link") if selectors.is_proxy(share) else _("You, by another link of yours")
    names = {"name": link.recipient_name, "relation": link.record.get_relation_display()}
    return _("%(name)s (%(relation)s), by their own link") % names
