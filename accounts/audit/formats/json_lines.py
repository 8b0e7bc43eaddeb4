"""One event as a line of JSON: every column, by its name. What this writes can be read back."""

import json
from datetime import UTC

from accounts.audit.models import AuditEvent
from accounts.invisible import shown_in_json


def line(event: AuditEvent) -> bytes:
    """Return the event as JSON with sorted keys, in UTF-8, ending with a newline."""
    row = {
        "number": event.number,
        "id": str(event.id),
        "at": event.at.astimezone(UTC).isoformat(),
        "action": event.action,
        "outcome": event.outcome,
        "actor_kind": event.actor_kind,
        "actor_id": event.actor_id,
        "actor_name": event.actor_name,
        "departments": list(event.departments),
        "address": event.address,
        "door": event.door,
        "request_id": event.request_id,
        "subject_type": event.subject_type,
        "subject_uid": event.subject_uid,
        "patient_id": event.patient_id,
        "issuer_of_patient_id": event.issuer_of_patient_id,
        "detail": event.detail,
    }
    return shown_in_json(json.dumps(row, ensure_ascii=False, sort_keys=True)).encode("utf-8", "replace") + b"\n"
