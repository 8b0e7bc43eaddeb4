"""What the reader asked the list for: the filters themselves, and the chips that show and remove them."""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import Department
from accounts.scope import Scope
from imaging.studies import selectors as studies
from imaging.templatetags.people import day
from imaging.viewer import wording
from imaging.viewer.addresses import ListAddress
from imaging.viewer.forms import ORDERS, RELATIVE_DAYS, StudyListForm

_ORDERS: Final = {
    "date": studies.Order.LATEST,
    "received": studies.Order.LAST_RECEIVED,
    "name": studies.Order.NAME,
    "mrn": studies.Order.PATIENT_ID,
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One active filter. `filters` is what remains without it, `without` the address that shows that."""

    label: str
    value: str
    without: str
    filters: studies.StudyFilters


@dataclass(frozen=True, slots=True)
class HidingChip:
    """A filter without which studies would be shown."""

    chip: Chip
    would_show: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for the list, as far as it could be understood; `errors` says what could not."""

    filters: studies.StudyFilters
    order_name: str
    cursor: str
    address: ListAddress
    departments: list[Department]
    chips: list[Chip]
    errors: list[str] = field(default_factory=list)

    @property
    def order(self) -> studies.Order:
        """The order of the rows."""
        return _ORDERS[self.order_name]

    @property
    def order_label(self) -> str:
        """The order in words."""
        return str(dict(ORDERS)[self.order_name])

    def hiding(self, scope: Scope) -> list[HidingChip]:
        """Return the filters that alone hide studies, with how many."""
        counted = [HidingChip(chip, studies.study_list(scope, chip.filters, limit=1).total) for chip in self.chips]
        return [entry for entry in counted if entry.would_show]


def asked(query: QueryDict, scope: Scope) -> Asked:
    """Read the address. A filter that cannot be read is left out and said."""
    form = StudyListForm(query)
    form.is_valid()
    cleaned: dict[str, Any] = form.cleaned_data
    errors = [str(error) for messages in form.errors.values() for error in messages]
    departments = list(studies.departments_of(scope))
    chosen = next((entry for entry in departments if entry.code == cleaned.get("department")), None)
    if cleaned.get("department") and chosen is None:
        errors.append(_("You have no list of this department."))
    filters = studies.StudyFilters(
        search=cleaned.get("q") or "",
        modality=cleaned.get("modality") or "",
        date_from=cleaned.get("from"),
        date_to=cleaned.get("to"),
        department=chosen.pk if chosen else None,
    )
    address = ListAddress(query)
    return Asked(
        filters=filters,
        order_name=cleaned.get("order") or "date",
        cursor=cleaned.get("cursor") or "",
        address=address,
        departments=departments,
        chips=_chips(filters, query, chosen, address),
        errors=errors,
    )


def _chips(
    filters: studies.StudyFilters, query: QueryDict, department: Department | None, address: ListAddress
) -> list[Chip]:
    chips = []

    def add(label: str, value: str, names: tuple[str, ...], **without: Any) -> None:
        chips.append(Chip(label, value, address.where(without=names), dataclasses.replace(filters, **without)))

    if filters.search:
        add(_("Search"), filters.search, ("q",), search="")
    if filters.date_from or filters.date_to:
        add(_("Date"), _days(filters, query), ("from", "to"), date_from=None, date_to=None)
    if filters.modality:
        add(_("Modality"), filters.modality, ("modality",), modality="")
    if department:
        add(_("Department"), department.label, ("department",), department=None)
    return chips


def _days(filters: studies.StudyFilters, query: QueryDict) -> str:
    """Write the days in the shortest words."""
    name = query.get("from", "")
    if name in RELATIVE_DAYS and not filters.date_to:
        return str(wording.DAYS[name])
    if filters.date_from and filters.date_to:
        if filters.date_from == filters.date_to:
            return day(filters.date_from)
        return f"{day(filters.date_from)} – {day(filters.date_to)}"
    if filters.date_from:
        return _("since %(day)s") % {"day": day(filters.date_from)}
    return _("until %(day)s") % {"day": day(filters.date_to)}
