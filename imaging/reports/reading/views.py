"""The reading list: the page, its rows, and what a reader does with one of them."""

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from imaging.reports.models import ReadingItem
from imaging.reports.reading import facts, filters, saved, selectors, services
from imaging.reports.reading.filters import ReadingFilters, Show
from imaging.reports.reading.forms import ColleagueForm, PriorityForm, ReasonForm, SaveForm
from imaging.reports.reading.selectors import Head, Reader
from imaging.reports.reading.services import NotOpen, NotYours
from imaging.studies.finding.saved_lists import ListNotFound, ListRefused

P = ParamSpec("P")

PAGE_SIZE = 50
#: Clocks are written anew this often, though nothing else changed.
_CLOCK_SECONDS = 60


def for_readers(
    view: Callable[Concatenate[HttpRequest, Reader, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who writes reports: 403 for others, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        person = selectors.reader(
            request.user,
            actor=request.actor,  # type: ignore[attr-defined]
            scope=request.scope,  # type: ignore[attr-defined]
        )
        if person is None:
            raise PermissionDenied
        response = view(request, person, *args, **names)
        response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)  # type: ignore[return-value]


@require_safe
@gzip_page
@for_readers
def page(request: HttpRequest, person: Reader) -> HttpResponseBase:
    """Show the list, with filters as they stand in the address."""
    wanted = filters.read(request.GET)
    modalities, subspecialties = selectors.offered(person)
    powers = saved.powers_of(person)
    context = {
        **_body(person, wanted),
        "modalities": modalities,
        "subspecialties": subspecialties,
        "parts": _parts(person, wanted),
        "kept": saved.lists_for(powers),
        "save_form": SaveForm(departments=person.departments, may_give_roles=bool(powers.managed)),
    }
    audit.record_read(
        audit.Action.STUDIES_QUERIED,
        actor=person.actor,
        subject_type="reading",
        subject_uid="",
        detail={"answers": len(context["lines"]), "show": wanted.show},
    )
    return render(request, "imaging/reports/reading/list.html", context)


@require_safe
@gzip_page
@for_readers
def rows(request: HttpRequest, person: Reader) -> HttpResponseBase:
    """Give the rows alone; 304 while nothing that this reader sees has changed."""
    wanted = filters.read(request.GET)
    heads = selectors.heads_of(person, wanted, limit=PAGE_SIZE)
    tag = _etag(request, person, heads)
    response: HttpResponseBase | None = get_conditional_response(request, etag=tag)
    if response is None:
        found = selectors.reading_list(person, wanted, limit=PAGE_SIZE, heads=heads)
        response = render(request, "imaging/reports/reading/_rows.html", _body(person, wanted, found))
    response["ETag"] = tag
    return response


def _etag(request: HttpRequest, person: Reader, heads: list[Head]) -> str:
    minute = int(timezone.now().timestamp()) // _CLOCK_SECONDS
    parts = [person.user.pk, get_language(), minute, heads]
    return f'"{hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:32]}"'


def _body(person: Reader, wanted: ReadingFilters, found: selectors.Page | None = None) -> dict[str, Any]:
    found = found or selectors.reading_list(person, wanted, limit=PAGE_SIZE)
    here = filters.address(wanted)
    return {
        "filters": wanted,
        "lines": facts.lines(found.items, scope=person.scope, now=timezone.now(), reader=person.user.pk),
        "query": here,
        "refresh_address": f"{reverse('reports:reading-rows')}?{_with_place(here, wanted)}",
        "next_address": f"?{filters.address(wanted, after=found.after)}" if found.after else "",
    }


def _with_place(here: str, wanted: ReadingFilters) -> str:
    return filters.address(wanted, after=wanted.after) if wanted.after else here


def _parts(person: Reader, wanted: ReadingFilters) -> list[dict[str, Any]]:
    counted = selectors.counts(person, wanted)
    names = {
        Show.OPEN: _("To read"),
        Show.MINE: pgettext("studies to be read", "Mine"),
        Show.COSIGN: _("To co-sign"),
        Show.DONE: _("Signed"),
        Show.NOT_READ: _("Not read"),
    }
    most = selectors.MOST_COUNTED
    return [
        {
            "name": name,
            "is_shown": show is wanted.show,
            "address": f"?show={show.value}" if show is not Show.OPEN else "?",
            "count": (f"{most - 1}+" if counted[show] >= most else str(counted[show])) if show in counted else "",
        }
        for show, name in names.items()
    ]


def _own(person: Reader, study_instance_uid: str) -> ReadingItem:
    item = selectors.item_of(person, study_instance_uid)
    if item is None:
        raise Http404
    return item


def _writer(item: ReadingItem) -> str:
    return reverse("reports:write", args=[item.study.study_instance_uid])


def _list(request: HttpRequest) -> HttpResponseBase:
    """Back to the list as it was: its filters come with the form, and are read as those of any address."""
    query = filters.address(filters.read(QueryDict(request.POST.get("list", "")[:2000])))
    return redirect(f"{reverse('reports:reading')}{'?' if query else ''}{query}")


@require_safe
@for_readers
def choices(request: HttpRequest, person: Reader, study_instance_uid: str) -> HttpResponseBase:
    """Show what can be done with one study of the list: alone as a page, or as the words of the list's dialog."""
    item = _own(person, study_instance_uid)
    line = facts.lines([item], scope=person.scope, now=timezone.now(), reader=person.user.pk)[0]
    context = {
        "line": line,
        "item": item,
        "study": item.study,
        "patient": item.study.patient,
        "query": filters.address(filters.read(request.GET)),
        "colleague_form": ColleagueForm(colleagues=selectors.colleagues(person, item.department_id)),
        "priority_form": PriorityForm(initial={"priority": item.priority}),
        "may_leave": item.state == ReadingItem.State.UNREAD and not line.is_locked,
        "is_left": item.state == ReadingItem.State.NOT_READ,
    }
    template = "_choices" if request.headers.get("HX-Request") else "choices"
    return render(request, f"imaging/reports/reading/{template}.html", context)


@require_POST
@for_readers
def read_next(request: HttpRequest, person: Reader) -> HttpResponseBase:
    """Take the most urgent study of the list that nobody has begun, and open it."""
    wanted = filters.read(QueryDict(request.POST.get("list", "")[:2000]))
    passed: list[int] = []
    while (item := selectors.next_item(person, wanted, besides=passed)) is not None:
        try:
            services.take(person, item)
        except (NotYours, NotOpen):
            # Somebody else was faster: the one after it.
            passed.append(item.pk)
            continue
        return redirect(_writer(item))
    messages.info(request, _("Nothing else waits in this list. What colleagues have begun stays with them."))
    return _list(request)


@require_POST
@for_readers
def take(request: HttpRequest, person: Reader, study_instance_uid: str) -> HttpResponseBase:
    """Read this study. Who has it already is told of, and can be asked, or taken over from."""
    item = _own(person, study_instance_uid)
    is_over = request.POST.get("over") == "yes"
    try:
        services.take(person, item, over=is_over)
    except NotYours as taken:
        messages.warning(request, _taken(taken))
        return _list(request)
    except NotOpen:
        messages.info(request, _("It has its report by now: nothing was changed."))
        return _list(request)
    return redirect(_writer(item))


def _taken(taken: NotYours) -> str:
    reader = taken.item.locked_by
    name = reader.label if reader else ""
    return _("%(name)s reads this study. Nothing was changed: choose another one, or take it over.") % {"name": name}


@require_POST
@for_readers
def give_back(request: HttpRequest, person: Reader, study_instance_uid: str) -> HttpResponseBase:
    """Let others read it; what was written stays with its report."""
    services.give_back(person, _own(person, study_instance_uid))
    return _list(request)


@require_POST
@for_readers
def assign(request: HttpRequest, person: Reader, study_instance_uid: str) -> HttpResponseBase:
    """Give it to a colleague."""
    item = _own(person, study_instance_uid)
    colleagues = selectors.colleagues(person, item.department_id)
    form = ColleagueForm(request.POST, colleagues=colleagues)
    if not form.is_valid():
        messages.error(request, _("Choose a colleague who reads for this department. Nothing was changed."))
        return _list(request)
    chosen = next((one for one in colleagues if one.pk == form.cleaned_data["colleague"]), None)
    return _done(request, functools.partial(services.assign, person, item, chosen))


@require_POST
@for_readers
def set_priority(request: HttpRequest, person: Reader, study_instance_uid: str) -> HttpResponseBase:
    """Read it sooner or later."""
    item = _own(person, study_instance_uid)
    form = PriorityForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a priority. Nothing was changed."))
        return _list(request)
    return _done(request, functools.partial(services.set_priority, person, item, form.cleaned_data["priority"]))


@require_POST
@for_readers
def leave_unread(request: HttpRequest, person: Reader, study_instance_uid: str) -> HttpResponseBase:
    """Say that it is not read, and why; an empty reason takes that back."""
    item = _own(person, study_instance_uid)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("A reason has 200 characters at most. Nothing was changed."))
        return _list(request)
    return _done(request, functools.partial(services.leave_unread, person, item, reason=form.cleaned_data["reason"]))


def _done(request: HttpRequest, act: Callable[[], object]) -> HttpResponseBase:
    try:
        act()
    except NotYours as taken:
        messages.warning(request, _taken(taken))
    except NotOpen:
        messages.info(request, _("It has its report by now: nothing was changed."))
    return _list(request)


@require_POST
@for_readers
def keep(request: HttpRequest, person: Reader) -> HttpResponseBase:
    """Keep the list with its filters under a name."""
    managed = saved.powers_of(person).managed
    form = SaveForm(request.POST, departments=person.departments, may_give_roles=bool(managed))
    if not form.is_valid():
        messages.error(request, _("A list needs a name of 80 characters at most. It was not kept."))
        return _list(request)
    try:
        saved.keep(person, form, request.POST.get("list", "")[:2000])
    except ListRefused:
        messages.error(
            request, _("It cannot be kept for them: choose yourself, a department of yours, or a shorter list.")
        )
    else:
        messages.success(request, _("The list is kept."))
    return _list(request)


@require_POST
@for_readers
def forget(request: HttpRequest, person: Reader, key: UUID) -> HttpResponseBase:
    """Delete a kept list, for everybody who had it."""
    try:
        saved.forget(person, str(key))
    except ListNotFound:
        raise Http404 from None
    return _list(request)
