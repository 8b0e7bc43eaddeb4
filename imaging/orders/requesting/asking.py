"""Who may open the pages of requests, and the one request of an address: shared by the room's views."""

import functools
import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response, patch_vary_headers
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


def conditional(request: HttpRequest, template: str, context: Mapping[str, Any]) -> HttpResponseBase:
    """Give a part of a page, or 304 where it is as the reader has it: such a part names no token."""
    text = render_to_string(template, dict(context), request)
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    response: HttpResponseBase = get_conditional_response(request, etag=etag) or HttpResponse(text)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def version_of(request: HttpRequest) -> int | None:
    """The version of the request that the page showed; None for what is no number."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def act_of(request: HttpRequest) -> tuple[str, int]:
    """What a button of a list says: the step, and the version of the request that the page showed ("arrive:3").

    One form sends all buttons of a list, so that its lines carry no token and are the same at each refresh.
    """
    name, _colon, text = request.POST.get("act", "").partition(":")
    return name, int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
