"""The FHIR door: who may ask, what is sent, and how it is answered, the same for every resource."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable
from typing import Final

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext as _

from accounts import audit, selectors, throttling
from imaging.ehr.fhir import binaries, capability, discovery, parsing, searching
from imaging.ehr.fhir.kinds import Asking, Kind, versioned
from imaging.ehr.fhir.outcomes import CONTENT_TYPE, Refused, answer, outcome
from imaging.ehr.fhir.registry import KINDS
from imaging.fhir.values import Resource
from imaging.reports.writing.publishing import DocumentsNotMade
from imaging.storage import services as storage
from imaging.studies import access

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]

_AWAY_SECONDS: Final = 30
_ANSWERED: Final = (
    access.StudyNotVisible,
    access.RightMissing,
    storage.StorageAway,
    audit.AuditUnavailable,
    DocumentsNotMade,
)
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = frozenset({"json", "application/json", "application/fhir+json", "text/json"})
_ACCEPTED: Final = frozenset({"*/*", "application/*", "application/json", "application/fhir+json", "text/json"})


def _resource(*methods: str, is_open: bool = False) -> Callable[[View], View]:
    """Make a view of the facade: for whoever has been recognised, or for all, with these methods."""

    def wrap(view: View) -> View:
        @functools.wraps(view)
        def answered(request: HttpRequest, *args: str, **names: str) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    raise Refused(405)
                if is_open:
                    response = view(request, *args, **names)
                else:
                    _admit(request)
                    with timezone.override(selectors.zone_of_reader(request.user, request.scope)):  # type: ignore[attr-defined]
                        response = view(request, *args, **names)
            except Refused as refused:
                response = _refusal(refused, methods if request.method not in methods else ("GET", "HEAD"))
            except _ANSWERED as error:
                response = _of_exception(error)
            patch_vary_headers(response, ["Accept", "Cookie", "Authorization"])
            return response

        return answered

    return wrap


def _admit(request: HttpRequest) -> None:
    """Let in who is known and has requests left. Raises ``Refused``."""
    actor = request.actor  # type: ignore[attr-defined]
    if actor.is_anonymous:
        raise Refused(401)
    reads = request.method != "PUT" and not (request.method == "POST" and not request.path.endswith("/_search"))
    limit: int = settings.API_READS_PER_MINUTE if reads else settings.API_WRITES_PER_MINUTE
    allowance = throttling.spend(actor, "fhir:read" if reads else "fhir:write", limit=limit)
    if allowance is not None and allowance.wait:
        raise Refused(429, retry_after=allowance.wait)


def _refusal(refused: Refused, methods: tuple[str, ...]) -> HttpResponse:
    response = answer(refused)
    if refused.status == 405:
        response["Allow"] = ", ".join(methods)
    if refused.status == 401:
        # Without Basic, or browsers would open their own window for a session that has ended.
        response["WWW-Authenticate"] = 'Bearer realm="negatoscope"'
    return response


def _of_exception(error: Exception) -> HttpResponse:
    """Answer for what reading raised."""
    if isinstance(error, access.StudyNotVisible):
        return answer(Refused(404))
    if isinstance(error, access.RightMissing):
        return answer(Refused(403))
    log.warning("A content is out of reach: %s.", type(error).__name__)
    return answer(Refused(503, retry_after=_AWAY_SECONDS))


@_resource("GET", "HEAD", is_open=True)
def metadata(request: HttpRequest) -> HttpResponseBase:
    """Tell what the facade does; anybody may ask, and it holds no data."""
    _negotiate(request)
    return _given(request, capability.statement(_asking(request).base), cache="private, no-cache")


@_resource("GET", "HEAD", is_open=True)
def smart_configuration(request: HttpRequest) -> HttpResponseBase:
    """Tell where programs get their tokens; anybody may ask, and it holds no data."""
    return JsonResponse(discovery.configuration())


@_resource("GET", "HEAD", "POST")
def resources(request: HttpRequest, name: str) -> HttpResponseBase:
    """Search resources of one type by the address, or create one."""
    if request.method == "POST":
        return _created(request, _written_kind(request, name))
    return _found(request, name, request.GET, is_form=False)


@_resource("POST")
def search_form(request: HttpRequest, name: str) -> HttpResponseBase:
    """Search resources of one type by a form, so that nothing of it stands in an address."""
    if request.content_type != _FORM:
        text = _("Send the search as a form: application/x-www-form-urlencoded.")
        raise Refused(415, text)
    merged = request.GET.copy()
    for key, values in request.POST.lists():
        merged.setlist(key, [*merged.getlist(key), *values])
    return _found(request, name, merged, is_form=True)


@_resource("GET", "HEAD", "PUT")
def resource(request: HttpRequest, name: str, key: str) -> HttpResponseBase:
    """Give one resource, or change it."""
    if request.method == "PUT":
        return _updated(request, _written_kind(request, name), key)
    kind = _kind(request, name)
    if isinstance(kind, binaries.Binaries) and _wants_pdf(request):
        return _document(request, kind, key)
    _negotiate(request)
    return _given(request, _read(request, kind, key))


def _created(request: HttpRequest, kind: Kind) -> HttpResponseBase:
    """Create, unless what the client names by If-None-Exist is there already (R4 section 3.1.0.8.1)."""
    _negotiate(request)
    asking, body = _asking(request), parsing.resource(_body(request), kind.name)
    key, is_new = _existing(request, asking, kind), False
    if not key:
        key, is_new = kind.create(asking, body)
    # What was placed for a patient who is specially protected is not shown to who placed it.
    found = kind.read(asking, key) or outcome(201, _("It was taken."), code="informational", severity="information")
    response = _answered_with(request, found, status=201 if is_new else 200)
    response["Location"] = f"{asking.base}/{kind.name}/{key}"
    return response


def _existing(request: HttpRequest, asking: Asking, kind: Kind) -> str:
    text = request.headers.get("If-None-Exist", "")
    if not text:
        return ""
    query = QueryDict(text.rpartition("?")[2], mutable=True)
    query["_count"] = "2"
    found = searching.bundle(asking, kind, query, is_form=True, is_lenient=False).get("entry", [])
    if len(found) > 1:
        raise Refused(412, _("Several resources are already what you describe."), code="multiple-matches")
    return str(found[0]["resource"]["id"]) if found else ""


def _updated(request: HttpRequest, kind: Kind, key: str) -> HttpResponseBase:
    _negotiate(request)
    asking, body = _asking(request), parsing.resource(_body(request), kind.name)
    if body.get("id") != key:
        raise Refused(400, _("The id in the body is not that of the address."), expression=f"{kind.name}.id")
    seen = request.headers.get("If-Match", "")
    if seen and seen.removeprefix("W/").strip('"') != versioned(_read(request, kind, key))[1]:
        raise Refused(412, _("It has changed meanwhile. Read it again, and decide anew."), code="conflict")
    kind.update(asking, key, body)
    return _answered_with(request, _read(request, kind, key))


def _written_kind(request: HttpRequest, name: str) -> Kind:
    kind = _kind(request, name)
    if not kind.is_written:
        raise Refused(405)
    return kind


def _body(request: HttpRequest) -> bytes:
    if request.content_type not in _JSON:
        raise Refused(415, _("Send the resource as application/fhir+json."))
    return request.body


def _read(request: HttpRequest, kind: Kind, key: str) -> Resource:
    found = kind.read(_asking(request), key)
    if found is None:
        raise Refused(404)
    return found


def _found(request: HttpRequest, name: str, query: QueryDict, *, is_form: bool) -> HttpResponseBase:
    kind = _kind(request, name)
    _negotiate(request)
    if not kind.is_searched:
        raise Refused(404, _("This cannot be searched: it is found by the references of others."), code="not-supported")
    asking = _asking(request)
    is_lenient = "handling=lenient" in request.headers.get("Prefer", "").replace(" ", "").lower()
    return _given(request, searching.bundle(asking, kind, query, is_form=is_form, is_lenient=is_lenient))


def _kind(request: HttpRequest, name: str) -> Kind:
    if name not in KINDS:
        raise Refused(404, _("There are no resources of this type here. The capability statement names them."))
    if not _asking(request).may_read(name):
        raise Refused(403, _("The token does not allow resources of this type."))
    return KINDS[name]


def _asking(request: HttpRequest) -> Asking:
    portal = request.build_absolute_uri("/").rstrip("/")
    guest = getattr(request, "guest", None)
    kinds = guest.kinds if guest else None
    return Asking(request.scope, request.actor, request.user, portal, kinds)  # type: ignore[attr-defined]


def _negotiate(request: HttpRequest) -> None:
    """Refuse who wants another form than JSON."""
    form = request.GET.get("_format") or request.POST.get("_format", "")
    if form:
        # A plus in an address is a blank.
        if form.replace(" ", "+").partition(";")[0] not in _JSON:
            raise Refused(406)
        return
    if not _accepted(request) & _ACCEPTED:
        raise Refused(406)


def _wants_pdf(request: HttpRequest) -> bool:
    return binaries.PDF in _accepted(request)


def _accepted(request: HttpRequest) -> set[str]:
    entries = request.headers.get("Accept", "*/*").split(",")
    return {entry.partition(";")[0].strip().lower() for entry in entries}


def _document(request: HttpRequest, kind: binaries.Binaries, key: str) -> HttpResponse:
    data = kind.document(_asking(request), key)
    if data is None:
        raise Refused(404)
    response = HttpResponse(data, content_type=binaries.PDF)
    # What another system wrote is not run beside our pages, whatever stands in it.
    response["Content-Disposition"] = 'attachment; filename="report.pdf"'
    response["Cache-Control"] = "private, no-store"
    return response


def _given(request: HttpRequest, found: Resource, *, cache: str = "private, no-store") -> HttpResponseBase:
    """The resource with its version; 304 when the client has it already."""
    response = _answered_with(request, found, cache=cache)
    if request.method == "POST":
        return response
    same: HttpResponseBase | None = get_conditional_response(request, etag=response["ETag"], response=response)
    given = same or response
    given["Cache-Control"] = cache
    return given


def _answered_with(
    request: HttpRequest, found: Resource, *, status: int = 200, cache: str = "private, no-store"
) -> HttpResponse:
    if "id" in found:
        found, version = versioned(found)
        body = orjson.dumps(found)
    else:
        body = orjson.dumps(found)
        # The address of a next page is sealed anew each time: that there is one is what counts.
        links = [link["relation"] for link in found.get("link", ())]
        version = hashlib.sha256(orjson.dumps({**found, "link": links})).hexdigest()[:32]
    response = HttpResponse(body, status=status, content_type=CONTENT_TYPE)
    response["ETag"] = f'W/"{version}"'
    response["Cache-Control"] = cache
    return response
