"""Headers as DICOM JSON: PS3.18 section 10.4.1.1.7. One stored segment is one read; the series' version is the tag."""

import zlib
from collections.abc import Callable, Iterable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

from accounts.roles import Right
from imaging.dicomweb import answers, kept_answers, negotiation
from imaging.dicomweb.negotiation import MediaRange
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import Series
from imaging.studies.reading import metadata as study_metadata


@answers.resource
def of_study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the headers of every instance of a study that the reader may see."""
    media_type = _media_type(request)
    scope = request.scope  # type: ignore[attr-defined]
    study = access.open_study(scope, study_instance_uid, actor=request.actor, purpose=access.Purpose.METADATA)  # type: ignore[attr-defined]
    rows = list(studies.series_of(study, scope=scope, right=Right.VIEW))
    return _answer(
        request, rows, media_type, lambda: study_metadata.study_metadata(study, scope=scope, base=base(request))
    )


@answers.resource
def of_series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give the headers of every instance of a series that the reader may see."""
    media_type = _media_type(request)
    scope = request.scope  # type: ignore[attr-defined]
    series = access.open_series(
        scope,
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.METADATA,
    )
    return _answer(
        request, [series], media_type, lambda: study_metadata.series_metadata(series, scope=scope, base=base(request))
    )


@answers.resource
def of_instance(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Give the headers of one instance, as an array of one (PS3.18 section F.2.1)."""
    media_type = _media_type(request)
    is_outside: bool = request.scope.is_outside  # type: ignore[attr-defined]
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.METADATA,
    )
    return _answer(
        request,
        [version.instance.series],
        media_type,
        lambda: b"[" + study_metadata.instance_metadata(version, base=base(request), is_outside=is_outside) + b"]",
    )


def base(request: HttpRequest) -> str:
    """Return the absolute address of the DICOMweb root, without a slash at its end."""
    return request.build_absolute_uri(reverse("dicomweb:root")).rstrip("/")


def _media_type(request: HttpRequest) -> str:
    """Return the JSON type to answer with. XML (PS3.19) is not offered."""
    return negotiation.first(answers.accepted(request), _offer, negotiation.DICOM_JSON)


def _offer(entry: MediaRange) -> str | None:
    if entry.media_type in {"multipart/*", negotiation.MULTIPART}:
        return None
    return next((kind for kind in (negotiation.DICOM_JSON, negotiation.JSON) if entry.takes(kind)), None)


def _answer(
    request: HttpRequest, rows: Iterable[Series], media_type: str, read: Callable[[], bytes]
) -> HttpResponseBase:
    # Bulk data is addressed by the host that was asked, so that the host is part of the version.
    tag = f"{study_metadata.etag(request.scope, rows)}-{zlib.crc32(base(request).encode()):08x}"  # type: ignore[attr-defined]
    return kept_answers.answer(request, tag, media_type, read)
