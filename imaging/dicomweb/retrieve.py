"""Whole objects, bit-identical in their data set, streamed: PS3.18 section 10.4.1.1.1 to 10.4.1.1.3."""

from collections.abc import Iterator, Sequence

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from accounts.roles import Right
from imaging.dicomweb import answers, multipart, negotiation
from imaging.dicomweb.negotiation import MediaRange
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion

_CHUNK = 256 * 1024


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
    etag = f'"{stored.file_sha256[:32]}"'
    same = answers.unchanged(request, etag)
    if same is not None:
        return same
    response = answers.content(
        request,
        content_type=_part_type(stored),
        length=stored.length,
        read=lambda start, length: _read(stored, start, length),
    )
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
    parts = [_part(version) for version in chosen]
    status = 200 if len(chosen) == len(versions) else 206
    syntaxes = {version.stored_object.transfer_syntax_uid for version in chosen}
    outer = multipart.content_type(negotiation.DICOM, boundary, syntaxes.pop() if len(syntaxes) == 1 else "")
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=outer, status=status)
    else:
        response = StreamingHttpResponse(multipart.write(parts, boundary), content_type=outer, status=status)
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


def _part(version: InstanceVersion) -> multipart.Part:
    stored = version.stored_object
    address = reverse(
        "dicomweb:instance",
        args=[
            version.instance.series.study.study_instance_uid,
            version.instance.series.series_instance_uid,
            version.instance.sop_instance_uid,
        ],
    )
    return multipart.Part(_part_type(stored), _read(stored, 0, stored.length), stored.length, address)


def _read(stored: StoredObject, start: int, length: int) -> Iterator[bytes]:
    """Read a stored file in pieces. A generator: nothing is opened before its turn, and it is closed when the client goes."""
    with storage.open(stored) as file:
        file.seek(start)
        left = length
        while left:
            piece = file.read(min(_CHUNK, left))
            if not piece:
                raise storage.ObjectDamaged(stored.file_sha256)
            left -= len(piece)
            yield piece
