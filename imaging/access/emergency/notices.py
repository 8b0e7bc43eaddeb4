"""What is told of emergency accesses: who opened a record, never whose."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import selectors
from accounts.actor import SYSTEM
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind, Told
from accounts.roles import Capability
from imaging.access.emergency.models import EmergencyAccess, Verdict

#: Accesses told one by one in one mail; the others stand in the portal.
_MOST: Final = 10


def _started_title(told: Told) -> str:
    if told["unusual"]:
        return _("Emergency access: unusually many records by one person")
    return ngettext(
        "A patient's record was opened in an emergency",
        "%(count)d records were opened in an emergency",
        told["records"],
    ) % {"count": told["records"]}


def _started_text(told: Told) -> str:
    lines = [
        _("%(time)s: %(person)s, until %(until)s (%(purpose)s)")
        % {**opened, "time": _moment(opened["time"]), "until": _moment(opened["until"])}
        for opened in told["opened"]
    ]
    asked = _("The record of which patient, the reason and what was looked at stand in the portal.")
    return "\n".join([*lines, "", asked])


def _late_title(told: Told) -> str:
    return ngettext(
        "%(count)d emergency access waits too long for its review",
        "%(count)d emergency accesses wait too long for their review",
        told["late"],
    ) % {"count": told["late"]}


def _verdict_text(told: Told) -> str:
    return _("Emergency access of %(time)s: %(verdict)s.") % {
        "time": _moment(told["time"]),
        "verdict": Verdict(told["verdict"]).label,
    }


STARTED: Final = kinds.register(
    Kind(
        name="emergency.started",
        group=groups.WORK,
        label=gettext_lazy("A patient's record was opened in an emergency"),
        title=_started_title,
        text=_started_text,
        takes=frozenset({"unusual", "records", "opened"}),
        capability=Capability.REVIEW_BREAK_GLASS,
    )
)
LATE: Final = kinds.register(
    Kind(
        name="emergency.late",
        group=groups.WORK,
        label=gettext_lazy("An emergency access waits too long for its review"),
        title=_late_title,
        text=gettext_lazy("Each is judged by somebody else than who opened it."),
        takes=frozenset({"late"}),
        capability=Capability.REVIEW_BREAK_GLASS,
    )
)
JUDGED: Final = kinds.register(
    Kind(
        name="emergency.judged",
        group=groups.ACCESS,
        label=gettext_lazy("My emergency access was reviewed"),
        title=gettext_lazy("Your emergency access was reviewed"),
        text=_verdict_text,
        takes=frozenset({"time", "verdict"}),
        capability=Capability.BREAK_GLASS,
    )
)


def tell_started(fresh: Sequence[EmergencyAccess]) -> int:
    """Tell the privacy officers at once; nobody is told of their own as if it were another's. How many are told."""
    told = 0
    for officer in _officers():
        others = [row for row in fresh if row.user_id != officer.pk]
        if not others:
            continue
        told += services.notify(
            [officer],
            STARTED,
            path=reverse("access:emergency-reviews"),
            subject=("emergency", str(others[0].pk)),
            params={
                "unusual": any(row.is_unusual for row in others),
                "records": len(others),
                "opened": [_written(row) for row in others[:_MOST]],
            },
            actor=SYSTEM,
        )
    return told


def tell_overdue(count: int) -> int:
    """Remind the privacy officers, once per access, that a verdict is late. How many are reminded."""
    return services.notify(
        _officers(),
        LATE,
        path=reverse("access:emergency-reviews"),
        subject=("emergency_review", ""),
        params={"late": count},
        actor=SYSTEM,
    )


def tell_verdict(judged: EmergencyAccess) -> int:
    """Tell the person what was found of their access."""
    return services.notify(
        [judged.user],
        JUDGED,
        path=reverse("access:emergency"),
        subject=("emergency", str(judged.pk)),
        params={"time": judged.started_at.isoformat(), "verdict": str(judged.verdict)},
        actor=SYSTEM,
    )


def _written(row: EmergencyAccess) -> dict[str, Any]:
    return {
        "time": row.started_at.isoformat(),
        "person": (row.said_name or row.user.label)[:100],
        "until": row.until.isoformat(),
        "purpose": row.purpose[:100],
    }


def _officers() -> list[User]:
    return selectors.people_capable(Capability.REVIEW_BREAK_GLASS)


def _moment(written: str) -> str:
    local = timezone.localtime(datetime.fromisoformat(written))
    return f"{formats.date_format(local, 'SHORT_DATE_FORMAT')} {formats.time_format(local, 'TIME_FORMAT')}"
