"""What a session that was begun with an envelope remembers."""

from typing import Final

from django.http import HttpRequest

_PERSON: Final = "sealed_by"


def keep_person(request: HttpRequest, name: str) -> None:
    """Keep the name that was given when the envelope was opened."""
    request.session[_PERSON] = name


def person_of(request: HttpRequest) -> str:
    """Return the name that was given; empty for every other session."""
    kept = request.session.get(_PERSON, "")
    return kept if isinstance(kept, str) else ""
