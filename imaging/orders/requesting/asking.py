"""Who may open the pages of requests, and the one request of an address: shared by the room's views."""

import functools
import uuid
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts import audit
from imaging.orders.models import ExamRequest
from imaging.orders.requesting import selectors
from imaging.orders.requesting.policies import Asker
from imaging.orders.transitions import ChangedMeanwhile, NotAllowed
from imaging.orders.workflow import ReasonMissing, TransitionRefused

P = ParamSpec("P")


class NothingDone(Exception):
    """What was sent cannot be done; the text says why, in the reader's words. Nothing was written."""


def for_askers(
    view: Callable[Concatenate[HttpRequest, Asker, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who may ask for exams: 403 for others, whatever they ask for."""
    return _for(view, selectors.asker)


def for_readers(
    view: Callable[Concatenate[HttpRequest, Asker, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who asks for exams or does them: 403 for others, whatever they ask for."""
    return _for(view, selectors.reader)


def _for(
    view: Callable[Concatenate[HttpRequest, Asker, P], HttpResponseBase], who: Callable[..., Asker | None]
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        person = who(
            request.user,
            actor=request.actor,  # type: ignore[attr-defined]
            scope=request.scope,  # type: ignore[attr-defined]
        )
        if person is None:
            raise PermissionDenied
        response = view(request, person, *args, **names)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)  # type: ignore[return-value]


def the_request(person: Asker, key: uuid.UUID) -> ExamRequest:
    """The request of an address; 404 for a stranger as for none."""
    found = selectors.request_of(person.scope, key)
    if found is None:
        raise Http404
    return found


def opened(person: Asker, key: uuid.UUID) -> ExamRequest:
    """The same, with the reading on record."""
    found = the_request(person, key)
    patient = found.patient
    audit.record_read(
        audit.Action.REQUEST_READ,
        actor=person.actor,
        subject_type="request",
        subject_uid=str(found.key),
        patient_id=patient.patient_id if patient else found.typed_patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else found.typed_issuer,
    )
    return found


def stepping(request: HttpRequest, key: uuid.UUID, take: Callable[[], str]) -> HttpResponseBase:
    """Take a step and go back to the request; what stood in the way is told, and nothing typed elsewhere is lost."""
    try:
        messages.success(request, take())
    except NothingDone as refused:
        messages.warning(request, str(refused))
    except ChangedMeanwhile:
        messages.warning(request, _("Somebody has changed this request meanwhile. Nothing was done: look at it first."))
    except TransitionRefused:
        messages.warning(request, _("The request has gone on meanwhile: this cannot be done any more."))
    except ReasonMissing:
        messages.warning(request, _("Nothing was done: say why, so that your colleagues know."))
    except NotAllowed as refused:
        raise PermissionDenied from refused
    return redirect("orders:request", key=key)


def version_of(request: HttpRequest) -> int | None:
    """The version of the request that the page showed; None for what is no number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
