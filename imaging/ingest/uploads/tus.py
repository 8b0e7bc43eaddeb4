"""The door for a browser's files: tus 1.0.0 over HTTP. Bodies are streamed to disk; nothing here reads `request.body`."""

import functools
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.http import http_date

from imaging.ingest.uploads import protocol, refusals, services, wire
from imaging.ingest.uploads.bringers import bringer_of, most_of
from imaging.ingest.uploads.services import Announced, Upload

View = Callable[..., HttpResponse]

_COLLECTION: Final = "OPTIONS, POST"
_FILE: Final = "OPTIONS, HEAD, PATCH, DELETE"
#: Clients write the name of a file under one of these keys.
_NAMES: Final = ("relativePath", "filename", "name")


def _speaks_tus(methods: str) -> Callable[[View], Callable[..., HttpResponseBase]]:
    """Make a view answer as the protocol says: version, sign-in, refusals with a sentence, nothing kept on the way."""

    def decorate(view: View) -> Callable[..., HttpResponseBase]:
        @functools.wraps(view)
        def answer(request: HttpRequest, **names: UUID) -> HttpResponseBase:
            method = _method(request)
            if method not in methods.split(", "):
                response = HttpResponse(status=405, headers={"Allow": methods})
            else:
                try:
                    response = _admitted(request, method, view, names)
                except refusals.Refusal as refusal:
                    response = _refused(refusal)
            if method != "OPTIONS":
                response["Tus-Resumable"] = protocol.VERSION
            response["Cache-Control"] = "no-store"
            return response

        return answer

    return decorate


def _method(request: HttpRequest) -> str:
    """The method, or the one that a POST stands for: any other would come past the check against forged requests."""
    method = request.method or ""
    override: str = request.headers.get("X-HTTP-Method-Override", "")
    return override.upper() if method == "POST" and override else method


def _admitted(request: HttpRequest, method: str, view: View, names: dict[str, UUID]) -> HttpResponse:
    bringer = bringer_of(request)
    if method == "OPTIONS":
        return _capabilities(most_of(bringer)[0])
    if request.headers.get("Tus-Resumable") != protocol.VERSION:
        raise refusals.WrongVersion
    try:
        return view(request, method, **names)
    except protocol.Malformed as error:
        raise refusals.Malformed from error


def _refused(refusal: refusals.Refusal) -> HttpResponse:
    response = wire.refused(refusal)
    if refusal.status == 412:
        response["Tus-Version"] = protocol.VERSION
    return response


def _capabilities(longest: int) -> HttpResponse:
    return HttpResponse(
        status=204,
        headers={
            "Tus-Resumable": protocol.VERSION,
            "Tus-Version": protocol.VERSION,
            "Tus-Extension": protocol.EXTENSIONS,
            "Tus-Max-Size": str(longest),
            "Tus-Checksum-Algorithm": ",".join(protocol.ALGORITHMS),
        },
    )


@_speaks_tus(_COLLECTION)
def collection(request: HttpRequest, method: str) -> HttpResponse:
    """Create an upload (extensions creation and creation-with-upload). The metadata must name the import."""
    length = protocol.number(request.headers.get("Upload-Length"), "Upload-Length")
    said = protocol.metadata(request.headers.get("Upload-Metadata"))
    try:
        delivery_id = UUID(said.get("import", ""))
    except ValueError as error:
        raise protocol.Malformed("Upload-Metadata") from error
    announced = Announced(
        path=next((said[key] for key in _NAMES if said.get(key)), ""),
        length=length,
        fingerprint=protocol.fingerprint(said.get("fingerprint", "")),
    )
    body = wire.body_of(request) if request.headers.get("Content-Type") == protocol.CONTENT_TYPE else None
    if body and body.length > length:
        raise refusals.TooLarge
    with wire.turn():
        upload = services.create(user=bringer_of(request), delivery_id=delivery_id, announced=announced, body=body)
    response = HttpResponse(status=201)
    response["Location"] = _address(request, upload)
    return _progress(response, upload)


@_speaks_tus(_FILE)
def file(request: HttpRequest, method: str, *, file_id: UUID) -> HttpResponse:
    """Say how far an upload has come, add to it, or forget it."""
    user = bringer_of(request)
    if method == "HEAD":
        upload = services.find(user=user, file_id=file_id)
        response = HttpResponse(status=200)
        response["Upload-Length"] = str(upload.file.length)
        return _progress(response, upload)
    if method == "DELETE":
        services.remove(user=user, file_id=file_id)
        return HttpResponse(status=204)
    if request.headers.get("Content-Type") != protocol.CONTENT_TYPE:
        raise refusals.WrongType
    offset = protocol.number(request.headers.get("Upload-Offset"), "Upload-Offset")
    with wire.turn():
        upload = services.append(user=user, file_id=file_id, offset=offset, body=wire.body_of(request))
    return _progress(HttpResponse(status=204), upload)


def _address(request: HttpRequest, upload: Upload) -> str:
    """Where the file is sent to: beside the collection, at whichever door this is mounted."""
    match = request.resolver_match
    door = match.namespace if match is not None else "ingest"
    return reverse(f"{door}:tus-file", kwargs={"file_id": upload.file.pk})


def _progress(response: HttpResponse, upload: Upload) -> HttpResponse:
    response["Upload-Offset"] = str(upload.offset)
    response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return response
