"""Whole objects, streamed; bit-identical in their data set but for what was corrected: PS3.18 section 10.4.1.1.1 to 10.4.1.1.3."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from accounts.roles import Right
from imaging.dicomweb import answers, long_answers, multipart, negotiation
from imaging.dicomweb.negotiation import MediaRange
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion
from imaging.studies.reading import output
from imaging.studies.reading.output import OutputFile

#: Corrected objects whose lengths are found out before an answer of several parts begins.
_MEASURED = 200


@answers.resource
def study(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give every instance of a study that the reader may fetch."""
    accepted = answers.accepted(request)
    opened = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.RETRIEVE,
        right=Right.DOWNLOAD,
    )
    versions = list(studies.versions_of(opened, scope=request.scope, right=Right.DOWNLOAD).defer("frame_index"))  # type: ignore[attr-defined]
    return _parts(request, accepted, versions)


@answers.resource
def series(request: HttpRequest, study_instance_uid: str, series_instance_uid: str) -> HttpResponseBase:
    """Give every instance of a series that the reader may fetch."""
    accepted = answers.accepted(request)
    opened = access.open_series(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.RETRIEVE,
        right=Right.DOWNLOAD,
    )
    versions = list(studies.versions_of(opened, scope=request.scope, right=Right.DOWNLOAD).defer("frame_index"))  # type: ignore[attr-defined]
    return _parts(request, accepted, versions)


@answers.resource
def instance(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
) -> HttpResponseBase:
    """Give one instance: as one part, or alone as `application/dicom` when the client prefers it."""
    accepted = answers.accepted(request)
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.RETRIEVE,
        right=Right.DOWNLOAD,
    )
    stored = version.stored_object
    alone = negotiation.first(accepted, lambda entry: _alone(entry, stored.transfer_syntax_uid), _available([version]))
    if not alone:
        return _parts(request, accepted, [version])
    file = output.file_of(version, is_outside=request.scope.is_outside)  # type: ignore[attr-defined]
    etag = f'"{file.etag}"'
    same = answers.unchanged(request, etag)
    if same is not None:
        return same
    response = answers.content(request, etag=etag, content_type=_part_type(stored), length=file.length, read=file.read)
    return answers.cached(response, request, etag)


def _alone(entry: MediaRange, transfer_syntax_uid: str) -> bool | None:
    if not entry.takes(negotiation.DICOM) or not entry.takes_syntax(transfer_syntax_uid):
        return None
    return not entry.is_multipart


def _parts(
    request: HttpRequest, accepted: Sequence[MediaRange], versions: Sequence[InstanceVersion]
) -> HttpResponseBase:
    """Answer with one part each; 206 when some of them have no acceptable transfer syntax (PS3.18 table 8.5-1)."""
    if not versions:
        raise answers.NothingHere
    chosen = negotiation.first(accepted, lambda entry: _acceptable(entry, versions), _available(versions))
    boundary = multipart.new_boundary()
    files = output.files_of(chosen, is_outside=request.scope.is_outside)  # type: ignore[attr-defined]
    # The length of a corrected object is known once its header was read: not worth the wait for thousands of them.
    is_measured = sum(file.is_corrected for file in files) <= _MEASURED
    parts = [_part(version, file, is_measured) for version, file in zip(chosen, files, strict=True)]
    status = 200 if len(chosen) == len(versions) else 206
    syntaxes = {version.stored_object.transfer_syntax_uid for version in chosen}
    outer = multipart.content_type(negotiation.DICOM, boundary, syntaxes.pop() if len(syntaxes) == 1 else "")
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=outer, status=status)
    elif len(parts) == 1:
        response = StreamingHttpResponse(multipart.write(parts, boundary), content_type=outer, status=status)
    else:
        response = long_answers.answer(multipart.write(parts, boundary), content_type=outer, status=status)
    if is_measured:
        response["Content-Length"] = str(multipart.length(parts, boundary))
    response["Cache-Control"] = "private, no-store"
    return response


def _acceptable(entry: MediaRange, versions: Sequence[InstanceVersion]) -> list[InstanceVersion] | None:
    if not (entry.is_multipart and entry.takes(negotiation.DICOM)):
        return None
    return [version for version in versions if entry.takes_syntax(version.stored_object.transfer_syntax_uid)] or None


def _available(versions: Sequence[InstanceVersion]) -> str:
    syntaxes = sorted({version.stored_object.transfer_syntax_uid for version in versions})
    return f'multipart/related; type="{negotiation.DICOM}"; transfer-syntax={", ".join(syntaxes)}'


def _part_type(stored: StoredObject) -> str:
    return f"{negotiation.DICOM}; transfer-syntax={stored.transfer_syntax_uid}"


def _part(version: InstanceVersion, file: OutputFile, is_measured: bool) -> multipart.Part:
    address = reverse(
        "dicomweb:instance",
        args=[
            version.instance.series.study.study_instance_uid,
            version.instance.series.series_instance_uid,
            version.instance.sop_instance_uid,
        ],
    )
    length = file.length if is_measured or not file.is_corrected else None
    return multipart.Part(_part_type(version.stored_object), file.read(), length, address)
