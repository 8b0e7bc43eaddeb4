"""What is asked of partners and pushes."""

from collections.abc import Collection

from django.db.models import Q, QuerySet
from django.utils import timezone

from imaging.sharing.models import Partner, PartnerTransfer, TransferObject


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
