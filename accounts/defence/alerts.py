"""Security alerts: put on record, and once in a while only, so that nobody can fill the audit by knocking."""

import logging
from collections.abc import Mapping
from typing import Final

from accounts import audit, throttling
from accounts.actor import Actor
from accounts.audit import Action, Outcome

log = logging.getLogger(__name__)

#: Of one kind, by one person, machine or address in a minute.
MOST: Final = 6


def alert(kind: str, *, actor: Actor, detail: Mapping[str, str]) -> None:
    """Record that something was stopped. ``detail`` holds names of ours alone: nothing of a patient, nothing as it came."""
    allowance = throttling.spend(actor, f"alert-{kind}", limit=MOST)
    if allowance is not None and allowance.wait:
        return
    log.warning("Stopped: %s (%s).", kind, ", ".join(f"{name} {value}" for name, value in detail.items()))
    audit.record(
        Action.SECURITY_ALERTED,
        actor=actor,
        subject_type="defence",
        subject_uid=kind,
        outcome=Outcome.REFUSED,
        detail=dict(detail),
    )
