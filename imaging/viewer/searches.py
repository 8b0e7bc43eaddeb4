"""Puts on record who searched the study list for whom, as the doors for programs do."""

from django.http import HttpRequest

from imaging.studies.finding import searched


def on_record(request: HttpRequest, search: str) -> None:
    """Record a search for names and numbers; a list without words is no search."""
    words = " ".join(search.split())
    if words:
        searched.on_record("study", {"search": words}, actor=request.actor)  # type: ignore[attr-defined]
