"""The page where a person brings images in, and what its script asks."""

import functools
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Door
from imaging.ingest.models import Import, ImportedFile
from imaging.ingest.uploads import parcels, protocol, refusals, selectors, services, together, wire
from imaging.ingest.uploads.bringers import bringer_of
from imaging.ingest.uploads.services import Announced

#: How far an import has come, as a shape of the sprite.
_SHAPES: Final = {
    Import.State.EXAMINING: "acquiring",
    Import.State.WAITING: "preliminary",
    Import.State.REGISTERING: "acquiring",
    Import.State.DONE: "final",
    Import.State.FAILED: "rejected",
    Import.State.CANCELLED: "archived",
    Import.State.EXPIRED: "archived",
}


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponseBase:
    """Show where to drop files, and one's own imports."""
    user = _user(request)
    departments = selectors.departments_of(user)
    if not departments:
        raise PermissionDenied
    context = {
        "departments": departments,
        "unfinished": selectors.unfinished(user),
        "recent": [
            {"delivery": delivery, "shape": _SHAPES.get(Import.State(delivery.state), "acquiring")}
            for delivery in selectors.recent(user)
        ],
        "longest": settings.UPLOAD_QUOTA_BYTES,
        "tus_address": reverse("ingest:tus"),
        "begin_address": reverse("ingest:upload-begin"),
        "base_address": reverse("ingest:uploads"),
        "kept_hours": int(services.KEPT.total_seconds() // 3600),
    }
    response = render(request, "imaging/ingest/uploads.html", context)
    response["Cache-Control"] = "no-store"
    return response


def for_the_script(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer refusals with their sentence; a script cannot follow a way to the sign-in page."""

    @functools.wraps(view)
    def answer(request: HttpRequest, **names: UUID) -> HttpResponse:
        try:
            bringer_of(request)
            response = view(request, **names)
        except refusals.Refusal as refusal:
            response = wire.refused(refusal)
        response["Cache-Control"] = "no-store"
        return response

    return answer


@require_POST
@for_the_script
def begin(request: HttpRequest) -> HttpResponse:
    """Begin an import: fields ``department`` (its key) and ``title``."""
    department = request.POST.get("department", "")
    if not (department.isascii() and department.isdigit() and len(department) < 10):
        raise refusals.NotAllowed
    delivery = services.begin(
        actor=_actor(request),
        user=_user(request),
        department_id=int(department),
        title=request.POST.get("title", ""),
    )
    return JsonResponse({"import": str(delivery.pk)}, status=201)


@require_http_methods(["GET", "HEAD", "POST"])
@for_the_script
def files(request: HttpRequest, *, delivery_id: UUID) -> HttpResponse:
    """What has come of an import: each file's address, what the browser knows it by, and whether it is whole.

    POST brings several small files (parcels.py), and is answered for each: its id or null, a status, a sentence.
    """
    if request.method == "POST":
        return _take_parcel(request, delivery_id)
    delivery = selectors.delivery_of(bringer_of(request), delivery_id)
    if delivery is None:
        raise refusals.NotFound
    if delivery.state != Import.State.RECEIVING:
        raise refusals.Closed
    listed = [
        [str(pk), fingerprint, state != ImportedFile.State.RECEIVING]
        for pk, fingerprint, state in selectors.sent_files(delivery)
    ]
    return JsonResponse({"files": listed, "title": delivery.title})


def _take_parcel(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    if request.content_type != parcels.CONTENT_TYPE:
        raise refusals.WrongType
    try:
        with wire.turn():
            body = wire.body_of(request)
            entries = parcels.contents(body.read, body.length)
            announced = [Announced(path=name, length=length, fingerprint=mark) for name, length, mark in entries]
            answers = together.create_together(
                user=bringer_of(request), delivery_id=delivery_id, announced=announced, read=body.read
            )
    except protocol.Malformed as error:
        raise refusals.Malformed from error
    return JsonResponse({"files": [_listed(answer) for answer in answers]})


def _listed(answer: together.Answer) -> list[str | int | None]:
    if isinstance(answer, refusals.Refusal):
        return [None, answer.status, str(answer.sentence)]
    return [str(answer), 201, ""]


@require_POST
@for_the_script
def received(request: HttpRequest, *, delivery_id: UUID) -> HttpResponse:
    """That is all: field ``files``, how many the browser has sent. The answer names the page that goes on."""
    services.finish(
        actor=_actor(request),
        user=_user(request),
        delivery_id=delivery_id,
        expected_files=counted(request.POST.get("files", "0")),
    )
    return JsonResponse({"next": f"/import/{delivery_id}/"})


def counted(text: str) -> int:
    """How many files a browser says that it has sent; anything strange is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@require_POST
@for_the_script
def cancelled(request: HttpRequest, *, delivery_id: UUID) -> HttpResponse:
    """Forget an import whose files are still arriving."""
    services.cancel(actor=_actor(request), user=_user(request), delivery_id=delivery_id)
    return HttpResponse(status=204)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return Actor(
        kind=actor.kind,
        id=actor.id,
        name=actor.name,
        address=actor.address,
        door=Door.UPLOAD,
        request_id=actor.request_id,
    )
