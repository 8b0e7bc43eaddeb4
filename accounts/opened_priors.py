"""The priors that a person has opened, kept in the session: short, few, and asked again at every reading.

The session holds two UIDs and a time for each. It gives nothing by itself: whether the prior may be seen is decided anew
by the rule at each request, so that a department, a membership or a correction that changes takes effect at once.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from accounts.scope import Prior

SESSION_KEY: Final = "opened_priors"
#: How long a prior stays open without being opened again.
LIFE: Final = timedelta(hours=2)
#: The oldest are forgotten beyond this.
MOST: Final = 50


def remember(session: SessionBase, prior: Prior) -> datetime:
    """Keep a prior open for a while; return until when."""
    until = timezone.now() + LIFE
    kept = {entry: end for entry, end in _read(session).items() if entry.study != prior.study}
    latest = sorted({**kept, prior: until}.items(), key=lambda item: item[1])[-MOST:]
    session[SESSION_KEY] = [[entry.study, entry.of, end.isoformat()] for entry, end in latest]
    return until


def held(session: SessionBase) -> frozenset[Prior]:
    """Return the priors that are open now."""
    return frozenset(_read(session))


def until(session: SessionBase, study_instance_uid: str) -> datetime | None:
    """Return until when a study is open as a prior; None when it is not."""
    return next((end for entry, end in _read(session).items() if entry.study == study_instance_uid), None)


def _read(session: SessionBase) -> dict[Prior, datetime]:
    now = timezone.now()
    found: dict[Prior, datetime] = {}
    rows: Any = session.get(SESSION_KEY, [])
    for study, of, end in rows:
        moment = datetime.fromisoformat(end)
        if moment > now:
            found[Prior(study, of)] = moment
    return found
