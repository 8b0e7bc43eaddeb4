"""Saved lists and columns: kept by forms that lead back to where they were sent from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Role
from imaging.studies import selectors as studies
from imaging.studies.finding import list_layouts, saved_lists
from imaging.studies.finding.list_layouts import ColumnChoice
from imaging.studies.finding.saved_lists import ListNotFound, ListRefused, Powers, Recipient
from imaging.studies.models import SavedList
from imaging.viewer.addresses import address_of_list
from imaging.viewer.filters import asked
from imaging.viewer.list_columns import COLUMNS, Shape, shape_of, width_of
from imaging.viewer.list_frame import recipients
from imaging.viewer.selected import list_address

Audience = SavedList.Audience


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """A saved list on the page where they are arranged."""

    kept: SavedList
    key: str
    address: str
    owner: str
    recipient: str
    may_change: bool
    is_first: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class KeptGroup:
    """Saved lists of one person, department or role."""

    label: str
    entries: list[KeptEntry]


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the saved lists that the reader has, to rename, give away, arrange and delete those that are theirs to change."""
    powers = _powers(request)
    groups = [group for group in _groups(powers) if group.entries]
    departments = list(studies.departments_of(request.scope))  # type: ignore[attr-defined]
    response = render(request, "imaging/viewer/saved_lists.html", {"groups": groups, **recipients(departments, powers)})
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def save(request: HttpRequest) -> HttpResponseBase:
    """Keep the list of the address in the field `state`, with the columns that the reader sees there."""
    powers, address = _powers(request), list_address(request)
    wanted = asked(address, request.scope, powers)  # type: ignore[attr-defined]
    layout = list_layouts.layout_for(powers.user, wanted.kept)
    try:
        kept = saved_lists.save_list(
            powers,
            actor=request.actor,  # type: ignore[attr-defined]
            name=request.POST.get("name", ""),
            query=wanted.address.query,
            columns=list_layouts.written_columns(layout.columns),
            recipient=_recipient(request),
        )
    except ListRefused as refusal:
        messages.error(request, _refusal(refusal))
        return redirect(address.here())
    messages.success(request, _("The list “%(name)s” is saved.") % {"name": kept.name})
    return redirect(address_of_list(kept))


