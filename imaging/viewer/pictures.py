"""Ready-made pictures of lists and pages. They are read as they are stored; nothing is drawn for a page."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from imaging.rendering import selectors as rendering
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.viewer import picture_addresses
from imaging.viewer.errors import of_a_study

#: The address names the version (`?v=`), so that the bytes behind it never change.
_IMMUTABLE = "private, max-age=31536000, immutable"


@require_safe
@of_a_study
def of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the small picture of a study."""
    study = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
    )
    return _picture(request, study.thumbnail)


@require_safe
@of_a_study
def of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give the small picture of a series."""
    series = access.open_series(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
    )
    return _picture(request, series.thumbnail)


@require_safe
@of_a_study
def cine_of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give the moving picture of a series; 404 for what is no film."""
    series = access.open_series(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
    )
    return _picture(request, rendering.series_cine(series))


@require_safe
@of_a_study
def of_instance(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, kind: str
) -> HttpResponseBase:
    """Give the `thumbnail` or the `preview` of an instance. A preview is read as an image, and so recorded as one."""
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES if kind == "preview" else access.Purpose.THUMBNAIL,
    )
    return _picture(request, rendering.picture(version, kind))


def _picture(request: HttpRequest, picture: StoredObject | None) -> HttpResponseBase:
    """Answer with the bytes; 404 without words while there is no picture: the page has its own placeholder."""
    if picture is None or not rendering.may_be_shown(picture, scope=request.scope):  # type: ignore[attr-defined]
        return HttpResponse(status=404, content_type="text/plain; charset=utf-8")
    etag = f'"{picture_addresses.tag(picture)}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(storage.read(picture), content_type="image/webp")
    response["ETag"] = etag
    current = request.GET.get("v") == picture_addresses.tag(picture)
    response["Cache-Control"] = _IMMUTABLE if current else "private, no-cache"
    return response
