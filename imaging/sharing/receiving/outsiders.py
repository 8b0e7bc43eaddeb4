"""Who sends by a share: a visit of it, for as long as it may; and forgetting what it left half sent."""

from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from accounts.actor import SYSTEM, Actor
from imaging.ingest.uploads import refusals, selectors, services
from imaging.ingest.uploads.bringers import Outsider
from imaging.sharing import scopes
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.selectors import policy_of

_MEGABYTE: Final = 1_000_000


def outsider_of(visit: ShareVisit | None) -> Outsider | None:
    """Return who sends in a visit; None when its share, or its department by now, lets nothing be sent back."""
    if visit is None or not stands(visit):
        return None
    share = visit.share
    rules = policy_of(share.department_id)
    if not rules.may_upload:
        return None
    return Outsider(
        channel=channel_of(share),
        visitor=str(visit.pk),
        name=scopes.name_of(share),
        department_id=share.department_id,
        most_bytes=rules.most_upload_megabytes * _MEGABYTE,
        most_files=rules.most_upload_files,
        stands=lambda: stands(visit),
    )


def channel_of(share: Share) -> str:
    """Return by what it comes, as imports note it."""
    return f"share:{share.key}"


def stands(visit: ShareVisit) -> bool:
    """Whether something may be sent in a visit at this moment; asked of the database, in the middle of a body too."""
    rows = ShareVisit.objects.filter(
        pk=visit.pk, ended_at=None, proved_at__isnull=False, valid_until__gt=timezone.now()
    )
    return rows.filter(share__in=Share.objects.standing().filter(may_upload=True)).exists()


def may_send(request: HttpRequest) -> bool:
    """Whether the page of a share offers to send images back."""
    return outsider_of(request.share_visit) is not None  # type: ignore[attr-defined]


def forget_half_sent(outsider: Outsider, *, actor: Actor) -> int:
    """Forget what a visit has not finished sending: a share that has ended keeps nothing half. How many imports."""
    return sum(_forgotten(outsider, each.pk, actor=actor) for each in selectors.unfinished(outsider))


def forget_abandoned() -> int:
    """Forget what was being sent by shares and visits that have ended meanwhile. How many imports."""
    count = 0
    for delivery in selectors.arriving_from_outside("share:"):
        visit = ShareVisit.objects.select_related("share").filter(pk=int(delivery.visitor)).first()
        if visit is not None and stands(visit):
            continue
        outsider = Outsider(
            delivery.channel, delivery.visitor, "", delivery.department_id, most_bytes=0, most_files=0, stands=bool
        )
        count += _forgotten(outsider, delivery.pk, actor=SYSTEM)
    return count


def _forgotten(outsider: Outsider, delivery_id: UUID, *, actor: Actor) -> bool:
    try:
        services.cancel(actor=actor, user=outsider, delivery_id=delivery_id)
    except refusals.Refusal:
        return False
    return True
