"""What is asked of partners and pushes."""

from collections.abc import Collection
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from imaging.sharing.desk.selectors import Keeper
from imaging.sharing.models import Partner, PartnerTransfer, TransferObject

#: Lines of one page of the list, and objects that the page of one push tells of.
PAGE: Final = 50
MOST_TOLD: Final = 200


def partners_for(departments: Collection[int]) -> QuerySet[Partner]:
    """Return the partners to which one of these departments may send now."""
    return Partner.objects.filter(is_active=True, departments__in=departments).distinct()


def may_send(transfer: PartnerTransfer) -> bool:
    """Whether the department may send to that partner now."""
    return partners_for([transfer.department_id]).filter(pk=transfer.partner_id).exists()


def due() -> QuerySet[PartnerTransfer]:
    """Return the pushes that need not wait any longer."""
    waited = Q(state=PartnerTransfer.State.PAUSED, next_attempt_at__lte=timezone.now())
    return PartnerTransfer.objects.filter(waited)


def left_of(transfer: PartnerTransfer, state: TransferObject.State) -> QuerySet[TransferObject]:
    """Return the objects of a push in this state, in their order."""
    return TransferObject.objects.filter(transfer=transfer, state=state)


def kept_by(person: Keeper) -> QuerySet[PartnerTransfer]:
    """Return the pushes that somebody at the desk looks after: their own, their departments', or all."""
    if person.is_officer:
        return PartnerTransfer.objects.all()
    mine = Q(created_by=person.user, department__in=person.places)
    return PartnerTransfer.objects.filter(mine | Q(department__in=person.answers_in))


def listed(person: Keeper, *, begin: int = 0) -> tuple[list[PartnerTransfer], bool]:
    """Return a page of the list, latest first, with whether there are more; ``begin`` is how many are left out in front."""
    rows = kept_by(person).select_related("partner", "created_by", "department", "patient")
    found = list(rows.prefetch_related("items__study")[begin : begin + PAGE + 1])
    return found[:PAGE], len(found) > PAGE


def transfer_for(person: Keeper, key: str) -> PartnerTransfer | None:
    """Return one push that this person looks after; None for every other."""
    rows = kept_by(person).select_related("partner", "created_by", "department", "patient", "decided_by", "stopped_by")
    return rows.filter(key=key).first()


def not_gone(transfer: PartnerTransfer) -> list[TransferObject]:
    """Return the objects that were refused or taken with a warning, as many as a page shows."""
    rows = TransferObject.objects.filter(transfer=transfer).exclude(state=TransferObject.State.PENDING)
    return list(rows.select_related("instance__series")[:MOST_TOLD])
