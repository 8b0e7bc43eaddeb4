"""Big values that metadata name by address: PS3.18 section 10.4.1.1.8."""

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from imaging.dicom import bulk_value
from imaging.dicom.bulk_value import Located
from imaging.dicomweb import answers, multipart, negotiation
from imaging.dicomweb.negotiation import MediaRange
from imaging.storage import services as storage
from imaging.storage.models import StoredObject
from imaging.studies import access
from imaging.studies.reading import output


@answers.resource
def retrieve(
    request: HttpRequest, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, value_path: str
) -> HttpResponseBase:
    """Give one value, alone or as one part; by range too. Fragmented pixel data are frames, not bulk data."""
    accepted = answers.accepted(request)
    version = access.open_instance(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        series_instance_uid,
        sop_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.RETRIEVE,
    )
    if value_path[:8].upper() in output.corrected_tags(version):
        # Received, and not what goes out: no metadata names it.
        raise answers.NothingHere
    stored = version.stored_object
    with storage.open(stored) as file:
        value = bulk_value.locate(file, value_path)
    if value is None:
        raise answers.NothingHere
    as_parts = negotiation.first(
        accepted, _offer, f'{negotiation.OCTETS}, multipart/related; type="{negotiation.OCTETS}"'
    )
    etag = f'"{stored.file_sha256[:32]}"'
    same = answers.unchanged(request, etag)
    if same is not None:
        return same
    if as_parts:
        return answers.cached(_part(request, stored, value), request, etag)
    response = answers.content(
        request,
        etag=etag,
        content_type=negotiation.OCTETS,
        length=value.length,
        read=lambda start, length: _read(stored, value, start, length),
    )
    return answers.cached(response, request, etag)


def _offer(entry: MediaRange) -> bool | None:
    if not entry.takes(negotiation.OCTETS):
        return None
    return entry.media_type in {negotiation.MULTIPART, "multipart/*"}


def _part(request: HttpRequest, stored: StoredObject, value: Located) -> HttpResponseBase:
    boundary = multipart.new_boundary()
    body = _read(stored, value, 0, value.length)
    parts = [multipart.Part(negotiation.OCTETS, body, value.length, request.path)]
    outer = multipart.content_type(negotiation.OCTETS, boundary)
    if request.method == "HEAD":
        response: HttpResponseBase = HttpResponse(content_type=outer)
    else:
        response = StreamingHttpResponse(multipart.write(parts, boundary), content_type=outer)
    response["Content-Length"] = str(multipart.length(parts, boundary))
    return response


def _read(stored: StoredObject, value: Located, start: int, length: int) -> Iterator[bytes]:
    with storage.open(stored) as file:
        yield from bulk_value.read(file, value, start, length)
