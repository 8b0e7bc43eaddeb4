"""STOW-RS: objects are handed over by POST, and the answer tells the truth about each (PS3.18 section 10.5).

Who may is settled before a byte of the body is read: machines with the right to write at this door, people with the
capability to upload, who also prove that the request is theirs (CSRF). A body that breaks off is answered 400 when anybody
still listens, one that stalls 408; what was complete until then is kept, and sending it again changes nothing.
"""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from accounts import audit, selectors
from accounts.defence.forgery import why_not_proven
from accounts.roles import Capability, Door, Right
from imaging.dicom.header import Header
from imaging.dicomweb import answers, native_model, negotiation, store_answer, store_body, store_request
from imaging.dicomweb.negotiation import MediaRange
from imaging.dicomweb.store_body import Body, Declined
from imaging.dicomweb.store_delivery import Delivery
from imaging.ingest import turnstile
from imaging.ingest.source import Source

_BUSY: Final = 5

#: A slow sender keeps a thread of the web server: some are left for everybody else.
_slots: Final = threading.BoundedSemaphore(settings.STORE_REQUESTS)


def resource(read: answers.View) -> answers.View:
    """Make a view of a resource to which objects are stored by POST; everything else is answered by ``read``."""

    @csrf_exempt  # Checked below, where the body is left alone: Django's own check looks for a token in forms first.
    @functools.wraps(read)
    def answer(request: HttpRequest, **names: str) -> HttpResponseBase:
        if request.method != "POST":
            found = read(request, **names)
            if found.has_header("Allow"):
                found["Allow"] = ", ".join(filter(None, (found["Allow"], "POST")))
            return found
        response = _store(request, names.get("study_instance_uid", ""))
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["Accept", "Cookie", "Authorization"])
        return response

    return answer


def _store(request: HttpRequest, study_instance_uid: str) -> HttpResponse:
    if request.actor.is_anonymous:  # type: ignore[attr-defined]
        return answers.unrecognised()
    try:
        source = _source(request)
        as_xml = _wants_xml(request)
        form = store_body.form_of(request.META)
        if why_not_proven(request):
            raise Declined(403, _("The request does not prove that it is yours."))
        with _slot():
            delivery = Delivery(source, study_instance_uid=study_instance_uid, address_of=_addresses(request))
            declined = store_request.deliver(Body(request.META), form, delivery)
    except Declined as refusal:
        _audit(request, study_instance_uid, {"status": refusal.status, "reason": refusal.text})
        return _problem(refusal)
    return _answer(request, study_instance_uid, delivery, declined, as_xml=as_xml)


def _source(request: HttpRequest) -> Source:
    """The sender, with the departments for which it may add to what others made. Raises ``Declined``."""
    actor = request.actor  # type: ignore[attr-defined]
    if request.machine is not None:  # type: ignore[attr-defined]
        departments = request.scope.departments_with(Right.WRITE)  # type: ignore[attr-defined]
    else:
        departments = selectors.capabilities_by_department(request.user).get(Capability.UPLOAD, frozenset())
    if not departments:
        raise Declined(403, _("You may not store objects here."))
    return Source(
        door=Door.DICOMWEB,
        sender=actor.name,
        actor_kind=actor.kind,
        actor_id=actor.id,
        address=actor.address,
        department_ids=tuple(sorted(departments)),
    )


def _wants_xml(request: HttpRequest) -> bool:
    """Whether the answer is to be XML rather than JSON. Raises ``Declined``."""
    try:
        return negotiation.first(
            answers.accepted(request), _offer, f"{negotiation.DICOM_JSON}, {negotiation.DICOM_XML}"
        )
    except negotiation.NotUnderstood as error:
        raise Declined(400, str(error)) from error
    except negotiation.NotAcceptable as error:
        raise Declined(406, str(error)) from error


def _offer(entry: MediaRange) -> bool | None:
    if any(entry.takes(name) for name in (negotiation.DICOM_JSON, negotiation.JSON)):
        return False
    return True if any(entry.takes(name) for name in (negotiation.DICOM_XML, "application/xml", "text/xml")) else None


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(blocking=False):
        raise Declined(503, _("Too many are storing at the moment. Try again."), retry_after=_BUSY)
    try:
        with turnstile.passed():
            yield
    except turnstile.Crowded as error:
        raise Declined(503, _("Too many are storing at the moment. Try again."), retry_after=_BUSY) from error
    finally:
        _slots.release()


def _addresses(request: HttpRequest) -> Callable[[Header], str]:
    root = _root(request)

    def address_of(header: Header) -> str:
        study, series = header.study.study_instance_uid, header.series.series_instance_uid
        return f"{root}studies/{study}/series/{series}/instances/{header.instance.sop_instance_uid}"

    return address_of


def _root(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("dicomweb:root"))


def _answer(
    request: HttpRequest, study_instance_uid: str, delivery: Delivery, declined: Declined | None, *, as_xml: bool
) -> HttpResponse:
    """Tell what became of each object; with the reason when the body was not read to its end."""
    failures = delivery.failures()
    if failures or declined:
        _audit(
            request,
            study_instance_uid,
            {
                "status": declined.status if declined else store_answer.status_of(delivery.told),
                "reason": declined.text if declined else "",
                "stored": len(delivery.told) - sum(failures.values()),
                "failures": failures,
            },
        )
    if declined and not delivery.told:
        return _problem(declined)
    study = next(iter(delivery.studies)) if len(delivery.studies) == 1 else ""
    found = store_answer.module(delivery.told, study_url=f"{_root(request)}studies/{study}" if study else "")
    response = HttpResponse(
        native_model.to_xml(found) if as_xml else store_answer.to_json(found),
        status=declined.status if declined else store_answer.status_of(delivery.told),
        content_type=negotiation.DICOM_XML if as_xml else negotiation.DICOM_JSON,
    )
    if declined:
        _advise(response, declined)
    return response


def _problem(declined: Declined) -> HttpResponse:
    return _advise(answers.problem(declined.status, declined.text), declined)


def _advise(response: HttpResponse, declined: Declined) -> HttpResponse:
    if declined.retry_after:
        response["Retry-After"] = str(declined.retry_after)
    if declined.status == 408:
        response["Connection"] = "close"
    return response


def _audit(request: HttpRequest, study_instance_uid: str, detail: dict[str, Any]) -> None:
    audit.record(
        audit.Action.STORE_REFUSED,
        actor=request.actor,  # type: ignore[attr-defined]
        subject_type="study" if study_instance_uid else "",
        subject_uid=study_instance_uid,
        outcome=audit.Outcome.REFUSED,
        detail=detail,
    )