@require_POST
@login_required
def change(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Rename a list, give it to others, move it, or give it the filters of the address in the field `state`."""
    powers, do = _powers(request), request.POST.get("do", "")
    actor = request.actor  # type: ignore[attr-defined]
    try:
        if do in {"up", "down"}:
            saved_lists.move_list(powers, str(key), actor=actor, step=-1 if do == "up" else 1)
            return redirect("viewer:lists")
        if do == "filters":
            kept = saved_lists.change_list(powers, str(key), actor=actor, query=list_address(request).query)
            messages.success(request, _("The list “%(name)s” has these filters now.") % {"name": kept.name})
            return redirect(address_of_list(kept))
        kept = saved_lists.change_list(
            powers, str(key), actor=actor, name=request.POST.get("name", ""), recipient=_recipient(request)
        )
    except ListNotFound:
        raise Http404 from None
    except ListRefused as refusal:
        messages.error(request, _refusal(refusal))
        return redirect("viewer:lists")
    messages.success(request, _("The list “%(name)s” is saved.") % {"name": kept.name})
    return redirect("viewer:lists")


@require_POST
@login_required
def delete(request: HttpRequest, key: UUID) -> HttpResponseBase:
    """Delete a list."""
    try:
        kept = saved_lists.delete_list(_powers(request), str(key), actor=request.actor)  # type: ignore[attr-defined]
    except ListNotFound:
        raise Http404 from None
    messages.success(request, _("The list “%(name)s” is deleted.") % {"name": kept.name})
    return redirect("viewer:lists")


@require_POST
@login_required
def layout(request: HttpRequest) -> HttpResponseBase:
    """Keep columns, widths and density of one reader for one list; or forget them; or give them to all who have the list."""
    powers, address = _powers(request), list_address(request)
    kept = asked(address, request.scope, powers).kept  # type: ignore[attr-defined]
    do = request.POST.get("do", "")
    if do == "reset":
        list_layouts.forget_layout(powers.user, kept)
        return redirect(address.here())
    shape = _chosen_shape(request.POST, do)
    choices = [ColumnChoice(shown.column.key, shown.width) for shown in shape.columns]
    density = request.POST.get("density", "")
    list_layouts.keep_layout(powers.user, kept, columns=choices, density=density)
    if do == "give" and kept is not None:
        try:
            written = list_layouts.written_columns(choices)
            saved_lists.change_list(powers, str(kept.key), actor=request.actor, columns=written)  # type: ignore[attr-defined]
        except ListNotFound:
            raise Http404 from None
        messages.success(request, _("All readers of “%(name)s” see these columns first.") % {"name": kept.name})
    return redirect(address.here())


def _chosen_shape(form: QueryDict, do: str) -> Shape:
    """The columns of the form in their order, after one of them was moved."""
    order = [key for key in dict.fromkeys(form.getlist("position")) if key in COLUMNS]
    step, _colon, moved = do.partition(":")
    if step in {"up", "down"} and moved in order:
        place = order.index(moved)
        new = min(max(place + (-1 if step == "up" else 1), 0), len(order) - 1)
        order.insert(new, order.pop(place))
    ticked = {*form.getlist("column"), *(key for key, column in COLUMNS.items() if column.is_fixed)}
    chosen = [ColumnChoice(key, width_of(form.get(f"width-{key}", ""))) for key in order if key in ticked]
    return shape_of(list_layouts.Layout(tuple(chosen)))


def _groups(powers: Powers) -> Iterator[KeptGroup]:
    lists = saved_lists.lists_for(powers)
    mine = [kept for kept in lists if kept.audience == Audience.MINE]
    yield KeptGroup(_("Mine"), _entries(mine, powers))
    departments = {kept.department.pk: kept.department for kept in lists if kept.department is not None}
    for department in sorted(departments.values(), key=lambda entry: entry.label):
        given = [kept for kept in lists if kept.department_id == department.pk]
        yield KeptGroup(department.label, _entries(given, powers))
    for role, label in Role.choices:
        yield KeptGroup(str(label), _entries([kept for kept in lists if kept.role == role], powers))


def _entries(lists: list[SavedList], powers: Powers) -> list[KeptEntry]:
    return [
        KeptEntry(
            kept=kept,
            key=str(kept.key),
            address=address_of_list(kept),
            owner=kept.owner.get_full_name() or kept.owner.get_username(),
            recipient=_written_recipient(kept),
            may_change=powers.may_change(kept),
            is_first=place == 0,
            is_last=place == len(lists) - 1,
        )
        for place, kept in enumerate(lists)
    ]


def _written_recipient(kept: SavedList) -> str:
    if kept.department is not None:
        return f"department:{kept.department.code}"
    return f"role:{kept.role}" if kept.role else "mine"


def _recipient(request: HttpRequest) -> Recipient:
    """For whom the form keeps the list; a department that is not the reader's is none."""
    audience, _colon, name = request.POST.get("recipient", "mine").partition(":")
    if audience == "department":
        held = studies.departments_of(request.scope)  # type: ignore[attr-defined]
        return Recipient(Audience.DEPARTMENT, department=next((entry for entry in held if entry.code == name), None))
    if audience == "role":
        return Recipient(Audience.ROLE, role=name)
    return Recipient()


def _powers(request: HttpRequest) -> Powers:
    return saved_lists.powers_of(request.user, request.scope)  # type: ignore[arg-type,attr-defined]


_SENTENCES: Final[Mapping[str, str | Promise]] = {
    "no_name": gettext_lazy("The list was not saved: it needs a name."),
    "long_name": gettext_lazy("The list was not saved: its name is longer than 80 characters."),
    "too_long": gettext_lazy("The list was not saved: it has too many filters. Remove some and save it again."),
    "too_many": gettext_lazy("The list was not saved: you have 100 lists. Delete one that you do not need any more."),
    "not_given": gettext_lazy("The list was not saved: you cannot give lists to this department or role."),
}


def _refusal(refusal: ListRefused) -> str:
    return str(_SENTENCES[refusal.code])
