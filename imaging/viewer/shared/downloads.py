"""What a recipient takes home: everything that was shared, or one study of it, as a zip."""

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from imaging.sharing import recipients
from imaging.sharing.models import ShareVisit
from imaging.viewer.downloads import _zip, told


@require_GET
@told
def everything(request: HttpRequest) -> HttpResponseBase:
    """Give all studies of a share as one zip."""
    visit: ShareVisit = request.share_visit  # type: ignore[attr-defined]
    shared = recipients.studies_of(visit.share, request.scope)  # type: ignore[attr-defined]
    if not shared:
        raise Http404
    return _zip(request, [entry.study.study_instance_uid for entry in shared])


@require_GET
@told
def study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give one study of a share as a zip."""
    return _zip(request, [study_instance_uid])
