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
from imaging.sharing.entrance import asking
from imaging.sharing.entrance import views as entrance
from imaging.sharing.health_link import policies
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.receiving import outsiders
from imaging.sharing.record import selectors as records
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.finding import partly_seen
from imaging.studies.models import Study
from imaging.viewer import study_pictures, wording
from imaging.viewer.shared import record, reports
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
    if records.is_record(visit.share):
        return record.shown(request, visit)
    shown = told(visit.share, request.scope, actor=request.actor)  # type: ignore[attr-defined]
    return render(request, "imaging/sharing/recipient.html", {**shown, "may_send": outsiders.may_send(request)})


def told(share: Share, scope: Scope, *, actor: Actor) -> dict[str, object]:
    """Return what the page tells of a share to who sees this much of it."""
    shown = [_shown(share, entry, scope, actor) for entry in recipients.studies_of(share, scope)]
    return {
        "share": share,
        "shown": shown,
        "patient": None if share.is_deidentified else share.patient,
        "sender": share.created_by,
        "hospital": share.department.site.name,
        "may_download": scope.named_with(Right.DOWNLOAD),
        "offers_health_link": scope.named_with(Right.DOWNLOAD) and policies.is_offered(share),
        "may_ask": asking.may_ask(share),
        "has_asked": asking.has_asked(share),
        "visits": recipients.visit_count(share),
    }


def _shown(share: Share, entry: recipients.SharedStudy, scope: Scope, actor: Actor) -> Shown:
    uid = entry.study.study_instance_uid
    study = access.open_study(scope, uid, actor=actor, purpose=access.Purpose.THUMBNAIL)
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    partly_seen.as_seen(scope, rows)
    report = reports.of(share, study)
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
