"""Nothing waits unnoticed: once a day the people who decide hear of what has waited for too long. Never of whom it shows."""

import logging

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.roles import Capability
from imaging.ingest import notices
from imaging.ingest.desk import selectors

logger = logging.getLogger(__name__)


@transaction.atomic
def remind() -> int:
    """Tell each person for whom something has waited too long, and write one line for who runs the portal. How many people."""
    whole = selectors.counts()
    if not whole.overdue:
        return 0
    told = sum(_remind(person) for person in accounts.people_capable(Capability.RESOLVE_QUARANTINE))
    days = settings.QUARANTINE_NOTICE_DAYS
    logger.warning(
        "Quarantine: %d objects have waited for more than %d days; %d people told.", whole.overdue, days, told
    )
    audit.record(
        audit.Action.QUARANTINE_REMINDED,
        actor=SYSTEM,
        detail={"overdue": whole.overdue, "open": whole.open, "days": days, "told": told},
    )
    return told


def _remind(person: User) -> int:
    departments = accounts.capabilities_by_department(person).get(Capability.RESOLVE_QUARANTINE, frozenset())
    overdue = selectors.counts(departments).overdue
    return notices.tell_waiting(person, overdue=overdue, days=settings.QUARANTINE_NOTICE_DAYS) if overdue else 0
