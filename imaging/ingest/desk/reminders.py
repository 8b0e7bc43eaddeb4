"""Nothing waits unnoticed: once a day the people who decide hear of what has waited for too long. Never of whom it shows."""

import logging
from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import audit, notices
from accounts import selectors as accounts
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.roles import Capability
from imaging.ingest.desk import selectors
from imaging.ingest.desk.selectors import Counts

logger = logging.getLogger(__name__)


def remind() -> int:
    """Write one mail to each person for whom something has waited too long, and one line for who runs the portal."""
    whole = selectors.counts()
    if not whole.overdue:
        return 0
    written = sum(_remind(person) for person in accounts.people_capable(Capability.RESOLVE_QUARANTINE))
    days = settings.QUARANTINE_NOTICE_DAYS
    logger.warning("Quarantine: %d objects have waited for more than %d days; %d mails.", whole.overdue, days, written)
    audit.record(
        audit.Action.QUARANTINE_REMINDED,
        actor=SYSTEM,
        detail={"overdue": whole.overdue, "open": whole.open, "days": days, "mails": written},
    )
    return written


def _remind(person: User) -> int:
    departments = accounts.capabilities_by_department(person).get(Capability.RESOLVE_QUARANTINE, frozenset())
    counts = selectors.counts(departments)
    if not counts.overdue:
        return 0
    return notices.notify([person], subject=partial(_subject, counts), text=partial(_text, counts))


def _subject(counts: Counts) -> str:
    return ngettext("%(count)d object waits in quarantine", "%(count)d objects wait in quarantine", counts.overdue) % {
        "count": counts.overdue
    }


def _text(counts: Counts) -> str:
    days = settings.QUARANTINE_NOTICE_DAYS
    sentence = ngettext(
        "%(count)d received object has waited for more than %(days)d days for somebody to decide about it.",
        "%(count)d received objects have waited for more than %(days)d days for somebody to decide about them.",
        counts.overdue,
    ) % {"count": counts.overdue, "days": days}
    kept = _("Nothing is lost: the objects are kept, but nobody can see them in the study list until then.")
    return f"{sentence}\n{kept}\n\n{settings.PUBLIC_URL}{reverse('ingest:quarantine')}\n"
