"""Mail about emergency accesses: who opened a record, never whose."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.conf import settings
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import notices, selectors
from accounts.models import User
from accounts.roles import Capability
from imaging.access.emergency.models import EmergencyAccess


def tell_started(fresh: Sequence[EmergencyAccess]) -> int:
    """Tell the privacy officers at once; nobody is told of their own as if it were another's."""
    written = 0
    for officer in _officers():
        others = [row for row in fresh if row.user_id != officer.pk]
        if others:
            written += notices.notify(
                [officer], subject=partial(_started_subject, others), text=partial(_started_text, others)
            )
    return written


def tell_overdue(count: int) -> int:
    """Remind the privacy officers, once per access, that a verdict is late."""
    return notices.notify(_officers(), subject=partial(_late_subject, count), text=_queue_address)


def tell_verdict(judged: EmergencyAccess) -> int:
    """Tell the person what was found of their access."""
    return notices.notify(
        [judged.user],
        subject=lambda: _("Your emergency access was reviewed"),
        text=partial(_verdict_text, judged),
    )


def _officers() -> list[User]:
    return selectors.people_capable(Capability.REVIEW_BREAK_GLASS)


def _started_subject(fresh: Sequence[EmergencyAccess]) -> str:
    count = len(fresh)
    if any(row.is_unusual for row in fresh):
        return _("Emergency access: unusually many records by one person")
    return ngettext(
        "A patient's record was opened in an emergency", "%(count)d records were opened in an emergency", count
    ) % {"count": count}


def _started_text(fresh: Sequence[EmergencyAccess]) -> str:
    lines = [
        _("%(time)s: %(person)s, until %(until)s (%(purpose)s)")
        % {
            "time": _moment(row.started_at),
            "person": row.said_name or row.user.label,
            "until": _moment(row.until),
            "purpose": row.purpose,
        }
        for row in fresh
    ]
    asked = _("The record of which patient, the reason and what was looked at stand in the portal.")
    return "\n".join(lines) + f"\n\n{asked}\n{_queue_address()}"


def _late_subject(count: int) -> str:
    return ngettext(
        "%(count)d emergency access waits too long for its review",
        "%(count)d emergency accesses wait too long for their review",
        count,
    ) % {"count": count}


def _verdict_text(judged: EmergencyAccess) -> str:
    said = _("Emergency access of %(time)s: %(verdict)s.") % {
        "time": _moment(judged.started_at),
        "verdict": judged.get_verdict_display(),
    }
    return f"{said}\n{settings.PUBLIC_URL}{reverse('access:emergency')}\n"


def _queue_address() -> str:
    return f"{settings.PUBLIC_URL}{reverse('access:emergency-reviews')}\n"


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {formats.time_format(local, 'TIME_FORMAT')}"
