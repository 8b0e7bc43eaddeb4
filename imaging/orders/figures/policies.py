"""What is measured between which moments, over which time and by what: pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from imaging.orders.models import ExamRequest

_State = ExamRequest.State


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of a request's way, between two columns of moments."""

    key: str
    label: Promise
    begins: str
    ends: str


STEPS: Final = (
    Step("vetting", gettext_lazy("Asked until vetted"), "requested_at", "vetted_at"),
    Step("booking", gettext_lazy("Vetted until booked"), "vetted_at", "scheduled_at"),
    Step("coming", gettext_lazy("Booked until arrived"), "scheduled_at", "arrived_at"),
    Step("waiting", gettext_lazy("Arrived until begun"), "arrived_at", "started_at"),
    Step("making", gettext_lazy("Begun until the images are made"), "started_at", "completed_at"),
    Step("reading", gettext_lazy("Images made until reported"), "completed_at", "reported_at"),
    Step("heeding", gettext_lazy("Reported until read by who asked"), "reported_at", "acknowledged_at"),
    Step("whole", gettext_lazy("The whole way: asked until reported"), "requested_at", "reported_at"),
)

#: What still waits for somebody, with the moment since when it does.
OPEN: Final[Mapping[_State, str]] = {
    _State.REQUESTED: "requested_at",
    _State.RETURNED: "requested_at",
    _State.VETTED: "vetted_at",
    _State.SCHEDULED: "scheduled_at",
    _State.ARRIVED: "arrived_at",
    _State.IN_PROGRESS: "started_at",
    _State.COMPLETED: "completed_at",
}

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
#: Upper ends of the ages, in seconds; the last age has none.
AGES: Final = (_HOUR, 4 * _HOUR, _DAY, 7 * _DAY)
AGE_LABELS: Final = (
    gettext_lazy("under 1 h"),
    gettext_lazy("1 to 4 h"),
    gettext_lazy("4 to 24 h"),
    gettext_lazy("1 to 7 days"),
    gettext_lazy("over 7 days"),
)

#: Days back, today among them.
PERIODS: Final[Mapping[str, tuple[int, Promise]]] = {
    "7d": (7, gettext_lazy("last 7 days")),
    "30d": (30, gettext_lazy("last 30 days")),
    "90d": (90, gettext_lazy("last 90 days")),
    "365d": (365, gettext_lazy("last 12 months")),
}
BY: Final[Mapping[str, Promise]] = {
    "modality": gettext_lazy("modality"),
    "performing": gettext_lazy("department that performs"),
    "requesting": gettext_lazy("department that asks"),
    "priority": gettext_lazy("priority"),
    "hour": gettext_lazy("hour of the day"),
    "weekday": gettext_lazy("day of the week"),
}
#: As PostgreSQL counts them (ISO 8601).
WEEKDAYS: Final = (
    gettext_lazy("Monday"),
    gettext_lazy("Tuesday"),
    gettext_lazy("Wednesday"),
    gettext_lazy("Thursday"),
    gettext_lazy("Friday"),
    gettext_lazy("Saturday"),
    gettext_lazy("Sunday"),
)
NOBODY: Final = pgettext_lazy("figures", "not said")


def duration(seconds: float | None) -> str:
    """Return a time in its two largest units; a dash for none."""
    if seconds is None:
        return "–"
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("under 1 min")
    if minutes < 60:
        return ngettext("%(count)d min", "%(count)d min", minutes) % {"count": minutes}
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return _("%(hours)d h %(minutes)02d") % {"hours": hours, "minutes": rest}
    days, hours = divmod(hours, 24)
    return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}


def share(part: int, whole: int) -> str:
    """Return a part of a whole in percent, to one decimal; a dash where there is no whole."""
    return f"{100 * part / whole:.1f} %" if whole else "–"
