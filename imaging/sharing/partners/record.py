"""What goes on record of a push: an event for each study, which names the archive that it goes to."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Door
from imaging.sharing.models import PartnerTransfer
from imaging.studies.models import Study


def actor_of(user: User) -> Actor:
    """Return who acts while nobody is at a page: the person who asked for the push."""
    return Actor(kind="user", id=str(user.pk), name=user.get_username(), door=Door.PAGE)


def record(
    action: audit.Action,
    transfer: PartnerTransfer,
    *,
    actor: Actor,
    outcome: audit.Outcome = audit.Outcome.SUCCESS,
    studies: Iterable[Study] | None = None,
    fail_closed: bool = False,
    detail: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Put on record what was done, for each study of a push. Raises ``AuditUnavailable`` with ``fail_closed``."""
    patient = transfer.patient
    known = _studies(transfer) if studies is None else studies
    told = {
        "receiver": transfer.partner.name,
        "kind": transfer.partner.kind,
        "transfer": transfer.key,
        "purpose": transfer.purpose,
        **detail,
    }
    entries = [
        audit.Entry(
            action=action,
            actor=actor,
            outcome=outcome,
            subject_type="study",
            subject_uid=study.study_instance_uid,
            patient_id=patient.patient_id,
            issuer_of_patient_id=patient.issuer_of_patient_id,
            detail=told,
        )
        for study in known
    ]
    audit.record_many(entries, fail_closed=fail_closed)


def counts_of(transfer: PartnerTransfer) -> dict[str, int]:
    """Return how much went and how much did not."""
    return {
        "objects": transfer.total,
        "sent": transfer.sent,
        "warned": transfer.warned,
        "refused": transfer.refused,
        "bytes": transfer.octets,
    }


def _studies(transfer: PartnerTransfer) -> list[Study]:
    return list(Study.objects.filter(pk__in=transfer.items.values("study")).order_by("pk"))
