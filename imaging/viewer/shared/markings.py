"""What a viewer that was opened by a link follows: which images were flagged, and whether the study is still shared.

Measurements and words on images are notes of those who work on them: none of them leaves the hospital with a link.
"""

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from imaging.studies import access, markings
from imaging.viewer.errors import of_a_study
from imaging.viewer.markings import study_version


@require_safe
@of_a_study
def of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the flagged frames of a shared study, and its version; 404 as soon as it is shared no more."""
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.THUMBNAIL)  # type: ignore[attr-defined]
    flags = [
        {
            "series_instance_uid": row.instance.series.series_instance_uid,
            "sop_instance_uid": row.instance.sop_instance_uid,
            "frame": row.frame_number,
            "note": "",
            "by": "",
            "own": False,
            "may_unflag": False,
        }
        for row in markings.key_images_of(study, scope=scope)
    ]
    return JsonResponse({"study_version": study_version(study), "csrf": "", "annotations": [], "key_images": flags})
