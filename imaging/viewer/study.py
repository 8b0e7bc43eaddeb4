"""The study page: previews at once, the series, where it came from, why it is here, and what went wrong."""

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

from accounts.roles import Right
from accounts.scope import Scope
from imaging.rendering import selectors as rendering
from imaging.rendering import services as rendering_services
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Study
from imaging.viewer import corrections, study_facts, study_pictures, wording
from imaging.viewer.errors import of_a_study


@require_safe
@of_a_study
def page(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Show the study."""
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.OPEN)  # type: ignore[attr-defined]
    provenance = studies.provenance(study, scope=scope)
    context = {
        "study": study,
        "patient": study.patient,
        "title": wording.study_title(study),
        "departments": ", ".join(place.department.label for place in provenance.placements),
        "facts": study_facts.facts(study),
        "places": study_facts.places(provenance.placements),
        "arrivals": study_facts.arrivals(provenance.sources),
        "may_add": study_facts.may_add(study, request.user),
        "decisions": corrections.decisions(
            studies.decisions_about(study, scope=scope),
            may_revert=study.is_corrected
            and study_facts.may_write(study, scope)
            and corrections.may_correct(request, study),
        ),
        **_series_context(study, scope),
        **_problem_context(study, scope),
    }
    return render(request, "imaging/viewer/study.html", context)


@require_safe
@of_a_study
def series_strip(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give previews and series alone; 304 while nothing has come. Asked for only while the study grows."""
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.OPEN)  # type: ignore[attr-defined]
    context = _series_context(study, scope)
    etag = json.loads(context["refresh_headers"])["If-None-Match"]
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = render(request, "imaging/viewer/_series_strip.html", {"study": study, **context})
    response["ETag"] = etag
    return response


@require_safe
@of_a_study
def problems(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the problems alone, while the study grows or something is tried again."""
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.OPEN)  # type: ignore[attr-defined]
    context = {"study": study, **_problem_context(study, scope), "is_growing": _is_growing(study, scope)}
    return render(request, "imaging/viewer/_problems.html", context)


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


def _series_context(study: Study, scope: Scope) -> dict[str, Any]:
    shown = study_pictures.of(study, scope=scope)
    is_growing = study.settled_at is None or shown.is_waiting
    # That the study is complete changes no picture, and yet the page must hear of it: it asks until then.
    version = f"{study.version}-{shown.version}-{is_growing}-{get_language()}"
    return {
        "posters": shown.posters,
        "cards": shown.cards,
        "size": shown.size,
        "is_growing": is_growing,
        "refresh_headers": json.dumps({"If-None-Match": f'"{version}"'}),
    }


def _is_growing(study: Study, scope: Scope) -> bool:
    """Whether something is still to come: images, or pictures of them."""
    return study.settled_at is None or study_pictures.of(study, scope=scope).is_waiting


def _problem_context(study: Study, scope: Scope) -> dict[str, Any]:
    found = rendering.problems_of(study)
    kept_beside = list(studies.conflicts_of(study, scope=scope)[: study_facts.MOST_CONFLICTS])
    return {
        "problems": study_facts.problems(found),
        "conflicts": study_facts.conflicts(
            study, kept_beside, may_choose=bool(kept_beside) and study_facts.may_write(study, scope)
        ),
        "may_retry": bool(found) and study_facts.may_write(study, scope),
    }
