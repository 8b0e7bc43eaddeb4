"""What a record tells of links, in plain words: with whom images were shared, who acts for the patient, which devices are in."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from imaging.sharing import scopes
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.record import selectors
from imaging.sharing.record.selectors import Shows

#: Links that one page tells.
_MOST: int = 50


@dataclass(frozen=True, slots=True)
class ToldShare:
    """One link to images of the patient, as the patient reads it."""

    to: str
    by: str
    purpose: str
    made_at: dt.datetime
    until: dt.datetime
    is_open: bool
    standing: str
    opens: int


def shares_of(share: Share, studies: Collection[int], shows: Shows) -> list[ToldShare]:
    """Return the links to images of what a record shows, latest first; ``studies`` by primary key."""
    rows = selectors.image_shares(share, studies)[:_MOST]
    return [_told(row, shows) for row in rows]


def _told(row: Share, shows: Shows) -> ToldShare:
    return ToldShare(
        to=recipient_of(row, is_named=shows.rules.names_recipients),
        by=row.created_by.label if shows.rules.names_staff else row.department.label,
        purpose=row.get_purpose_display(),
        made_at=row.created_at,
        until=row.ended_at or row.valid_until,
        is_open=scopes.stands(row),
        standing=_standing(row),
        opens=row.opens,
    )


def recipient_of(share: Share, *, is_named: bool) -> str:
    """Return for whom a link is: by name where the rules say so, else by what they are to the patient."""
    kind = str(share.get_recipient_display())
    return f"{share.recipient_name} ({kind})" if is_named and share.recipient_name else kind


def _standing(share: Share) -> str:
    if scopes.stands(share):
        return pgettext("share", "open")
    if not share.is_over:
        return _("not open yet")
    return pgettext("share", "ended")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Somebody who holds a link to the same record."""

    key: str
    name: str
    relation: str
    ground: str
    until: dt.datetime
    last_opened_at: dt.datetime | None
    opens: int


def proxies_of(share: Share) -> list[Proxy]:
    """Return who else sees the record: for the patient alone, a proxy is told of no other one."""
    if selectors.is_proxy(share):
        return []
    return [
        Proxy(
            key=row.key,
            name=row.recipient_name,
            relation=str(row.record.get_relation_display()),
            ground=str(row.record.get_ground_display()),
            until=row.valid_until,
            last_opened_at=row.last_opened_at,
            opens=row.opens,
        )
        for row in selectors.proxies_of(share)
    ]


def devices_of(share: Share) -> list[ShareVisit]:
    """Return the browsers that are in now by this link."""
    live = share.visits.filter(ended_at=None, valid_until__gt=timezone.now(), proved_at__isnull=False)
    return list(live.order_by("-begun_at")[:20])
