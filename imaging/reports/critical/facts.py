"""A critical finding in the reader's words: its log, and how it was communicated, as a report tells it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.reports.models import CriticalFinding
from imaging.studies.models import Study

_WORDS: Final = {
    "raised": _("raised"),
    "reminded": _("reminded"),
    "escalated": _("passed on"),
    "acknowledged": _("acknowledged"),
    "told": _("told in person"),
    "withdrawn": pgettext_lazy("critical finding", "taken back"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the log."""

    at: datetime
    word: str
    by: str
    to: str
    note: str


def log_of(finding: CriticalFinding) -> list[Line]:
    """What happened to a finding, in order."""
    return [
        Line(step.at, str(_WORDS.get(step.name, step.name)), step.by, step.to, step.note) for step in finding.log.all()
    ]


@dataclass(frozen=True, slots=True)
class Communication:
    """Who was told of a finding, when, and who said that they know. ``level`` in the present language."""

    text: str
    level: str
    told: str
    at: datetime | None
    acknowledged_by: str
    acknowledged_at: datetime | None


def communications(study: Study) -> list[Communication]:
    """The findings of a study that hold, in the order in which they were raised."""
    rows = study.critical_findings.filter(withdrawn_at=None).select_related("recipient", "acknowledged_by")
    return [_communication(row) for row in rows.prefetch_related("log").order_by("raised_at", "pk")]


def _communication(finding: CriticalFinding) -> Communication:
    """Who has an account here is told as it is raised; somebody outside when it is noted that they were, which they said back."""
    told, at = finding.recipient_name, finding.raised_at if finding.recipient_id else None
    by, acknowledged_at = finding.acknowledged_by.label if finding.acknowledged_by else "", finding.acknowledged_at
    for step in finding.log.all():
        if step.name == "told":
            told, at, by = step.to or told, acknowledged_at, step.to or told
    return Communication(finding.text, str(finding.get_level_display()), told, at, by, acknowledged_at)
