"""What surrounds the rows of the study list: headers that sort, filters to choose from, lists that are one click away."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from accounts.models import Department
from accounts.roles import Role
from imaging.studies.finding.saved_lists import Powers
from imaging.studies.models import SavedList
from imaging.viewer import wording
from imaging.viewer.addresses import ListAddress, address_of_list
from imaging.viewer.filters import Asked
from imaging.viewer.list_columns import COLUMNS, Column, Shape, ShownColumn


@dataclass(frozen=True, slots=True)
class Header:
    """One column's header. `sort` is ascending, descending or empty; `address` sorts by it, or turns the order round."""

    shown: ShownColumn
    address: str = ""
    sort: str = ""

    @property
    def column(self) -> Column:
        """The column itself."""
        return self.shown.column


@dataclass(frozen=True, slots=True)
class Entry:
    """A list that is one click away."""

    label: str
    icon: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Lists with one heading."""

    label: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Choice:
    """A value that a filter offers."""

    value: str
    label: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ColumnOption:
    """A column in the form where columns are chosen."""

    shown: ShownColumn
    is_shown: bool


def frame(wanted: Asked, shape: Shape, lists: list[SavedList], powers: Powers) -> dict[str, Any]:
    """Return what surrounds the rows, and is not refreshed with them."""
    address = wanted.address
    return {
        "heading": _heading(wanted),
        "kept": wanted.kept,
        "is_changed": wanted.is_changed,
        "may_change_list": wanted.kept is not None and powers.may_change(wanted.kept),
        "order_label": wanted.order_label,
        "headers": [_header(shown, wanted) for shown in shape.columns],
        "orders": list(_orders(wanted)),
        "shape": shape,
        "column_options": list(_column_options(shape)),
        "groups": [group for group in _groups(wanted, lists) if group.entries],
        "state": address.state,
        "hidden": address.pairs(),
        "errors": wanted.errors,
        **_menus(wanted),
        **recipients(wanted.departments, powers),
    }


def recipients(departments: list[Department], powers: Powers) -> dict[str, Any]:
    """Return for whom this reader may keep a list."""
    return {
        "recipient_departments": departments,
        "recipient_roles": list(Role.choices) if powers.managed else [],
    }


def _menus(wanted: Asked) -> dict[str, Any]:
    address, filters = wanted.address, wanted.filters
    return {
        "days": [{"label": label, "address": address.chosen("from", name)} for name, label in wording.DAYS.items()],
        "first_day": filters.date_from.isoformat() if filters.date_from else "",
        "last_day": filters.date_to.isoformat() if filters.date_to else "",
        "without_days": address.pairs(without=("from", "to")),
        "modalities": [Choice(code, str(label), code in filters.modalities) for code, label in _modalities(wanted)],
        "without_modality": address.pairs(without=("modality",)),
        "department_choices": [
            Choice(entry.code, entry.label, entry.pk in filters.departments) for entry in wanted.departments
        ],
        "without_department": address.pairs(without=("department",)),
        "statuses": [Choice(name, str(label), name in filters.statuses) for name, label in wording.STATUSES.items()],
        "without_status": address.pairs(without=("status",)),
        "offered": [
            {
                "name": name,
                "label": label,
                "chosen": [Choice(value, value, is_chosen=True) for value in chosen],
                "without": address.pairs(without=(name,)),
            }
            for name, label, chosen in (
                ("body", _("Body part"), filters.body_parts),
                ("source", _("Source"), filters.sources),
            )
        ],
        "referring": filters.referring,
        "without_referring": address.pairs(without=("referring",)),
    }


def _modalities(wanted: Asked) -> Iterator[tuple[str, Any]]:
    """The usual modalities, after those that were chosen and are none of them."""
    yield from ((code, "") for code in wanted.filters.modalities if code not in wording.MODALITIES)
    yield from wording.MODALITIES.items()


def _header(shown: ShownColumn, wanted: Asked) -> Header:
    column = shown.column
    if column.orders is None:
        return Header(shown)
    is_first = wanted.order is column.first
    sort = ""
    if wanted.order in column.orders:
        sort = "descending" if wanted.order.descending else "ascending"
    return Header(shown, wanted.address.where(order=f"-{column.key}" if is_first else column.key), sort)


def _orders(wanted: Asked) -> Iterator[Header]:
    """Every order that the list offers, for a phone, where there are no headers to click."""
    for column in COLUMNS.values():
        if column.orders is not None:
            yield _header(ShownColumn(column), wanted)


def _column_options(shape: Shape) -> Iterator[ColumnOption]:
    shown = {entry.column.key for entry in shape.columns}
    for entry in shape.columns:
        if not entry.column.is_quiet:
            yield ColumnOption(entry, is_shown=True)
    for key, column in COLUMNS.items():
        if key not in shown:
            yield ColumnOption(ShownColumn(column), is_shown=False)


def _heading(wanted: Asked) -> str:
    if wanted.kept is not None:
        return wanted.kept.name
    chosen = [entry.label for entry in wanted.departments if entry.pk in wanted.filters.departments]
    if not chosen and len(wanted.departments) == 1:
        chosen = [wanted.departments[0].label]
    return _("Studies, %(department)s") % {"department": ", ".join(chosen)} if chosen else _("Studies")


def _groups(wanted: Asked, lists: list[SavedList]) -> Iterator[Group]:
    bare = ListAddress(QueryDict())
    predefined: tuple[tuple[str, str, dict[str, str]], ...] = (
        (_("All studies"), "folder", {}),
        (_("Today"), "clock", {"from": "today"}),
        (_("Last 7 days"), "calendar", {"from": "7d"}),
        (_("Arriving"), "download", {"status": "arriving"}),
        (_("Needs attention"), "alert-triangle", {"status": "attention"}),
    )
    yield Group(_("Lists"), list(_entries(wanted, predefined, bare)))
    mine = [entry for entry in lists if entry.audience == SavedList.Audience.MINE]
    yield Group(_("My lists"), [_kept(entry, wanted) for entry in mine])
    for department in wanted.departments:
        given = [entry for entry in lists if entry.department_id == department.pk]
        usual = (
            (_("Last 24 hours"), "clock", {"from": "24h", "department": department.code}),
            (_("All of the department"), "list-search", {"department": department.code}),
        )
        yield Group(department.label, [*_entries(wanted, usual, bare), *(_kept(entry, wanted) for entry in given)])
    for role, label in Role.choices:
        given = [entry for entry in lists if entry.role == role]
        yield Group(str(label), [_kept(entry, wanted) for entry in given])


def _entries(wanted: Asked, lists: Iterable[tuple[str, str, dict[str, str]]], bare: ListAddress) -> Iterator[Entry]:
    for label, icon, query in lists:
        address = bare.where(**query)
        yield Entry(label, icon, address, address == wanted.address.where())


def _kept(entry: SavedList, wanted: Asked) -> Entry:
    is_current = wanted.kept is not None and wanted.kept.pk == entry.pk
    return Entry(entry.name, "list-search", address_of_list(entry), is_current)
