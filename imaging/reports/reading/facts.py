"""One study that is to be read, as a line: with the words and the clock that a template cannot make itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.scope import Scope
from imaging.reports.models import ReadingItem
from imaging.reports.reading import policies
from imaging.reports.reading.policies import Pressure
from imaging.studies.finding.prior_counts import prior_counts

_PRIORITY_NAMES: Final = {0: "stat", 1: "urgent", 2: "routine"}
_STATE_ICONS: Final = {
    ReadingItem.State.UNREAD: "st-complete",
    ReadingItem.State.DRAFT: "st-requested",
    ReadingItem.State.PRELIMINARY: "st-preliminary",
    ReadingItem.State.FINAL: "st-final",
    ReadingItem.State.NOT_READ: "st-archived",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the reading list. ``prior_count`` are the patient's other studies that this reader finds."""

    item: ReadingItem
    now: datetime
    reader: int
    prior_count: int

    @property
    def priority(self) -> str:
        """``stat``, ``urgent`` or ``routine``."""
        return _PRIORITY_NAMES.get(self.item.priority, "routine")

    @property
    def priority_word(self) -> str:
        """The priority as readers say it."""
        return {"stat": _("STAT"), "urgent": _("urgent"), "routine": _("routine")}[self.priority]

    @property
    def prio_icon(self) -> str:
        """The shape of the priority."""
        return f"pr-{self.priority}"

    @property
    def pressure(self) -> Pressure:
        """How its clock is shown; of what is signed it stands still, and presses nobody."""
        if self.item.reported_at is not None:
            return Pressure.CALM
        return policies.pressure(self.item.ready_at, self.item.due_at, self.now)

    @property
    def clock(self) -> str:
        """The time that is left, or by how much it is late, in words."""
        left = self.item.due_at - self.now
        if left >= timedelta(0):
            return _("%(time)s left") % {"time": span(left)}
        return _("%(time)s late") % {"time": span(-left)}

    @property
    def is_mine(self) -> bool:
        """Whether this reader has it."""
        return self.item.locked_by_id == self.reader

    @property
    def is_locked(self) -> bool:
        """Whether somebody else has it."""
        return self.item.locked_by_id is not None and not self.is_mine

    @property
    def is_open(self) -> bool:
        """Whether it can be taken at all."""
        return self.item.state in (ReadingItem.State.UNREAD, ReadingItem.State.DRAFT, ReadingItem.State.PRELIMINARY)

    @property
    def state_icon(self) -> str:
        """The shape of its state."""
        return "st-reading" if self.item.locked_by_id else _STATE_ICONS[ReadingItem.State(self.item.state)]


def lines(items: Sequence[ReadingItem], *, scope: Scope, now: datetime, reader: int) -> list[Line]:
    """The rows of a page; one more query for the earlier studies."""
    priors = prior_counts(scope, [item.study for item in items])
    return [Line(item, now, reader, priors.get(item.study.patient_id, 0)) for item in items]


def span(length: timedelta) -> str:
    """A length of time in one or two words, as short as a clock: minutes below two hours, then hours, then days."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 120:
        return _("%(minutes)d min") % {"minutes": minutes}
    if minutes < 48 * 60:
        return _("%(hours)d h") % {"hours": minutes // 60}
    days = minutes // (24 * 60)
    return ngettext("%(days)d day", "%(days)d days", days) % {"days": days}
