"""Pages of who asks: looking elsewhere, asking, one's own requests."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import selectors as accounts
from imaging.access.requests import facts, questions, selectors, services
from imaging.access.requests.forms import QuestionForm, RenewalForm, RequestForm, WordsForm, offered_hours
from imaging.access.requests.models import AccessRequest
from imaging.access.requests.policies import Approver, Asker, Refused

P = ParamSpec("P")

_MOST_MINE = 100


def for_askers(
    view: Callable[Concatenate[HttpRequest, Asker, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who may ask for access: 403 for others, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        person = asker_of(request)
        if person is None:
            raise PermissionDenied
        return unkept(view(request, person, *args, **names))

    return login_required(answer)  # type: ignore[return-value]


def asker_of(request: HttpRequest) -> Asker | None:
    """The person of a request as one who may ask; None for others."""
    return selectors.asker(
        request.user,
        actor=request.actor,  # type: ignore[attr-defined]
        scope=request.scope,  # type: ignore[attr-defined]
    )


def approver_of(request: HttpRequest) -> Approver | None:
    """The person of a request as one who decides; None for others."""
    return selectors.approver(
        request.user,
        actor=request.actor,  # type: ignore[attr-defined]
        scope=request.scope,  # type: ignore[attr-defined]
    )


def unkept(response: HttpResponseBase) -> HttpResponseBase:
    """Let nothing between here and the reader keep a page."""
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@for_askers
def page(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show one's own requests, and the form with which to look elsewhere."""
    return render(request, "imaging/access/requests/mine.html", _mine(request, person))


def _mine(request: HttpRequest, person: Asker, **more: Any) -> dict[str, Any]:
    rows = [facts.line(row) for row in selectors.requests_of(person)[:_MOST_MINE]]
    return {"lines": rows, "form": QuestionForm(), "is_approver": approver_of(request) is not None, **more}


@require_POST
@for_askers
def look(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Answer whether somebody exists elsewhere: the form's fields, or a whole search text in ``text``."""
    is_part = bool(request.headers.get("HX-Request"))
    asked = questions.read(request.POST.get("text", "")) if "text" in request.POST else None
    form = QuestionForm(request.POST) if asked is None else QuestionForm()
    if asked is None and form.is_valid():
        asked = form.asked()
    if asked is None:
        context = {"form": form, "is_refused": True}
        return _looked(request, person, context, status=200 if is_part else 422)
    answer = services.ask_elsewhere(person, asked)
    is_here = not answer.wait and selectors.has_here(person.scope, asked)
    context = {"answer": answer, "form": form, "is_here": is_here, "is_shown": True}
    return _looked(request, person, context, status=429 if answer.wait and not is_part else 200)


def _looked(request: HttpRequest, person: Asker, context: dict[str, Any], *, status: int) -> HttpResponseBase:
    if request.headers.get("HX-Request"):
        return render(request, "imaging/access/requests/_elsewhere.html", context)
    return render(request, "imaging/access/requests/mine.html", _mine(request, person, **context), status=status)


@require_POST
@for_askers
def ask(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show the form of a request, and take it: about what was found a moment ago, and can be asked for still."""
    opened = questions.opened(request.POST.get("seal", ""), person=person.user.pk)
    if opened is None:
        messages.warning(request, _("Too much time has passed since you looked. Look again: nothing was lost."))
        return redirect("access:mine")
    asked, token = opened
    found = selectors.elsewhere(person.scope, asked)
    if found is None:
        messages.info(request, facts.refusal("nothing"))
        return redirect("access:mine")
    is_sent = "relation" in request.POST
    form = RequestForm(
        request.POST if is_sent else None,
        departments=accounts.departments_named(person.departments),
        has_study=found.study is not None,
    )
    if is_sent and form.is_valid():
        try:
            made = services.ask(person, found, asked, form.wish(token))
        except Refused as refused:
            messages.error(request, facts.refusal(refused.code))
            return redirect("access:mine")
        return redirect("access:request", pk=made.pk)
    context = {
        "form": form,
        "seal": request.POST["seal"],
        "typed": facts.typed(AccessRequest(asked_by=questions.told(asked))),
    }
    return render(request, "imaging/access/requests/ask.html", context, status=422 if is_sent else 200)


@require_POST
@for_askers
def withdraw(request: HttpRequest, person: Asker, pk: int) -> HttpResponseBase:
    """Take one's own request back, or give back what it opened."""
    _own(person, pk)
    try:
        services.withdraw(person, pk)
    except Refused as refused:
        messages.info(request, facts.refusal(refused.code))
    else:
        messages.success(request, _("Taken back. What it had opened is closed again."))
    return redirect("access:request", pk=pk)


@require_POST
@for_askers
def renew(request: HttpRequest, person: Asker, pk: int) -> HttpResponseBase:
    """Ask for longer access before it ends."""
    _own(person, pk)
    form = RenewalForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose for how much longer."))
        return redirect("access:request", pk=pk)
    try:
        made = services.renew(person, pk, hours=form.cleaned_data["hours"])
    except Refused as refused:
        messages.error(request, facts.refusal(refused.code))
        return redirect("access:request", pk=pk)
    return redirect("access:request", pk=made.pk)


def _own(person: Asker, pk: int) -> AccessRequest:
    found = selectors.request_of(person, pk)
    if found is None:
        raise Http404
    return found


def own_context(person: Asker, found: AccessRequest) -> dict[str, Any]:
    """What the page of a request shows to who asked."""
    told = facts.line(found)
    # What was granted and is protected since is not named any more.
    seen = selectors.seen(person.scope, [item.study_id for item in told.studies if item.state == "granted"])
    return {
        "line": told,
        "thread": list(found.messages.select_related("author")),
        "deciding": facts.deciding(found),
        "notes": facts.notes(found, with_names=False),
        "opened": [item.study for item in told.studies if item.study_id in seen],
        "is_own": True,
        "may_answer": found.state == AccessRequest.State.WAITING,
        "may_withdraw": found.state == AccessRequest.State.WAITING or told.is_open,
        "may_renew": told.is_open and found.department_id in person.departments,
        "renewal": found.renewals.filter(state=AccessRequest.State.WAITING).first(),
        "hours_offered": offered_hours(),
        "words_form": WordsForm(),
    }
