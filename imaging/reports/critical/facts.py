"""The log of a critical finding, in the reader's words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.reports.models import CriticalFinding

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
