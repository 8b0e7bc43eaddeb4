"""What a recipient takes home: everything that was shared, or one study of it, as a zip that says who shared it."""

from collections.abc import Sequence

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from imaging.sharing import recipients, selectors
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.record.selectors import is_record
from imaging.studies.export.services import Handed
from imaging.studies.models import Study
from imaging.viewer.downloads import explained
from imaging.viewer.export_answers import Package, zip_answer
from imaging.viewer.export_page import Cover, ReportFile
from imaging.viewer.shared import reports

_PAGE = "imaging/sharing/absent.html"


@require_GET
def everything(request: HttpRequest) -> HttpResponseBase:
    """Give all studies of a share as one zip."""
    return _given(request, "")


@require_GET
def study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give one study of a share as a zip."""
    return _given(request, study_instance_uid)


def _given(request: HttpRequest, only: str) -> HttpResponseBase:
    return explained(_zip, page=_PAGE)(request, only)


def _zip(request: HttpRequest, only: str) -> HttpResponseBase:
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    scope = request.scope  # type: ignore[attr-defined]
    shared = [entry.study for entry in recipients.studies_of(visit.share, scope)]
    wanted = [row for row in shared if not only or row.study_instance_uid == only]
    if not wanted:
        raise Http404
    return zip_answer(
        request,
        scope=scope,
        actor=request.actor,  # type: ignore[attr-defined]
        study_uids=[row.study_instance_uid for row in wanted],
        package=_package(visit, wanted),
        still_allowed=lambda: selectors.still_stands(visit),
    )


def _package(visit: ShareVisit, studies: Sequence[Study]) -> Package:
    """What lies around the images: by whom they were shared, and the reports that may be read."""
    share = visit.share
    cover = Cover(
        hospital=share.department.site.name,
        sender=_sender(share),
        recipient=share.recipient_name,
        note=share.note,
        reports=tuple(_reports(share, studies)),
    )
    handed = Handed(on=timezone.localdate(visit.begun_at), share=share.key, is_deidentified=share.is_deidentified)
    return Package(cover=cover, handed=handed, form="share")


def _sender(share: Share) -> str:
    """Who gave the images: of a patient's record the department, which goes on when the person has left."""
    return share.department.label if is_record(share) else f"{share.created_by.label}, {share.department.label}"


def _reports(share: Share, studies: Sequence[Study]) -> list[ReportFile]:
    found = []
    for row in studies:
        known = reports.of(share, row)
        if known.is_readable:
            found.append(ReportFile(row.study_instance_uid, reports.paper(known), _("Report (PDF)")))
    return found
