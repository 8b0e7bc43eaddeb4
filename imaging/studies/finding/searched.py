"""Puts on record who searched for whom, at whichever door: once in a while for the same question of the same reader."""

import hashlib
from collections.abc import Mapping
from typing import Any

from accounts import audit
from accounts.actor import Actor


def on_record(
    level: str,
    keys: Mapping[str, Any],
    *,
    actor: Actor,
    within: Mapping[str, str] | None = None,
    found: int | None = None,
) -> None:
    """Record a search for ``level`` (patient, study, series or instance) by ``keys``, ``within`` what is named above it."""
    asked = {"level": level, "keys": dict(keys), **(within or {})}
    digest = hashlib.sha256(repr(sorted(asked.items())).encode("utf-8", "replace")).hexdigest()[:32]
    audit.record_read(
        audit.Action.STUDIES_QUERIED,
        actor=actor,
        subject_type="search",
        subject_uid=digest,
        detail=asked if found is None else {**asked, "found": found},
    )
