"""The import desk: what was brought, who that is here, and what became of it. For the one who brought it alone.

What came by a link is brought by nobody of the house: it is in the inbox until one of the department's people takes it.
"""

import functools
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Door
from imaging.ingest.imports import decisions, inbox, pages, selectors, wording
from imaging.ingest.imports.decisions import NotAllowed, NotOpen, NotYours, Unanswered
from imaging.ingest.models import Import
from imaging.ingest.uploads.selectors import delivery_of, departments_of

_State = Import.State
_INBOX_PAGE: Final = 50
_GOING_ON = frozenset({_State.RECEIVING, _State.EXAMINING, _State.REGISTERING})


def _of_an_import(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Make a page of an import: another's is as absent as one that never was; nothing is kept on the way."""

    @functools.wraps(view)
    def answer(request: HttpRequest, delivery_id: UUID) -> HttpResponseBase:
        delivery = delivery_of(_user(request), delivery_id)
        if delivery is None:
            raise Http404
        try:
            response = view(request, delivery)
        except NotYours:
            raise Http404 from None
        except NotAllowed:
            raise PermissionDenied from None
        except NotOpen:
            response = redirect("ingest:import", delivery_id=delivery.pk)
        response["Cache-Control"] = "no-store"
        return response

    return login_required(answer)


@require_safe
@_of_an_import
def page(request: HttpRequest, delivery: Import) -> HttpResponseBase:
    """Show an import as it stands: how far it is, what to decide, or what became of it."""
    return _page(request, delivery)


def _page(request: HttpRequest, delivery: Import, *, status: int = 200, **given: Any) -> HttpResponse:
    context = _frame(delivery)
    if delivery.state == _State.WAITING:
        context |= pages.to_decide(delivery, _scope(request), **given)
    elif delivery.state in {_State.DONE, _State.FAILED}:
        context |= pages.results(
            delivery, _scope(request), show=request.GET.get("show", ""), page=request.GET.get("page", "1")
        )
    return render(request, "imaging/ingest/import.html", context, status=status)


def _frame(delivery: Import) -> dict[str, Any]:
    return {
        "delivery": delivery,
        "is_going_on": delivery.state in _GOING_ON,
        "problem": wording.problem(delivery.problem) if delivery.problem else "",
    }


@require_safe
@_of_an_import
def progress(request: HttpRequest, delivery: Import) -> HttpResponseBase:
    """Give the progress alone; when there is something new to see, ask the page to load again."""
    if delivery.state == request.GET.get("state") and delivery.state in _GOING_ON:
        return render(request, "imaging/ingest/_import_progress.html", _frame(delivery))
    response = HttpResponse(status=204)
    response["HX-Refresh"] = "true"
    return response


@require_POST
@_of_an_import
def confirm(request: HttpRequest, delivery: Import) -> HttpResponseBase:
    """Let it be registered as answered, or show what is still to be answered."""
    keys = [one.person.key for one in selectors.questions(delivery, _scope(request))]
    try:
        decisions.confirm(
            actor=_actor(request),
            user=_user(request),
            scope=_scope(request),
            delivery_id=delivery.pk,
            answers=pages.answers(request.POST, keys),
            studies=request.POST.getlist("study"),
        )
    except Unanswered as error:
        return _page(request, delivery, status=422, posted=request.POST, errors=error.errors)
    return redirect("ingest:import", delivery_id=delivery.pk)


@require_POST
@_of_an_import
def discard(request: HttpRequest, delivery: Import) -> HttpResponseBase:
    """Forget it before anything is registered."""
    decisions.discard(actor=_actor(request), user=_user(request), delivery_id=delivery.pk)
    return redirect("ingest:import", delivery_id=delivery.pk)


@require_POST
@_of_an_import
def put_back(request: HttpRequest, delivery: Import) -> HttpResponseBase:
    """Leave what was taken from the inbox to others of the department."""
    inbox.put_back(actor=_actor(request), user=_user(request), delivery_id=delivery.pk)
    return redirect("ingest:inbox")


@require_safe
@login_required
def inbox_page(request: HttpRequest) -> HttpResponseBase:
    """Show what was sent from outside to one's departments and waits for somebody: by whom and how much, not about whom."""
    user = _user(request)
    if not departments_of(user):
        raise PermissionDenied
    waiting = Paginator(selectors.in_inbox(user), _INBOX_PAGE).get_page(request.GET.get("page", "1"))
    response = render(request, "imaging/ingest/inbox.html", {"waiting": waiting})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
def take(request: HttpRequest, delivery_id: UUID) -> HttpResponseBase:
    """Take an import out of the inbox, to decide about it."""
    try:
        inbox.take(actor=_actor(request), user=_user(request), delivery_id=delivery_id)
    except NotYours:
        raise Http404 from None
    except NotOpen:
        messages.info(request, _("Somebody else has taken it already, or it has expired."))
        return redirect("ingest:inbox")
    return redirect("ingest:import", delivery_id=delivery_id)


@require_POST
@_of_an_import
def stop(request: HttpRequest, delivery: Import) -> HttpResponseBase:
    """End the registration; what is in the archive stays."""
    decisions.stop(actor=_actor(request), user=_user(request), delivery_id=delivery.pk)
    return redirect("ingest:import", delivery_id=delivery.pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _scope(request: HttpRequest) -> Any:
    return request.scope  # type: ignore[attr-defined]


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return Actor(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        address=actor.address,
        door=str(Door.UPLOAD),
        request_id=actor.request_id,
    )
