"""What the tests of emergency access type, ask and read in the audit."""

import uuid
from typing import Any

from django.test import Client

from accounts.actor import Actor
from accounts.audit.models import AuditEvent
from accounts.models import User
from tests.studies_in_archive import Addresses

FORM = "/access/emergency/"
QUEUE = "/access/emergency/reviews/"
#: Doors at which a record that is open in an emergency is looked at.
LOOKED_AT = ("page", "viewer", "manifest", "study metadata", "frame", "api study")
#: What would take it away or change it.
TAKEN_AWAY = ("study download", "series download", "image download", "retrieve instance", "retrieve study")


def form(**changes: str) -> dict[str, str]:
    return {
        "form_key": str(uuid.uuid4()),
        "patient_id": "P1",
        "birth_date": "1970-01-02",
        "purpose": "ETREAT",
        "reason": "Unconscious after a fall, earlier bleeding?",
        **changes,
    }


def statuses(client: Client, there: Addresses, names: tuple[str, ...]) -> dict[str, int]:
    every = {**there.all, **there.api}
    return {name: client.get(every[name]).status_code for name in names}


def audited(action: str, **fields: Any) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action, **fields).order_by("number"))


def actor_of(user: User) -> Actor:
    return Actor(kind="user", id=str(user.pk), name=user.username)
