"""The form of a request: shown, kept while it is typed, and sent."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import selectors as accounts
from imaging.orders.catalogue import selectors as catalogue
from imaging.orders.catalogue import services as catalogue_services
from imaging.orders.models import ExamRequest, Priority, Procedure, Region, Sides
from imaging.orders.requesting import facts, forms, policies, selectors, services, warnings
from imaging.orders.requesting.asking import for_askers, opened, the_request, version_of
from imaging.orders.requesting.policies import Asker, Missing, NotComplete
from imaging.orders.transitions import ChangedMeanwhile, NotAllowed
from imaging.orders.workflow import CHANGEABLE, State, TransitionRefused


@require_http_methods(["GET", "HEAD", "POST"])
@for_askers
def edit(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Show the form; keep what is posted, and send it where the button says so. 422 with what is missing."""
    found = opened(person, key)
    if found.state not in CHANGEABLE or not _is_theirs(found, person):
        return redirect("orders:request", key=key)
    if request.method != "POST":
        return render(request, "imaging/orders/requesting/edit.html", _page(found, person))
    form = _form(request, person)
    columns, answers = _posted(request, found, form)
    try:
        return _kept(request, person, key, form, (columns, answers))
    except NotComplete as refused:
        draft = _with(the_request(person, key), columns, answers)
        page = _page(draft, person, missing=refused.missing)
        return render(request, "imaging/orders/requesting/edit.html", page, status=422)
    except ChangedMeanwhile as changed:
        mine = _with(the_request(person, key), columns, answers)
        page = {**_page(mine, person), "changed": changed.request}
        return render(request, "imaging/orders/requesting/edit.html", page, status=409)
    except TransitionRefused:
        messages.warning(request, _("The request has gone on meanwhile: it cannot be changed here any more."))
        return redirect("orders:request", key=key)
    except NotAllowed as refused:
        raise PermissionDenied from refused


def _kept(
    request: HttpRequest,
    person: Asker,
    key: uuid.UUID,
    form: forms.RequestForm,
    typed: tuple[dict[str, Any], dict[str, Any]],
) -> HttpResponseBase:
    """Keep what was typed, send it where the button says so, and go on to the next page."""
    saved = services.save(person, key, *typed, seen_version=_seen(request))
    if saved.state != State.DRAFT:
        messages.success(request, _("Changed. Who does the exam sees it."))
        return redirect("orders:request", key=key)
    if "send" in request.POST:
        if problems := _mistyped(form):
            raise NotComplete(problems)
        sent = services.send(person, key, seen_version=saved.version)
        told = {"number": sent.accession_number}
        messages.success(request, _("Sent. Its accession number is %(number)s.") % told)
        return redirect("orders:request", key=key)
    if "later" in request.POST:
        messages.success(request, _("Kept as a draft."))
        return redirect("orders:requests")
    return redirect("orders:edit", key=key)


