"""When somebody signed in, and when somebody tried to."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.audit.selectors import events_of_subject
from accounts.models import User

_DAYS: Final = 90
_MOST: Final = 10


def latest_sign_ins(user: User) -> list[AuditEvent]:
    """Return the latest sign-ins to an account, and refused attempts at it, newest first."""
    events = events_of_subject("user", str(user.pk), since=timezone.now() - timedelta(days=_DAYS))
    return list(events.filter(action__in=[Action.USER_SIGNED_IN, Action.USER_REFUSED])[:_MOST])
