"""What is to be shown, kept in the session: so that a patient's number stands in no address of ours."""

import time
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest

_KEY: Final = "invoked"
#: Seconds that a person has for signing in, or for choosing.
_PATIENCE: Final = 900

Asked = Mapping[str, list[str]]


def entry(asked: Asked) -> dict[str, Any]:
    """What a session is given so that these parameters are shown in it: for a session that is yet to begin."""
    return {_KEY: {"asked": dict(asked), "at": time.time()}}


def keep(request: HttpRequest, asked: Asked) -> None:
    """Keep what was asked for."""
    request.session.update(entry(asked))


def kept(request: HttpRequest) -> Asked | None:
    """What was asked for a moment ago; None when it is too long ago."""
    found = request.session.get(_KEY)
    if not found or time.time() - found["at"] > _PATIENCE:
        return None
    asked: Asked = found["asked"]
    return asked


def forget(request: HttpRequest) -> None:
    """Forget it: it is shown."""
    request.session.pop(_KEY, None)
