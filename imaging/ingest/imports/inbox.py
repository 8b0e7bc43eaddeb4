"""The inbox of a department: what somebody outside sent by a link is nobody's until one of its people takes it.

Taken, it is an import like any other: who its patients are is decided at the import desk, and nothing of it is in a list of
studies before that. Who took it by mistake puts it back.
"""

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.ingest.imports.decisions import NotAllowed, NotOpen, NotYours
from imaging.ingest.models import Import
from imaging.ingest.uploads.selectors import may_upload_to


def take(*, actor: Actor, user: User, delivery_id: UUID) -> Import:
    """Make a waiting import this person's, to be decided. Twice is once.

    Raises ``NotYours`` when there is none for this person, ``NotOpen`` when somebody else has taken it.
    """
    with transaction.atomic():
        delivery = Import.objects.select_for_update().exclude(channel="").filter(pk=delivery_id).first()
        if delivery is None or not may_upload_to(user, delivery.department_id):
            raise NotYours
        if delivery.owner_id == user.pk:
            return delivery
        if delivery.owner_id is not None or delivery.state != Import.State.WAITING:
            raise NotOpen
        delivery.owner, delivery.taken_at = user, timezone.now()
        delivery.save(update_fields=["owner", "taken_at"])
        _record(audit.Action.IMPORT_TAKEN, actor, delivery)
    return delivery


def put_back(*, actor: Actor, user: User, delivery_id: UUID) -> None:
    """Leave an import to the others of the department, undecided. Raises ``NotYours``, ``NotAllowed`` or ``NotOpen``."""
    with transaction.atomic():
        delivery = Import.objects.select_for_update().exclude(channel="").filter(pk=delivery_id, owner=user).first()
        if delivery is None:
            raise NotYours
        if not may_upload_to(user, delivery.department_id):
            raise NotAllowed
        if delivery.state != Import.State.WAITING:
            raise NotOpen
        delivery.owner, delivery.taken_at = None, None
        delivery.save(update_fields=["owner", "taken_at"])
        _record(audit.Action.IMPORT_PUT_BACK, actor, delivery)


def _record(action: audit.Action, actor: Actor, delivery: Import) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="import",
        subject_uid=str(delivery.pk),
        detail={"department": delivery.department_id, "channel": delivery.channel, "sender": delivery.sender_name},
    )
