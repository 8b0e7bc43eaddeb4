"""The page of figures and its tables for a spreadsheet: for people who may see them, of the departments in which they may."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_safe

from accounts import selectors as accounts
from accounts.models import Department
from accounts.roles import Capability
from accounts.spreadsheet import answer
from imaging.orders.figures import drawing, policies, selectors
from imaging.orders.figures.selectors import Asked, Figures, Group
from imaging.orders.models import ExamRequest, Priority


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a filter."""

    value: str
    label: str
    is_chosen: bool


@require_safe
@login_required
def figures(request: HttpRequest) -> HttpResponseBase:
    """Show turn-around, backlog and no-shows. 403 without the capability."""
    departments = _departments(request)
    asked = _asked(request.GET, departments)
    found = selectors.figures(asked)
    names = _names(asked.by, found)
    waiting = selectors.backlog(asked)
    context = {
        "asked": asked,
        "filters": _filters(asked, departments, request.GET),
        "query": urlencode(_kept(request.GET)),
        "found": found,
        "absent_share": policies.share(found.absent, found.booked),
        "steps": drawing.steps(found.steps),
        "groups": drawing.groups(found.groups, lambda group: _label(asked.by, group, names)),
        "by": policies.BY[asked.by],
        "waiting": drawing.backlog(waiting),
        "waiting_now": sum(row.total for row in waiting),
        "ages": policies.AGE_LABELS,
        "days": drawing.days(found.days),
        "hours": drawing.hours(found.hours),
    }
    response = render(request, "imaging/orders/figures/figures.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@login_required
def table(request: HttpRequest, name: str) -> HttpResponseBase:
    """Give one of the page's tables as CSV, with seconds as plain numbers. 404 for a table that there is not."""
    departments = _departments(request)
    made = _TABLES.get(name)
    if made is None:
        raise Http404
    header, rows = made(_asked(request.GET, departments))
    return answer(f"figures-{name}", header, rows)


def _departments(request: HttpRequest) -> dict[int, Department]:
    """The departments whose figures this person may see, by name."""
    held = accounts.capabilities_by_department(request.user).get(Capability.READ_FIGURES, frozenset())
    if not held:
        raise PermissionDenied
    return {row.pk: row for row in accounts.departments_named(held)}


def _asked(asked: QueryDict, departments: dict[int, Department]) -> Asked:
    """Read the filters; what is none of what is offered is as if it were not there."""
    codes = {row.code: pk for pk, row in departments.items()}
    chosen = {codes[code] for code in asked.getlist("department")[:50] if code in codes}
    period, by, modality = asked.get("period", ""), asked.get("by", ""), asked.get("modality", "")
    priorities = {str(int(value)): value for value in Priority}
    return Asked(
        departments=frozenset(chosen or departments),
        period=period if period in policies.PERIODS else "30d",
        by=by if by in policies.BY else "modality",
        modality=modality if modality in selectors.modalities() else "",
        priority=priorities.get(asked.get("priority", "")),
    )


_NAMES: Final = ("period", "department", "modality", "priority", "by")


def _kept(asked: QueryDict) -> list[tuple[str, str]]:
    return [(name, value[:64]) for name in _NAMES for value in asked.getlist(name)[:50] if value]


def _filters(asked: Asked, departments: dict[int, Department], query: QueryDict) -> list[tuple[str, str, list[Choice]]]:
    """The filters of the page: name, label and values."""
    picked = set(query.getlist("department"))
    everything = [Choice("", _("all"), False)]
    return [
        (
            "period",
            _("Period"),
            [Choice(key, str(label), key == asked.period) for key, (_days, label) in policies.PERIODS.items()],
        ),
        (
            "department",
            _("Department"),
            everything + [Choice(row.code, row.label, row.code in picked) for row in departments.values()],
        ),
        (
            "modality",
            _("Modality"),
            everything + [Choice(name, name, name == asked.modality) for name in selectors.modalities()],
        ),
        (
            "priority",
            _("Priority"),
            everything + [Choice(str(int(one)), str(one.label), one == asked.priority) for one in Priority],
        ),
        ("by", _("Compared by"), [Choice(key, str(label), key == asked.by) for key, label in policies.BY.items()]),
    ]


def _label(by: str, group: Group, names: dict[int, str]) -> str:
    key = group.key
    if key is None or key == "":
        return str(policies.NOBODY)
    if by == "hour":
        return f"{key:02d}:00"
    if by == "weekday":
        return str(policies.WEEKDAYS[key - 1])
    if by == "priority":
        return str(Priority(key).label)
    if by in {"performing", "requesting"}:
        return names.get(key, str(policies.NOBODY))
    return str(key)


def _names(by: str, found: Figures) -> dict[int, str]:
    """The names of the departments that are compared, asked for at once."""
    if by not in {"performing", "requesting"}:
        return {}
    return {row.pk: row.label for row in accounts.departments_named(group.key for group in found.groups if group.key)}


Table = tuple[Sequence[Any], Sequence[Sequence[Any]]]


def _steps_table(asked: Asked) -> Table:
    found = selectors.figures(asked)
    header = (_("Step"), _("Measured"), _("Median (s)"), _("90 % within (s)"))
    rows = [
        (step.label, times.count, _whole(times.median), _whole(times.nine_of_ten))
        for step in policies.STEPS
        if (times := found.steps[step.key])
    ]
    return header, rows


def _groups_table(asked: Asked) -> Table:
    found = selectors.figures(asked)
    names = _names(asked.by, found)
    header = (
        *(str(policies.BY[asked.by]), _("Requests"), _("Booked"), _("Did not come"), _("Ended otherwise")),
        *(_("Reported"), _("Median (s)"), _("90 % within (s)")),
    )
    rows = [
        (
            *(_label(asked.by, group, names), group.asked, group.booked, group.absent, group.ended),
            *(group.times.count, _whole(group.times.median), _whole(group.times.nine_of_ten)),
        )
        for group in found.groups
    ]
    return header, rows


def _backlog_table(asked: Asked) -> Table:
    header = (
        pgettext("request", "State"),
        *(str(label) for label in policies.AGE_LABELS),
        _("Together"),
        _("Oldest since"),
    )
    rows = [
        (
            ExamRequest.State(row.state).label,
            *row.counts,
            row.total,
            timezone.localtime(row.oldest).strftime("%Y-%m-%d %H:%M") if row.oldest else "",
        )
        for row in selectors.backlog(asked)
    ]
    return header, rows


def _days_table(asked: Asked) -> Table:
    found = selectors.figures(asked)
    return (_("Day"), _("Requests"), _("Reported")), [(day.isoformat(), *counts) for day, *counts in found.days]


def _hours_table(asked: Asked) -> Table:
    found = selectors.figures(asked)
    header = (_("Day of the week"), *(f"{hour:02d}:00" for hour in range(24)))
    rows = [
        (label, *(found.hours.get((day, hour), 0) for hour in range(24)))
        for day, label in enumerate(policies.WEEKDAYS, 1)
    ]
    return header, rows


def _whole(seconds: float | None) -> str:
    return "" if seconds is None else str(round(seconds))


_TABLES: Final[dict[str, Callable[[Asked], Table]]] = {
    "steps": _steps_table,
    "groups": _groups_table,
    "backlog": _backlog_table,
    "days": _days_table,
    "hours": _hours_table,
}
