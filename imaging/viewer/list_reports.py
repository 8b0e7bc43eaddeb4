"""How far the report of each study of the list is: a shape and a word, asked for a page at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from imaging.reports.selectors import Standing


@dataclass(frozen=True, slots=True)
class Mark:
    """A standing as the list shows it: ``state`` is its class, ``icon`` its shape."""

    state: str
    icon: str
    word: str | Promise


MARKS: Final[Mapping[Standing, Mark]] = {
    Standing.UNREAD: Mark("requested", "st-requested", _("unread")),
    Standing.READING: Mark("reading", "st-reading", pgettext_lazy("report", "being read")),
    Standing.PRELIMINARY: Mark("preliminary", "st-preliminary", _("preliminary")),
    Standing.FINAL: Mark("final", "st-final", _("final")),
    Standing.ADDENDED: Mark("addended", "st-addended", _("with addendum")),
    Standing.CORRECTED: Mark("addended", "st-addended", pgettext_lazy("report", "corrected")),
    Standing.WITHDRAWN: Mark("rejected", "st-rejected", pgettext_lazy("report", "withdrawn")),
}
