"""Copies without identity for who holds a link: by the profile alone, since nobody here decides what may stay."""

from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.roles import Right
from imaging.sharing import recipients, selectors
from imaging.sharing.models import ShareVisit
from imaging.studies import access
from imaging.studies.export.receipts import Handed
from imaging.studies.models import Study
from imaging.viewer import clean_tickets
from imaging.viewer.clean_tickets import Ticket
from imaging.viewer.downloads import explained
from imaging.viewer.export_answers import Package, zip_answer
from imaging.viewer.without_identity import surveyed

_PAGE = "imaging/sharing/absent.html"
_TEMPLATE = "imaging/sharing/without_identity.html"


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Say what of a share can be given without identity; with a press, begin the download."""
    return explained(_shown, page=_PAGE)(request)


@require_GET
def download(request: HttpRequest) -> HttpResponseBase:
    """Give the copies of all studies of a share as one zip."""
    return explained(_zip, page=_PAGE)(request)


def _shown(request: HttpRequest) -> HttpResponseBase:
    visit = _visit(request)
    studies = _studies(request, visit)
    if request.method == "POST":
        ticket = Ticket(_holder(visit), clean_tickets.new_subject())
        return redirect(f"{reverse('share:download-clean-zip')}?{urlencode({'ticket': ticket.sealed()})}")
    found = surveyed(studies, scope=request.scope, actor=request.actor)  # type: ignore[attr-defined]
    return render(request, _TEMPLATE, {"found": found})


def _zip(request: HttpRequest) -> HttpResponseBase:
    visit = _visit(request)
    try:
        ticket = clean_tickets.opened(request.GET.get("ticket", ""), holder=_holder(visit))
    except clean_tickets.Refused:
        raise Http404 from None
    handed = Handed(on=ticket.day, share=visit.share.key, is_deidentified=True)
    return zip_answer(
        request,
        scope=request.scope,  # type: ignore[attr-defined]
        actor=request.actor,  # type: ignore[attr-defined]
        study_uids=[row.study_instance_uid for row in _studies(request, visit)],
        package=Package(handed=handed, form="share", cleaning=ticket.cleaning),
        still_allowed=lambda: selectors.still_stands(visit),
    )


def _visit(request: HttpRequest) -> ShareVisit:
    """The visit; where the images name nobody already, they are downloaded as they are."""
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    if visit.share.is_deidentified:
        raise Http404
    return visit


def _studies(request: HttpRequest, visit: ShareVisit) -> list[Study]:
    """The studies of a share, for who may download them. Raises ``access.RightMissing``, and 404 when none is open."""
    scope = request.scope  # type: ignore[attr-defined]
    looking = access.Purpose.THUMBNAIL
    found = [
        access.open_study(
            scope,
            entry.study.study_instance_uid,
            actor=request.actor,  # type: ignore[attr-defined]
            purpose=looking,
            right=Right.DOWNLOAD,
        )
        for entry in recipients.studies_of(visit.share, scope)
    ]
    if not found:
        raise Http404
    return found


def _holder(visit: ShareVisit) -> str:
    return f"share:{visit.share.key}"
