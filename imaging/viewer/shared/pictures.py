"""Small pictures that stand for a study or a series, where all of it was shared: they may be of any image in it."""

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from imaging.viewer import pictures
from imaging.viewer.surroundings import shows_all_of_series, shows_all_of_study


def of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the small picture of a study that was shared as a whole."""
    if not shows_all_of_study(request.scope, study_instance_uid):  # type: ignore[attr-defined]
        raise Http404
    return pictures.of_study(request, study_instance_uid)


def of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give the small picture of a series that was shared as a whole."""
    if not shows_all_of_series(request.scope, study_instance_uid, series_instance_uid):  # type: ignore[attr-defined]
        raise Http404
    return pictures.of_series(request, study_instance_uid, series_instance_uid)


def cine_of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give the moving picture of a series that was shared as a whole."""
    if not shows_all_of_series(request.scope, study_instance_uid, series_instance_uid):  # type: ignore[attr-defined]
        raise Http404
    return pictures.cine_of_series(request, study_instance_uid, series_instance_uid)
