"""What the reader asked the list for: the filters themselves, and the chips that show and remove them."""

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Department
from accounts.scope import Scope
from imaging.studies import selectors as studies
from imaging.studies.finding.relative_days import days_back, hours_back
from imaging.studies.finding.saved_lists import ListNotFound, Powers, list_for
from imaging.studies.finding.time_limit import COUNT_SECONDS, SearchTooBroad, time_limit
from imaging.studies.models import SavedList
from imaging.templatetags.people import day
from imaging.viewer import wording
from imaging.viewer.addresses import ListAddress
from imaging.viewer.forms import StudyListForm
from imaging.viewer.list_columns import FIRST_ORDER, ORDERS, order_words


@dataclass(frozen=True, slots=True)
class Chip:
    """One active filter. `filters` is what remains without it, `without` the address that shows that."""

    name: str
    label: str
    value: str
    without: str
    filters: studies.StudyFilters


@dataclass(frozen=True, slots=True)
class HidingChip:
    """A filter without which more studies would be shown: how many more, and whether that is their exact number.

    ``hidden`` is None where counting them takes too long.
    """

    chip: Chip
    hidden: int | None
    is_exact: bool = True

    @property
    def number(self) -> str:
        """How many, as it is shown."""
        return f"{self.hidden}" if self.is_exact else f"{self.hidden}+"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for the list, as far as it could be understood; `errors` says what could not."""

    filters: studies.StudyFilters
    order_name: str
    cursor: str
    address: ListAddress
    departments: list[Department]
    chips: list[Chip]
    kept: SavedList | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def order(self) -> studies.Order:
        """The order of the rows."""
        return ORDERS[self.order_name]

    @property
    def order_label(self) -> str:
        """The order in words."""
        return order_words(self.order_name)

    @property
    def is_changed(self) -> bool:
        """Whether the saved list was opened and then filtered or sorted differently."""
        return self.kept is not None and self.kept.query != self.address.query

    def hiding(self, scope: Scope, *, shown: int) -> list[HidingChip]:
        """Return the filters that alone hide studies beside the `shown` ones, with how many; counted as far as it is cheap."""
        entries = []
        for chip in self.chips:
            try:
                with time_limit(COUNT_SECONDS):
                    counted = studies.study_count(scope, chip.filters, exact=False)
            except SearchTooBroad:
                entries.append(HidingChip(chip, None, is_exact=False))
                continue
            if counted.number > shown:
                entries.append(HidingChip(chip, counted.number - shown, counted.is_exact))
        return entries


def asked(address: ListAddress, scope: Scope, powers: Powers) -> Asked:
    """Read the address. A filter that cannot be read is left out and said; a saved list alone stands for its own filters."""
    errors: list[str] = []
    kept: SavedList | None = None
    if address.list_key:
        try:
            kept = list_for(powers, address.list_key)
        except ListNotFound:
            errors.append(_("This saved list is not there any more, or is not yours."))
        if address.is_bare or kept is None:
            address = _opened(address, kept)
    form = StudyListForm(QueryDict(address.query))
    form.is_valid()
    cleaned: dict[str, Any] = form.cleaned_data
    errors += [str(error) for messages in form.errors.values() for error in messages]
    departments = list(studies.departments_of(scope))
    chosen = [entry for entry in departments if entry.code in cleaned.get("department", ())]
    if len(chosen) < len(cleaned.get("department", ())):
        errors.append(_("You have no list of this department."))
    filters = _filters(cleaned, chosen)
    return Asked(
        filters=filters,
        order_name=cleaned.get("order") or FIRST_ORDER,
        cursor=address.cursor,
        address=address,
        departments=departments,
        chips=_chips(filters, chosen, address),
        kept=kept,
        errors=list(dict.fromkeys(errors)),
    )


def _opened(address: ListAddress, kept: SavedList | None) -> ListAddress:
    """The address of a saved list with its filters written out; without the list, when it is not the reader's."""
    query = QueryDict(kept.query if kept else address.query, mutable=True)
    if kept:
        query["list"] = str(kept.key)
    if address.cursor:
        query["cursor"] = address.cursor
    return ListAddress(query)


def _filters(cleaned: dict[str, Any], departments: list[Department]) -> studies.StudyFilters:
    first = cleaned.get("from")
    since = first if isinstance(first, dt.datetime) else None
    return studies.StudyFilters(
        search=cleaned.get("q") or "",
        modalities=cleaned.get("modality", ()),
        since=since,
        date_from=None if since else first,
        date_to=cleaned.get("to"),
        departments=tuple(entry.pk for entry in departments),
        body_parts=cleaned.get("body", ()),
        statuses=tuple(studies.Status(name) for name in cleaned.get("status", ())),
        referring=cleaned.get("referring") or "",
        sources=cleaned.get("source", ()),
    )


def _chips(filters: studies.StudyFilters, departments: list[Department], address: ListAddress) -> list[Chip]:
    chips = []

    def add(label: str, value: str, names: tuple[str, ...], **without: Any) -> None:
        chips.append(
            Chip(names[0], label, value, address.where(without=names), dataclasses.replace(filters, **without))
        )

    if filters.search:
        add(_("Search"), filters.search, ("q",), search="")
    if filters.since or filters.date_from or filters.date_to:
        add(_("Date"), _days(filters, address), ("from", "to"), since=None, date_from=None, date_to=None)
    if filters.modalities:
        add(_("Modality"), ", ".join(filters.modalities), ("modality",), modalities=())
    if departments:
        add(_("Department"), ", ".join(entry.label for entry in departments), ("department",), departments=())
    if filters.body_parts:
        add(_("Body part"), ", ".join(filters.body_parts), ("body",), body_parts=())
    if filters.statuses:
        value = ", ".join(str(wording.STATUSES[status]) for status in filters.statuses)
        add(_("Status"), value, ("status",), statuses=())
    if filters.referring:
        add(_("Referring physician"), filters.referring, ("referring",), referring="")
    if filters.sources:
        add(_("Source"), ", ".join(filters.sources), ("source",), sources=())
    return chips


def _days(filters: studies.StudyFilters, address: ListAddress) -> str:
    """Write the days in the shortest words; relative ones stay relative."""
    name = next(iter(address.values("from")), "")
    hours = hours_back(name)
    if hours is not None:
        label = ngettext("last %(count)d hour", "last %(count)d hours", hours) % {"count": hours}
        return f"{label} – {day(filters.date_to)}" if filters.date_to else label
    if not filters.date_to:
        if name in wording.DAYS:
            return str(wording.DAYS[name])
        back = days_back(name)
        if back is not None:
            return ngettext("last %(count)d day", "last %(count)d days", back + 1) % {"count": back + 1}
    if filters.date_from and filters.date_to:
        if filters.date_from == filters.date_to:
            return day(filters.date_from)
        return f"{day(filters.date_from)} – {day(filters.date_to)}"
    if filters.date_from:
        return _("since %(day)s") % {"day": day(filters.date_from)}
    return _("until %(day)s") % {"day": day(filters.date_to)}
