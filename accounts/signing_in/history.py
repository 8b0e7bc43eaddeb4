"""When somebody signed in, and when somebody tried to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from accounts.audit import Action, Outcome
from accounts.audit.selectors import events_of_subject
from accounts.models import User

_DAYS: Final = 90
_MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in, or one that was refused. ``detail`` is what the audit tells of it."""

    at: datetime
    address: str
    is_done: bool
    detail: Mapping[str, Any]


def latest_sign_ins(user: User) -> list[Attempt]:
    """Return the latest sign-ins to an account, and refused attempts at it, newest first."""
    events = events_of_subject("user", str(user.pk), since=timezone.now() - timedelta(days=_DAYS))
    kinds = [Action.USER_SIGNED_IN, Action.USER_REFUSED]
    return [
        Attempt(row.at, row.address, row.outcome == Outcome.SUCCESS, row.detail)
        for row in events.filter(action__in=kinds)[:_MOST]
    ]
