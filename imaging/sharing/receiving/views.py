"""The page where a recipient sends images back, and what its script asks: tus as for people of the house, below the share."""

import functools
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.actor import Actor
from imaging.ingest.uploads import selectors, services, tus
from imaging.ingest.uploads import views as uploads
from imaging.ingest.uploads.bringers import Outsider
from imaging.ingest.uploads.services import KEPT
from imaging.sharing import log
from imaging.sharing.models import ShareEvent, ShareVisit
from imaging.sharing.receiving import outsiders, results

View = Callable[..., HttpResponseBase]

#: Answers after which it is asked whether the share has ended in the middle of it.
_REFUSED: Final = frozenset({403, 404, 410})


def for_senders(view: View) -> View:
    """Make a view of who may send images back; to others there is nothing. What a share that ended left half is forgotten."""

    @functools.wraps(view)
    def answer(request: HttpRequest, **names: Any) -> HttpResponseBase:
        outsider = outsiders.outsider_of(request.share_visit)  # type: ignore[attr-defined]
        if outsider is None:
            raise Http404
        request.outsider = outsider  # type: ignore[attr-defined]
        response = view(request, **names)
        if response.status_code in _REFUSED and not outsider.stands():
            outsiders.forget_half_sent(outsider, actor=_actor(request))
        return response

    return answer


@for_senders
@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """Show where to choose files, what is half sent, and what became of what was sent in this visit."""
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    outsider = _outsider(request)
    context = {
        "share": visit.share,
        "department": visit.share.department,
        "departments": [],
        "unfinished": selectors.unfinished(outsider),
        "sent": results.sent_by(outsider),
        "longest": outsider.most_bytes,
        "most_files": outsider.most_files,
        "kept_hours": int(KEPT.total_seconds() // 3600),
        "tus_address": reverse("share:tus"),
        "begin_address": reverse("share:upload-begin"),
        "base_address": reverse("share:upload"),
    }
    response = render(request, "imaging/sharing/upload.html", context)
    response["Cache-Control"] = "no-store"
    return response


@for_senders
@require_POST
@uploads.for_the_script
def begin(request: HttpRequest) -> HttpResponse:
    """Begin to send: field ``title``. The department is that of the share."""
    outsider = _outsider(request)
    delivery = services.begin(
        actor=_actor(request),
        user=outsider,
        department_id=outsider.department_id,
        title=request.POST.get("title", ""),
    )
    return JsonResponse({"import": str(delivery.pk)}, status=201)


@for_senders
@require_POST
@uploads.for_the_script
def received(request: HttpRequest, *, delivery_id: UUID) -> HttpResponse:
    """That is all: field ``files``, how many the browser has sent. It is read, then it waits in the inbox."""
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    services.finish(
        actor=_actor(request),
        user=_outsider(request),
        delivery_id=delivery_id,
        expected_files=uploads.counted(request.POST.get("files", "0")),
    )
    log.note(visit.share, ShareEvent.Kind.SENT_BACK, visit=visit)
    return JsonResponse({"next": reverse("share:upload")})


@for_senders
@require_POST
@uploads.for_the_script
def cancelled(request: HttpRequest, *, delivery_id: UUID) -> HttpResponse:
    """Forget what is still being sent."""
    services.cancel(actor=_actor(request), user=_outsider(request), delivery_id=delivery_id)
    return HttpResponse(status=204)


collection = for_senders(tus.collection)
file = for_senders(tus.file)
files = for_senders(uploads.files)


def _outsider(request: HttpRequest) -> Outsider:
    outsider: Outsider = request.outsider  # type: ignore[attr-defined]
    return outsider


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
