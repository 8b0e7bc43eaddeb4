"""When an answer is due (GDPR, article 12(3); periods as in Regulation (EEC, Euratom) 1182/71, article 3)."""

import calendar
import datetime as dt
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from imaging.privacy.models import DataSubjectRequest

_KIND = DataSubjectRequest.Kind

#: By how many months the time to answer may be extended, once, where a request is complex.
EXTENSION_MONTHS: Final = 2

#: What the desk does about each kind, in words.
WHAT_TO_DO: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        _KIND.ACCESS: _(
            "Prepare a copy of the data and the letter about who looked; hand both over, then close the request."
        ),
        _KIND.RECTIFICATION: _(
            "Ask for the correction below: people who may correct identities do it, or say why not."
        ),
        _KIND.ERASURE: _(
            "The care record is kept by law and is not erased (art. 17(3)(b) and (c)). What may go is listed below."
        ),
        _KIND.RESTRICTION: _(
            "Restrict the record: nobody opens it then, except in an emergency. Lift it when the reason has gone."
        ),
        _KIND.PORTABILITY: _("Prepare a copy of the data: images in DICOM, the rest as JSON and CSV."),
        _KIND.OBJECTION: _(
            "Record below what the person opposes. Care by the departments that treat them is not concerned."
        ),
    }
)


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day so many months later; the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def due_on(received_on: dt.date, *, extended: bool = False) -> dt.date:
    """The last day to answer: a month after receipt, or three; on the next Monday where that is a weekend."""
    day = months_after(received_on, 1 + (EXTENSION_MONTHS if extended else 0))
    return day + dt.timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
