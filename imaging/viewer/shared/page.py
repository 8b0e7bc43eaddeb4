"""The recipient's page: who shares, what, until when; one press to the images, the report, the download."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.sharing import recipients
from imaging.sharing.entrance import views as entrance
from imaging.sharing.models import ShareVisit
from imaging.sharing.receiving import outsiders
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Study
from imaging.viewer import study_pictures, wording
from imaging.viewer.shared import reports
from imaging.viewer.study_pictures import Poster


@dataclass(frozen=True, slots=True)
class Shown:
    """One study of the page. ``report`` is the address of its report, empty while there is none to show."""

    study: Study
    title: str
    posters: list[Poster]
    count: int
    viewer: str
    report: str
    report_from: datetime | None
    is_prior: bool


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """Show what was shared, or what comes before it."""
    if not entrance.is_in(request):
        return entrance.gate(request)
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    return render(request, "imaging/sharing/recipient.html", context_of(request, visit))


def context_of(request: HttpRequest, visit: ShareVisit) -> dict[str, object]:
    """Return what the page tells."""
    share = visit.share
    scope: Scope = request.scope  # type: ignore[attr-defined]
    shown = [_shown(request, entry, scope) for entry in recipients.studies_of(share, scope)]
    return {
        "share": share,
        "shown": shown,
        "patient": None if share.is_deidentified else share.patient,
        "sender": share.created_by,
        "hospital": share.department.site.name,
        "may_download": scope.named_with(Right.DOWNLOAD),
        "may_send": outsiders.may_send(request),
        "visits": recipients.visit_count(share),
    }


def _shown(request: HttpRequest, entry: recipients.SharedStudy, scope: Scope) -> Shown:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    uid = entry.study.study_instance_uid
    study = access.open_study(scope, uid, actor=actor, purpose=access.Purpose.THUMBNAIL)
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    report = reports.of(request, study)
    return Shown(
        study=study,
        title=wording.study_title(study),
        posters=study_pictures.posters_of(study, rows, scope=scope),
        count=sum(row.instance_count for row in rows),
        viewer=reverse("viewer:viewer", args=[study.study_instance_uid]),
        report=reverse("share:report", args=[study.study_instance_uid]) if report.is_readable else "",
        report_from=report.readable_from,
        is_prior=entry.is_prior,
    )
