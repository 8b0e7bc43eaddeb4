"""The study page: who and when, the pictures, how they were made, the patient's other studies, what happened and went wrong."""

import hashlib
import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.labels import name_of
from accounts.roles import Right
from accounts.scope import Scope
from imaging.ingest.desk.access import decider_of
from imaging.ingest.desk.selectors import waiting_for_study
from imaging.ingest.repair.selectors import powers as repair_powers
from imaging.rendering import selectors as rendering
from imaging.rendering import services as rendering_services
from imaging.reports.critical import selectors as critical
from imaging.sharing.making import pages as sharing
from imaging.sharing.record.offering import may_give
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Placement, Series, Study
from imaging.viewer import (
    acquisition,
    corrections,
    download_menu,
    instances,
    patient_record,
    priors,
    protecting,
    study_facts,
    study_history,
    study_pictures,
    study_report,
    study_requests,
    why,
    wording,
)
from imaging.viewer.errors import of_a_study


@require_safe
@of_a_study
def page(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Show the study; `?series=` opens the images of one series in it (`imaging.viewer.instances` reads the rest)."""
    scope = request.scope  # type: ignore[attr-defined]
    actor = request.actor  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=actor, purpose=access.Purpose.OPEN)
    provenance = studies.provenance(study, scope=scope)
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    opened = _asked_series(request, rows)
    browser = instances.browse(opened, request.GET, scope=scope) if opened else None
    sharing_in = sharing.sharing_in(study, scope)
    context = {
        **_live_context(request, study, rows, provenance.placements),
        "facts": study_facts.facts(study),
        "places": study_facts.places(provenance.placements),
        "history": study_history.history(study, provenance, user=request.user, actor=actor),
        "why": why.why(request, study),
        "asks_who": why.may_ask_who(request, study),
        "protection": protecting.panel(request, study),
        "downloads": download_menu.offered(study, scope=scope),
        "timeline": priors.timeline(study, scope=scope),
        "opened_as": priors.opened_as(request, study),
        "may_add": study_facts.may_add(study, request.user),
        "may_repair": _may_repair(request, study),
        "may_raise": _may_raise(request, study),
        "may_share": sharing.may_share(study, request.user, scope, sharing_in),
        "may_collect": bool(sharing_in),
        "may_give_record": may_give(study, request.user, scope),
        "record_url": patient_record.address(study, request),
        "browser": browser,
        "acquired": {"series": browser.label, "facts": browser.facts} if browser else _acquired(rows, scope),
    }
    return render(request, "imaging/viewer/study.html", context)


@require_safe
@of_a_study
def live(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give what may change under an open page: identity, pictures, corrections and problems; 304 while nothing has.

    Looking again is no new reading: the page that asks is on record.
    """
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(
        scope,
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
    )
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    context = _live_context(request, study, rows, studies.placements_of(study, scope=scope))
    response: HttpResponseBase | None = get_conditional_response(request, etag=context["etag"])
    if response is None:
        response = render(request, "imaging/viewer/_study_live.html", {**context, "is_fragment": True})
        # An open panel of images asks whether it is concerned (`imaging.viewer.instances`).
        response["HX-Trigger"] = "study-changed"
    response["ETag"] = context["etag"]
    return response


@require_POST
@of_a_study
def retry(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Try again what failed; for who may write to the study."""
    study = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.CHANGE,
        right=Right.WRITE,
    )
    rendering_services.retry(study, actor=request.actor)  # type: ignore[attr-defined]
    messages.success(request, _("Trying again. The pictures appear here as soon as they are made."))
    return redirect("viewer:study", study_instance_uid=study_instance_uid)


def _may_repair(request: HttpRequest, study: Study) -> bool:
    """Whether the reader may put something right about the study; the page that does it asks again."""
    powers = repair_powers(request.user, study, scope=request.scope)  # type: ignore[attr-defined]
    return powers.correct or powers.reject


def _may_raise(request: HttpRequest, study: Study) -> bool:
    """Whether the reader may raise a critical finding; the form asks again."""
    by = critical.person(
        request.user,
        actor=request.actor,  # type: ignore[attr-defined]
        scope=request.scope,  # type: ignore[attr-defined]
    )
    return by is not None and critical.may_raise(by, study)


def _asked_series(request: HttpRequest, rows: list[Series]) -> Series | None:
    """The series whose images are to be shown in the page; one that is not there is left aside."""
    asked = request.GET.get("series", "")
    return next((row for row in rows if row.series_instance_uid == asked), None)


def _acquired(rows: list[Series], scope: Scope) -> dict[str, Any]:
    """How the series with the most images was made."""
    series = max(rows, key=lambda row: row.instance_count, default=None)
    if series is None:
        return {}
    record = instances.middle_record(series, scope=scope)
    return {
        "series": wording.series_label(series),
        "facts": acquisition.facts(record, series.modality) if record else [],
    }


def _live_context(
    request: HttpRequest, study: Study, rows: list[Series], placements: list[Placement]
) -> dict[str, Any]:
    """Everything that a page asks for again, with a tag that changes whenever any of it does."""
    scope = request.scope  # type: ignore[attr-defined]
    shown = study_pictures.of(study, rows, scope=scope)
    may_write = study_facts.may_write(study, scope)
    found = rendering.problems_of(study)
    kept_beside = list(studies.conflicts_of(study, scope=scope)[: study_facts.MOST_CONFLICTS + 1])
    decider = decider_of(request)
    said: dict[str, Any] = {
        "title": wording.study_title(study),
        "label": name_of(study.sensitivity),
        "posters": shown.posters,
        "cards": shown.cards,
        "size": shown.size,
        # That the study is complete changes no picture, and yet the page must hear of it.
        "is_growing": study.settled_at is None or shown.is_waiting,
        "problems": study_facts.problems(found),
        "may_retry": bool(found) and may_write,
        "conflicts": study_facts.conflicts(study, kept_beside, may_choose=may_write),
        "has_more_conflicts": len(kept_beside) > study_facts.MOST_CONFLICTS,
        "may_choose": may_write,
        "waiting": waiting_for_study(decider, study.study_instance_uid) if decider else 0,
        "report_shown": study_report.of(request, study),
        "critical_findings": critical.open_of_study(study),
        "requests": study_requests.answered(study, scope=scope),
        "waits_for_request": study_requests.waits(request, study),
        "decisions": corrections.decisions(
            studies.decisions_about(study, scope=scope),
            may_revert=study.is_corrected and may_write and corrections.may_correct(request, study),
        ),
    }
    patient = study.patient
    identity = (patient.patient_name, patient.patient_id, patient.issuer_of_patient_id, patient.birth_date, patient.sex)
    seen = repr([get_language(), study.version, study.study_at, identity, *said.items()])
    etag = f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'
    return {
        **said,
        "study": study,
        "patient": patient,
        "departments": ", ".join(place.department.label for place in placements),
        "etag": etag,
        "refresh_headers": json.dumps({"If-None-Match": etag}),
    }
