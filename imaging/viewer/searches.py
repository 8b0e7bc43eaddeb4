"""Puts on record who searched the study list for whom, as the doors for programs do."""

import hashlib

from django.http import HttpRequest

from accounts import audit


def on_record(request: HttpRequest, search: str) -> None:
    """Record a search for names and numbers, once in a while for the same words; a list without words is no search."""
    words = " ".join(search.split())
    if not words:
        return
    audit.record_read(
        audit.Action.STUDIES_QUERIED,
        actor=request.actor,  # type: ignore[attr-defined]
        subject_type="search",
        subject_uid=hashlib.sha256(f"page {words}".encode("utf-8", "replace")).hexdigest()[:32],
        detail={"level": "study", "keys": {"search": words}},
    )
