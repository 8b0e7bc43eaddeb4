"""Pictures of the desks: what waits in quarantine, and the versions of one image. Drawn now, kept by nobody on the way."""

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.scope import Scope
from imaging.dicom.errors import DicomError
from imaging.ingest.desk import conflicts, facts
from imaging.ingest.desk import selectors as desk
from imaging.ingest.desk.access import for_deciders, for_writers
from imaging.ingest.desk.policies import Decider
from imaging.rendering import loose
from imaging.rendering import services as rendering
from imaging.storage.errors import StorageError
from imaging.studies import access
from imaging.studies.reading import frames
from imaging.viewer import wording

_EDGE = 1024


@require_safe
@for_deciders
def of_quarantined(request: HttpRequest, decider: Decider, pk: int) -> HttpResponseBase:
    """Draw what waits in quarantine, for who may decide about it. Looking is on record."""
    found = desk.object_of(decider, pk)
    if found is None:
        raise Http404
    audit.record_read(
        audit.Action.FRAMES_READ,
        actor=decider.actor,
        subject_type="quarantined_object",
        subject_uid=str(found.pk),
        patient_id=facts.patient_of(found).patient_id,
        issuer_of_patient_id=facts.patient_of(found).issuer_of_patient_id,
        detail={"sop_instance_uid": found.sop_instance_uid},
    )
    try:
        return _picture(loose.draw(found.stored_object, size=_EDGE))
    except (DicomError, StorageError) as error:
        return _no_picture(error.code)
    except rendering.Unavailable as error:
        return _later(error)


@require_safe
@for_writers
def of_version(request: HttpRequest, scope: Scope, pk: int, version: int) -> HttpResponseBase:
    """Draw one version of an image, whichever is shown."""
    instance = conflicts.instance_of(scope, pk)
    wanted = next((one for one in conflicts.versions_of(instance) if one.pk == version), None) if instance else None
    if instance is None or wanted is None:
        raise Http404
    access.open_study(
        scope,
        instance.study.study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.FRAMES,
    )
    try:
        return _picture(rendering.render(wanted, box=(_EDGE, _EDGE), media_type=loose.MEDIA_TYPE))
    except (DicomError, StorageError) as error:
        return _no_picture(error.code)
    except frames.NoSuchFrame:
        return _no_picture("no_pixels")
    except rendering.Unavailable as error:
        return _later(error)


def _picture(drawn: rendering.Picture) -> HttpResponse:
    response = HttpResponse(drawn.data, content_type=drawn.media_type)
    response["Content-Disposition"] = "inline"
    return response


def _no_picture(code: str) -> HttpResponse:
    """Say in words why there is none; the page shows it in the place of the picture."""
    text = str(
        wording.PROBLEMS.get(code) or _("There is no picture of it. The object itself is kept as it was received.")
    )
    return HttpResponse(text, status=415, content_type="text/plain; charset=utf-8")


def _later(error: rendering.Unavailable) -> HttpResponse:
    text = _("The pictures cannot be drawn at the moment. Load the page again in a while.")
    response = HttpResponse(text, status=503, content_type="text/plain; charset=utf-8")
    response["Retry-After"] = str(error.retry_after)
    return response
