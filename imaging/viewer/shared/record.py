"""The page of a patient's own record: what was examined, the reports, with whom it was shared, and who acts for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.sharing import recipients
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.record import selectors as records
from imaging.sharing.record import told
from imaging.sharing.scopes import actor_of
from imaging.studies.models import Series, Study
from imaging.viewer import picture_addresses, wording
from imaging.viewer.shared import kinds, reports

#: Examinations of one page.
PAGE = 20
_FARTHEST = 10_000


@dataclass(frozen=True, slots=True)
class Examination:
    """One examination of the page. Addresses are empty for what is not shown, or not there."""

    study: Study
    title: str
    kind: str
    picture: str
    count: int
    viewer: str
    report: str
    report_from: datetime | None
    report_is_held: bool


def shown(request: HttpRequest, visit: ShareVisit) -> HttpResponseBase:
    """Show the record to who has proved themselves; the look is on record."""
    share = visit.share
    actor = getattr(request, "actor", None) or actor_of(share)
    begin = _number(request.GET.get("from", ""))
    context = page_of(share, request.scope, begin=begin)  # type: ignore[attr-defined]
    context["said"] = request.GET.get("said", "")
    record_look(audit.Action.SHARES_READ, share, actor)
    return render(request, "imaging/sharing/record/page.html", context)


def record_look(action: audit.Action, share: Share, actor: Actor) -> None:
    """Put on record that a page of the record was looked at."""
    patient = share.patient
    audit.record_read(
        action,
        actor=actor,
        subject_type="share",
        subject_uid=share.key,
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail={"kind": share.kind},
    )


def page_of(share: Share, scope: Scope, *, begin: int = 0) -> dict[str, Any]:
    """Return what the page tells of a record to who sees this much of it."""
    shows = records.shows(share)
    entries = recipients.studies_of(share, scope)
    here = [entry.study for entry in entries[begin : begin + PAGE]]
    series = records.series_of(here, scope)
    seen = {entry.study.pk for entry in entries}
    return {
        "share": share,
        "until": records.latest_end(share, share.valid_until),
        "hospital": share.department.site.name,
        "patient": records.person_of(share),
        "link": records.link_of(share),
        "is_kept_back": records.is_kept_back(share),
        "shows": shows,
        "contact": shows.rules.contact_words,
        "examinations": [_examination(share, study, series.get(study.pk, [])) for study in here],
        "older": begin + PAGE if len(entries) > begin + PAGE else 0,
        "begin": begin,
        "may_download": scope.named_with(Right.DOWNLOAD),
        "shares": told.shares_of(share, seen, shows) if shows.shares else [],
        "proxies": told.proxies_of(share),
        "devices": told.devices_of(share),
    }


def _examination(share: Share, study: Study, series: list[Series]) -> Examination:
    report = reports.of(share, study)
    uid = study.study_instance_uid
    pictures = (picture for row in series if (picture := picture_addresses.of_series(row)))
    return Examination(
        study=study,
        title=wording.study_title(study),
        kind=kinds.in_words(study.modalities),
        picture=next(pictures, ""),
        count=sum(row.instance_count for row in series),
        viewer=reverse("viewer:viewer", args=[uid]) if series else "",
        report=reverse("share:report", args=[uid]) if report.is_readable else "",
        report_from=None if report.is_held else report.readable_from,
        report_is_held=report.is_held,
    )


def _number(text: str) -> int:
    return min(int(text), _FARTHEST) if text.isascii() and text.isdecimal() and len(text) < 7 else 0
