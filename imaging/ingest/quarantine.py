"""Received bytes that cannot join the archive: kept with the reason, told to nobody but those who decide (DESIGN 4)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.models import Department
from imaging.dicom.header import Header
from imaging.ingest.models import QuarantinedObject
from imaging.ingest.preparation import Waiting
from imaging.ingest.source import Source
from imaging.storage import services as storage
from imaging.storage.models import StoredObject

Reason = QuarantinedObject.Reason


@dataclass(frozen=True, slots=True)
class SetAside:
    """One object that has to wait for a person, and why. ``detail`` has no patient data."""

    waiting: Waiting
    reason: str
    detail: str
    header: Header | None = None
    transfer_syntax_uid: str = ""


def set_aside(objects: Iterable[SetAside]) -> list[QuarantinedObject]:
    """Keep these objects in quarantine, in one transaction with its audit; the spool may let go of them after this.

    The same bytes from the same sender wait once, however often they are sent, with the reason found last. Raises the
    errors of ``storage``.
    """
    waiting = list(objects)
    if not waiting:
        return []
    with transaction.atomic():
        contents = storage.adopt(
            [item.waiting.spooled(item.transfer_syntax_uid) for item in waiting], kind=StoredObject.Kind.REFUSED
        )
        rows = [
            row for item, content in zip(waiting, contents, strict=True) if (row := _row(item, content)) is not None
        ]
        audit.record_many(_entry(item) for item in waiting)
    return rows


def _row(item: SetAside, content: StoredObject) -> QuarantinedObject | None:
    source = item.waiting.source
    same = {"stored_object": content, "sender": source.sender[:64]}
    waits = (QuarantinedObject.State.OPEN, QuarantinedObject.State.RELEASING)
    found = QuarantinedObject.objects.filter(**same, state__in=waits)
    if found.update(reason=item.reason, detail=item.detail):
        if not source.decider_id:
            _handed_over_again(found, item)
        return None
    row = QuarantinedObject.objects.create(
        **same,
        **_said(item),
        reason=item.reason,
        detail=item.detail,
        door=source.door[:16],
        address=source.address[:64],
        received_at=item.waiting.received_at,
    )
    row.departments.set(_departments(source))
    return row


def _handed_over_again(found: QuerySet[QuarantinedObject], item: SetAside) -> None:
    """What the sender says now counts: the patient may be another one than was said before."""
    for row in found.filter(state=QuarantinedObject.State.OPEN):
        QuarantinedObject.objects.filter(pk=row.pk).update(**_said(item))
        departments = list(_departments(item.waiting.source))
        # Without any, it was for all who decide: it stays so.
        if departments and row.departments.exists():
            row.departments.add(*departments)


def _said(item: SetAside) -> dict[str, Any]:
    """Who and what the object is, with what its sender put over it."""
    corrections = item.waiting.source.corrections
    return {
        "header": _plain(item.header),
        "corrections": json.loads(corrections) if corrections else {},
        "study_instance_uid": item.header.study.study_instance_uid if item.header else "",
        "sop_instance_uid": item.header.instance.sop_instance_uid if item.header else "",
    }


def _departments(source: Source) -> QuerySet[Department]:
    """Those that the sender acts for; one that is no more would keep the object in the spool for ever."""
    return Department.objects.filter(pk__in=source.department_ids)


def _plain(header: Header | None) -> dict[str, Any]:
    """The header as JSON that PostgreSQL accepts: no NUL."""
    return _without_nul(header.to_json()) if header is not None else {}


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {key: _without_nul(item) for key, item in value.items()}
    return value


def _entry(item: SetAside) -> audit.Entry:
    header = item.header
    return audit.Entry(
        action=audit.Action.INSTANCE_QUARANTINED,
        actor=item.waiting.source.actor,
        subject_type="study" if header else "",
        subject_uid=header.study.study_instance_uid if header else "",
        patient_id=header.patient.patient_id if header else "",
        issuer_of_patient_id=header.patient.issuer_of_patient_id if header else "",
        outcome=audit.Outcome.REFUSED,
        detail={
            "reason": item.reason,
            "detail": item.detail,
            "sop_instance_uid": header.instance.sop_instance_uid if header else "",
        },
    )
