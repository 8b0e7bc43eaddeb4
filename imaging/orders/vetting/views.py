"""The vetting list: what is to be done, how, or why not; and what was decided taken back."""

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.roles import Capability
from imaging.orders import transitions
from imaging.orders.catalogue import selectors as catalogue
from imaging.orders.models import ExamRequest
from imaging.orders.requesting.asking import conditional, for_readers, opened, version_of
from imaging.orders.requesting.policies import Asker
from imaging.orders.transitions import ChangedMeanwhile, NotAllowed
from imaging.orders.vetting import facts, selectors, services
from imaging.orders.workflow import ReasonMissing, Step, TransitionRefused

P = ParamSpec("P")

_DECISIONS: Final = {step.value: step for step in (*selectors.DECISIONS, *selectors.TAKINGS_BACK)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a decision was not written, and what was typed, so that nothing of it is lost."""

    words: str
    step: str
    text: str
    status: int = 409


def for_vetters(
    view: Callable[Concatenate[HttpRequest, Asker, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who vets: 403 for others, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, person: Asker, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        if not person.capabilities.get(Capability.VET_REQUEST):
            raise PermissionDenied
        return view(request, person, *args, **names)

    return for_readers(answer)  # type: ignore[arg-type]


@require_safe
@for_vetters
def vetting(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Show what waits, or what was decided; which one to look at is the reader's choice."""
    return _page(request, person, None)


@require_safe
@for_vetters
def rows(request: HttpRequest, person: Asker) -> HttpResponseBase:
    """Give the rows alone; 304 while nothing that they show has changed."""
    return conditional(request, "imaging/orders/vetting/_rows.html", _listed(request, person))


@require_safe
@for_vetters
def one(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Show one request with all that its decision needs: beside the list, or alone as a part."""
    found = _opened(person, key)
    if request.headers.get("HX-Request"):
        return render(request, "imaging/orders/vetting/_detail.html", _detail(request, person, found))
    return _page(request, person, found)


@require_POST
@for_vetters
def decide(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Vet with a protocol, return with a question, refuse with a reason, or take one of them back."""
    found = _own(person, key)
    step = _DECISIONS.get(request.POST.get("step", ""))
    if step is None:
        raise Http404
    text = request.POST.get("text", "").replace("\x00", "").strip()
    waiting = selectors.listed(person)
    refusal = _refusal(
        step.value,
        text,
        lambda: services.decide(person, key, step, text=text, seen_version=version_of(request) or 0),
    )
    if refusal is not None:
        return _refused(request, person, key, refusal)
    following = found if step in selectors.TAKINGS_BACK else selectors.after(person, found, waiting)
    return _gone_on(request, person, following, decided=str(key))


@require_POST
@for_vetters
def exchange(request: HttpRequest, person: Asker, key: uuid.UUID) -> HttpResponseBase:
    """Let the request ask for another exam of the catalogue, which is vetted next."""
    found = _own(person, key)
    why = request.POST.get("text", "").replace("\x00", "").strip()
    procedure = catalogue.procedure_called(request.POST.get("procedure", ""))

    def take() -> ExamRequest:
        if procedure is None:
            raise services.ExamMissing
        side = request.POST.get("laterality", "")
        seen = version_of(request) or 0
        return services.exchange(person, key, procedure, laterality=side, why=why, seen_version=seen)

    refusal = _refusal("exchange", why, take)
    if refusal is not None:
        return _refused(request, person, key, refusal)
    return _gone_on(request, person, found, decided=str(key))


def _refusal(step: str, text: str, take: Callable[[], object]) -> Refusal | None:
    """Take a decision; why it was not written, where it was not."""
    try:
        take()
    except ChangedMeanwhile as changed:
        state = changed.request.get_state_display()
        words = _(
            "Somebody has changed this request meanwhile: %(state)s. Nothing was written; what you typed is below."
        )
        return Refusal(words % {"state": state}, step, text)
    except TransitionRefused as gone:
        state = str(ExamRequest.State(gone.state).label)
        words = _("The request has gone on meanwhile: %(state)s. Nothing was written; what you typed is below.")
        return Refusal(words % {"state": state}, step, text)
    except ReasonMissing:
        return Refusal(_("Nothing was written: say why, so that who asked can act on it."), step, text, 422)
    except services.SideMissing:
        return Refusal(_("Nothing was written: the exam that you chose is of a side. Say which."), step, text, 422)
    except services.ExamMissing:
        return Refusal(_("Nothing was written: choose an exam that is offered."), step, text, 422)
    except NotAllowed as refused:
        raise PermissionDenied from refused
    return None


def _own(person: Asker, key: uuid.UUID) -> ExamRequest:
    found = selectors.request_to_vet(person, key)
    if found is None:
        raise Http404
    return found


def _opened(person: Asker, key: uuid.UUID) -> ExamRequest:
    """The request of an address, with the reading on record."""
    _own(person, key)
    return opened(person, key)


def _refused(request: HttpRequest, person: Asker, key: uuid.UUID, refusal: Refusal) -> HttpResponseBase:
    found = _opened(person, key)
    if request.headers.get("HX-Request"):
        # A part is put into the page whatever it says: htmx leaves out answers of 400 and more.
        return render(request, "imaging/orders/vetting/_panes.html", _panes(request, person, found, refusal))
    context = _panes(request, person, found, refusal)
    return render(request, "imaging/orders/vetting/list.html", context, status=refusal.status)


def _gone_on(request: HttpRequest, person: Asker, chosen: ExamRequest | None, *, decided: str) -> HttpResponseBase:
    """On to the next one: as parts of the page where a script asks, as the page itself otherwise."""
    chosen = selectors.request_to_vet(person, chosen.key) if chosen is not None else None
    address = reverse("orders:vetting-one", args=[chosen.key]) if chosen else reverse("orders:vetting")
    address += f"?show={_show(request)}" if _show(request) != "waiting" else ""
    if not request.headers.get("HX-Request"):
        messages.success(request, _("Decided. Who asked sees it."))
        return redirect(address)
    found = opened(person, chosen.key) if chosen else None
    context = {**_panes(request, person, found), "decided": decided}
    response = render(request, "imaging/orders/vetting/_panes.html", context)
    response["HX-Replace-Url"] = address
    return response


def _page(request: HttpRequest, person: Asker, found: ExamRequest | None) -> HttpResponseBase:
    context = _panes(request, person, found)
    audit.record_read(
        audit.Action.REQUESTS_LISTED,
        actor=person.actor,
        subject_type="request",
        subject_uid="",
        detail={"to": "vet", "show": context["show"], "count": len(context["rows"])},
    )
    return render(request, "imaging/orders/vetting/list.html", context)


def _show(request: HttpRequest) -> str:
    show = request.GET.get("show", "")
    return show if show in selectors.SHOWN else "waiting"


def _listed(request: HttpRequest, person: Asker) -> dict[str, Any]:
    show = _show(request)
    return {"rows": [facts.row(row) for row in selectors.listed(person, show)], "show": show}


def _panes(
    request: HttpRequest, person: Asker, found: ExamRequest | None, refusal: Refusal | None = None
) -> dict[str, Any]:
    counted = selectors.counts(person)
    last = selectors.last_decision(person)
    return {
        **_listed(request, person),
        "parts": facts.parts(counted, selectors.MOST_COUNTED),
        "last": facts.told(last) if last else None,
        **(_detail(request, person, found, refusal) if found is not None else {}),
    }


def _detail(request: HttpRequest, person: Asker, found: ExamRequest, refusal: Refusal | None = None) -> dict[str, Any]:
    offered = transitions.offered(found, person.by)
    back = next((step for step in offered if step in selectors.TAKINGS_BACK), None)
    return {
        **facts.detail(found, person),
        "may": [step.value for step in offered],
        "back": back.value if back else "",
        "back_words": facts.words_of(back),
        "may_exchange": Step.VET in offered or Step.RECALL in offered,
        "protocols": selectors.protocols(person, found.procedure),
        "groups": catalogue.by_region(list(catalogue.offered())),
        "refusal": refusal,
        "show": _show(request),
    }
