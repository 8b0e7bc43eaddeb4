"""Who comes to the repair pages: people with the capability, and only about studies that they see."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from imaging.ingest.repair import selectors
from imaging.ingest.repair.selectors import Powers
from imaging.studies import access
from imaging.studies.models import Study

P = ParamSpec("P")


def for_repairers(
    view: Callable[Concatenate[HttpRequest, Study, Powers, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, str, P], HttpResponseBase]:
    """Make a page about a study: 404 for a stranger as for a study that is not there, 403 without the capability."""

    @functools.wraps(view)
    def answer(request: HttpRequest, study_instance_uid: str, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        scope = request.scope  # type: ignore[attr-defined]
        actor = request.actor  # type: ignore[attr-defined]
        try:
            study = access.open_study(scope, study_instance_uid, actor=actor, purpose=access.Purpose.CHANGE)
        except access.StudyNotVisible as error:
            raise Http404 from error
        except access.RightMissing as error:
            raise PermissionDenied from error
        powers = selectors.powers(request.user, study, scope=scope)
        if not (powers.correct or powers.reject):
            raise PermissionDenied
        return _unkept(view(request, study, powers, *args, **names))

    return login_required(answer)  # type: ignore[return-value]


def for_any_repairer(
    view: Callable[Concatenate[HttpRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make the page of decisions: 403 for people who may put nothing right anywhere."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        if not selectors.comes_anywhere(request.user):
            raise PermissionDenied
        return _unkept(view(request, *args, **names))

    return login_required(answer)  # type: ignore[return-value]


def _unkept(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "private, no-store"
    return response
