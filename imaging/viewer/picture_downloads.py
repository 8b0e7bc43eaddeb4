"""One image as a JPEG or PNG to be kept, in its full size and as the reader sees it. It is an export like any other."""

import math
import re
from typing import Final

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom.errors import DicomError
from imaging.rendering import services as rendering
from imaging.studies import access
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import frames
from imaging.templatetags import people
from imaging.viewer.downloads import Refused, told

_MEDIA_TYPES: Final = {"jpeg": "image/jpeg", "png": "image/png"}
_ENDINGS: Final = {"jpeg": "jpg", "png": "png"}
_MODALITY: Final = re.compile(r"[A-Z][A-Z0-9]{1,7}")
_FUNCTIONS: Final = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_QUALITY: Final = 95
_LARGEST_VALUE: Final = 1e9


@require_GET
@told
def image(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Give the image as `as=jpeg` or `png`; `frame` from 1, `window=centre,width[,function]`, `words=1` for a line below it."""
    return picture_answer(
        request,
        scope=request.scope,  # type: ignore[attr-defined]
        actor=request.actor,  # type: ignore[attr-defined]
        study_uid=study_instance_uid,
        series_uid=series_instance_uid,
        sop_uid=sop_instance_uid,
    )


def picture_answer(
    request: HttpRequest, *, scope: Scope, actor: Actor, study_uid: str, series_uid: str, sop_uid: str
) -> HttpResponse:
    """One image as the query of the request asks for it, for whoever may take it; it is on record as an export.

    Nobody's name stands below an image of a scope without identities. Raises ``Http404`` for what makes no sense,
    ``downloads.Refused``, and what ``access.open_instance`` does: see ``downloads.explained``.
    """
    form = request.GET.get("as", "jpeg")
    number = _number(request.GET.get("frame", ""))
    window = _window(request.GET.get("window", ""))
    if form not in _MEDIA_TYPES:
        raise Http404
    version = access.open_instance(
        scope,
        study_uid,
        series_uid,
        sop_uid,
        actor=actor,
        purpose=access.Purpose.EXPORT,
        right=Right.DOWNLOAD,
        detail={"form": form, "instance": sop_uid},
    )
    has_words = request.GET.get("words") == "1" and not scope.deidentified
    picture = _drawn(version, number, window, form, _words(version) if has_words else "")
    response = HttpResponse(picture.data, content_type=picture.media_type)
    response["Content-Disposition"] = f'attachment; filename="{_name(version, number)}.{_ENDINGS[form]}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _drawn(
    version: InstanceVersion, number: int | None, window: rendering.Window | None, form: str, words: str
) -> rendering.Picture:
    try:
        return rendering.render(
            version,
            number=number,
            window=window,
            media_type=_MEDIA_TYPES[form],
            quality=_QUALITY if form == "jpeg" else 0,
            words=words,
        )
    except (frames.NoSuchFrame, ValueError):
        raise Http404 from None
    except (frames.FramesNotReady, rendering.Unavailable):
        raise Refused(
            503,
            _("This picture cannot be drawn just now"),
            _("Everything that draws pictures is busy. Nothing is lost; try again in a moment."),
            retry_after=rendering.Unavailable.retry_after,
        ) from None
    except DicomError:
        raise Refused(
            406,
            _("There is no picture of this object"),
            _(
                "It cannot be drawn as an image. The object itself can be downloaded as DICOM, with its study or series."
            ),
        ) from None


def _number(text: str) -> int | None:
    """The frame asked for; None for the middle one."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 8 and int(text)):
        raise Http404
    return int(text)


def _window(text: str) -> rendering.Window | None:
    """The window that the reader sees, in the units after the modality LUT (PS3.3 section C.11.2.1.2)."""
    if not text:
        return None
    centre, _comma, rest = text[:80].partition(",")
    width, _comma, function = rest.partition(",")
    try:
        values = float(centre), float(width)
    except ValueError:
        raise Http404 from None
    sound = all(math.isfinite(value) and abs(value) < _LARGEST_VALUE for value in values) and values[1] > 0
    if not sound or (function or "linear") not in _FUNCTIONS:
        raise Http404
    return rendering.Window(*values, _FUNCTIONS[function or "linear"])


def _words(version: InstanceVersion) -> str:
    """Who and when, for a line below the image."""
    series = version.instance.series
    patient = series.study.patient
    pieces = [
        patient.display_name,
        patient.patient_id,
        people.day(patient.birth_date) if patient.birth_date else "",
        series.modality,
        people.day(timezone.localtime(series.study.study_at)),
    ]
    return " · ".join(piece for piece in pieces if piece)


def _name(version: InstanceVersion, number: int | None) -> str:
    """Modality, date, numbers of series, image and frame: nothing of the patient."""
    instance = version.instance
    series = instance.series
    numbers = [series.series_number, instance.instance_number, number if instance.number_of_frames > 1 else None]
    return "-".join(
        [
            series.modality if _MODALITY.fullmatch(series.modality) else "image",
            f"{timezone.localtime(series.study.study_at):%Y%m%d}",
            *(str(abs(value)) for value in numbers if value is not None),
        ]
    )