@require_POST
@for_askers
def save(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Keep a draft while it is typed, and answer with what follows from it: questions of safety, warnings, hints.

    Always 200, so that the page shows what stands in the way: somebody else's change is told, and nothing is replaced.
    """
    found = the_request(person, key)
    if not _is_theirs(found, person):
        raise PermissionDenied
    form = _form(request, person)
    columns, answers = _posted(request, found, form)
    context: dict[str, Any] = {}
    if found.state == State.DRAFT:
        try:
            found = services.save(person, key, columns, answers, seen_version=_seen(request))
            context["is_saved"] = True
        except ChangedMeanwhile as changed:
            context["changed"] = changed.request
            found = _with(the_request(person, key), columns, answers)
        except TransitionRefused:
            context["is_gone_on"] = True
    else:
        found = _with(found, columns, answers)
    context |= _advised(found, person, {one.field: one.words for one in _mistyped(form)})
    context["is_fragment"] = True
    context["has_new_questions"] = context["safety_digest"] != request.POST.get("asked", "")
    context["has_new_exam"] = (found.procedure.code if found.procedure else "") != request.POST.get("shown", "")
    return render(request, "imaging/orders/requesting/_saved.html", context)


@require_safe
@for_askers
def procedures(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Give the picker's lines for a text and a region; the exam chosen already stays among them."""
    region = request.GET.get("region", "")
    region = region if region in Region.values else ""
    context = _picker(person, request.GET.get("find", ""), region, chosen=request.GET.get("procedure", ""))
    return render(request, "imaging/orders/requesting/_procedures.html", context)


@require_POST
@for_askers
def star(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Keep an exam at hand, or not any more; the picker is given anew."""
    code = request.POST.get("star", "")
    found = catalogue.procedure_called(code)
    if found is not None:
        kept = {row.pk for row in catalogue.favourites(person.user)}
        catalogue_services.star(person.user, found, is_kept=found.pk not in kept)
    context = _picker(person, request.POST.get("find", ""), "", chosen=request.POST.get("procedure", ""))
    return render(request, "imaging/orders/requesting/_procedures.html", context)


def _is_theirs(found: ExamRequest, person: Asker) -> bool:
    return found.requester_id == person.user.pk or found.requesting_department_id in person.departments


def _seen(request: HttpRequest) -> int | None:
    """The version that was looked at; of who keeps theirs after being told, the one that they were told of."""
    text = request.POST.get("over", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else version_of(request)


def _form(request: HttpRequest, person: Asker) -> forms.RequestForm:
    return forms.RequestForm(
        request.POST,
        departments=accounts.departments_named(person.departments),
        performers=list(selectors.performers()),
    )


def _posted(request: HttpRequest, found: ExamRequest, form: forms.RequestForm) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was typed that can be meant: columns, and the answers to what is asked of the exam as posted."""
    columns = form.columns()
    preview = _with(found, columns, {})
    return columns, forms.answers(request.POST, services.asked(preview))


def _with(found: ExamRequest, columns: Mapping[str, Any], answers: Mapping[str, Any]) -> ExamRequest:
    """A request as it would be; not saved."""
    services.put(found, columns)
    services.put_answers(found, answers)
    return found


def _mistyped(form: forms.RequestForm) -> list[Missing]:
    form.is_valid()
    return [Missing(name, str(errors[0])) for name, errors in form.errors.items()]


def _picker(person: Asker, text: str, region: str, *, chosen: str) -> dict[str, Any]:
    rows = catalogue.find(text, region)
    current = catalogue.procedure_called(chosen) if chosen else None
    if current is not None and current not in rows:
        rows = [current, *rows]
    return {
        "groups": catalogue.by_region(rows) if not text.strip() else [("", "", rows[: catalogue.MOST_FOUND])],
        "chosen": chosen,
        "starred": {row.pk for row in catalogue.favourites(person.user)},
        "is_none_found": not rows,
        "is_searched": bool(text.strip()),
    }


def _advised(found: ExamRequest, person: Asker, problems: Mapping[str, str]) -> dict[str, Any]:
    asked = services.asked(found)
    is_french = (get_language() or "").startswith("fr")
    lines = facts.asked(asked, found.safety, problems, is_french=is_french)
    return {
        "exam": found,
        "procedure": found.procedure,
        "sides": _sides(found.procedure),
        "safety": lines,
        "safety_digest": facts.digest(lines),
        "advice": warnings.advice(found, person),
        "problems": problems,
    }


def _page(found: ExamRequest, person: Asker, *, missing: list[Missing] | None = None) -> dict[str, Any]:
    problems = {one.field: one.words for one in missing or []}
    chosen = found.procedure.code if found.procedure else ""
    return {
        **_advised(found, person, problems),
        **_picker(person, "", "", chosen=chosen),
        "line": facts.line(found),
        "patient": found.patient,
        "is_draft": found.state == State.DRAFT,
        "missing": missing or [],
        "regions": Region.choices,
        "favourites": catalogue.favourites(person.user),
        "usual": _not_starred(person),
        "priorities": [(value, Priority(value).label, facts.PRIORITIES[Priority(value)]) for value in (2, 1, 0)],
        "transports": ExamRequest.Transport.choices,
        "departments": accounts.departments_named(person.departments),
        "performers": selectors.performers(),
        "attachments": selectors.attachments_of(found),
        "is_empty_catalogue": catalogue.is_empty(),
        "shortest": policies.SHORTEST_QUESTION,
    }


def _not_starred(person: Asker) -> list[Procedure]:
    kept = {row.pk for row in catalogue.favourites(person.user)}
    return [row for row in catalogue.usual(person.user) if row.pk not in kept]


def _sides(procedure: Procedure | None) -> list[tuple[str, str]]:
    """The sides that can be said of an exam."""
    choices = [(value, str(label)) for value, label in ExamRequest.Laterality.choices]
    if procedure is None or procedure.sides == Sides.NONE:
        return []
    return choices if procedure.sides == Sides.ASKED else choices[:2]
