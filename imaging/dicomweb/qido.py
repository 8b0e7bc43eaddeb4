"""QIDO-RS: searches for studies, series and instances (PS3.18 section 10.6). What is found is what the page and C-FIND find."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from accounts import selectors
from imaging.dicom.matching import OneOf
from imaging.dicomweb import answers, compression, metadata, multipart, native_model, negotiation, query
from imaging.dicomweb.negotiation import MediaRange
from imaging.dicomweb.query import MOST, Query
from imaging.studies.finding import attributes, matching
from imaging.studies.finding import search as studies
from imaging.studies.finding.attributes import Attributes
from imaging.studies.finding.matching import Entity
from imaging.studies.finding.search import Found, Level, Search

_STUDY_UID, _SERIES_UID, _SOP_UID = "0020000D", "0020000E", "00080018"
#: Of no row, but of each instance's header: clients lay out pictures by it.
_BITS_ALLOCATED: Final = 0x00280100
#: All that one answer says of what was not as asked.
_MOST_WARNINGS: Final = 8
#: Seconds that a search of the whole archive waits for its turn, and after which it is worth trying again.
_WAIT: Final = 2.0
_AGAIN: Final = 5

# Series and instances of no named study may be looked for until the time limit ends it: some threads do nothing else meanwhile,
# the others answer everybody else.
_wide: Final = threading.BoundedSemaphore(max(1, settings.DOWNLOADS // 2))


@answers.resource
def of_studies(request: HttpRequest) -> HttpResponseBase:
    """Search for studies."""
    return _answer(request, Level.STUDY)


@answers.resource
def of_series(request: HttpRequest, study_instance_uid: str = "") -> HttpResponseBase:
    """Search for series, of one study or of all."""
    return _answer(request, Level.SERIES, study_instance_uid)


@answers.resource
def of_instances(request: HttpRequest, study_instance_uid: str = "", series_instance_uid: str = "") -> HttpResponseBase:
    """Search for instances, of one series, of one study or of all."""
    return _answer(request, Level.INSTANCE, study_instance_uid, series_instance_uid)


def _answer(
    request: HttpRequest, level: Level, study_instance_uid: str = "", series_instance_uid: str = ""
) -> HttpResponseBase:
    as_xml = negotiation.first(
        answers.accepted(request),
        _offer,
        f'{negotiation.DICOM_JSON}, multipart/related; type="{negotiation.DICOM_XML}"',
    )
    scope = request.scope  # type: ignore[attr-defined]
    with timezone.override(selectors.zone_of_reader(request.user, scope)):
        asked = query.read(
            request.GET, level, study_instance_uid=study_instance_uid, series_instance_uid=series_instance_uid
        )
        with _turn(asked.search):
            found = studies.search(scope, _with_bits(asked, level), actor=request.actor)  # type: ignore[attr-defined]
    base = metadata.base(request)
    rows = [_returned(row, asked.search, level, base) for row in found.rows[: asked.limit]]
    response = _written(request, rows, as_xml=as_xml)
    if found.total is not None:
        response["X-Total-Count"] = str(found.total)
    warnings = [*asked.warnings, *_warnings(found, asked, level)][:_MOST_WARNINGS]
    if warnings:
        # One field each would be joined by some servers; texts are ours, of printable ASCII.
        response["Warning"] = ", ".join(f'299 {base} "{_quotable(text)}"' for text in warnings)
    return response


@contextmanager
def _turn(asked: Search) -> Iterator[None]:
    """Keep a turn during a search of series or instances of the whole archive. Raises ``TryAgain`` when there is none for long."""
    named = any(key.name == "StudyInstanceUID" and isinstance(key.match, OneOf) for key in asked.keys)
    if asked.level is Level.STUDY or asked.study_instance_uid or named:
        yield
        return
    if not _wide.acquire(timeout=_WAIT):
        raise answers.TryAgain(_AGAIN)
    try:
        yield
    finally:
        _wide.release()


def _offer(entry: MediaRange) -> bool | None:
    """Whether XML is what this range asks for; JSON comes first."""
    if entry.media_type in {"multipart/*", negotiation.MULTIPART}:
        return True if entry.takes(negotiation.DICOM_XML) else None
    return False if any(entry.takes(kind) for kind in (negotiation.DICOM_JSON, negotiation.JSON)) else None


def _with_bits(asked: Query, level: Level) -> Search:
    """The search, for Bits Allocated too where instances of one study are asked for: its headers are few."""
    if level is not Level.INSTANCE or not asked.search.study_instance_uid:
        return asked.search
    return replace(asked.search, includes=asked.search.includes | {_BITS_ALLOCATED})


def _returned(found: Attributes, asked: Search, level: Level, base: str) -> Attributes:
    """What PS3.18 tables 10.6.3-3 to -5 ask for, what was asked for beside, and where to retrieve it."""
    address = f"{base}/studies/{found[_STUDY_UID]['Value'][0]}"
    if level is not Level.STUDY:
        address += f"/series/{found[_SERIES_UID]['Value'][0]}"
    if level is Level.INSTANCE:
        address += f"/instances/{found[_SOP_UID]['Value'][0]}"
    named = {f"{tag:08X}" for tag in asked.includes}
    hidden = _above(asked) - named
    kept = {tag: element for tag, element in found.items() if tag not in hidden}
    # `InstanceAvailability`, `RetrieveURL` and others stand where their tags are.
    return dict(sorted([*kept.items(), attributes.element("RetrieveURL", address)]))


def _above(asked: Search) -> frozenset[str]:
    """Attributes of the levels above that the address has named already: they are not said again for each row."""
    hidden: frozenset[str] = frozenset()
    if asked.level is not Level.STUDY and asked.study_instance_uid and not asked.every_header:
        hidden |= matching.tags_of(Entity.PATIENT) | matching.tags_of(Entity.STUDY)
    if asked.series_instance_uid and not asked.every_header:
        hidden |= matching.tags_of(Entity.SERIES)
    return hidden - {_STUDY_UID, _SERIES_UID}


def _written(request: HttpRequest, rows: list[Attributes], *, as_xml: bool) -> HttpResponse:
    """The rows with a tag of their own, shortened where the client takes it; 304 when it has them already."""
    if as_xml:
        body, content_type = _xml(rows)
    else:
        body, content_type = orjson.dumps(rows), negotiation.DICOM_JSON
    etag = f'"{hashlib.sha256(orjson.dumps(rows) if as_xml else body).hexdigest()[:32]}"'
    same = answers.unchanged(request, etag)
    if same is not None:
        return same  # type: ignore[return-value]  # Django's conditional answers are plain
    response = HttpResponse(body, content_type=content_type)
    response["ETag"] = etag
    return compression.compressed(request, response)


def _xml(rows: list[Attributes]) -> tuple[bytes, str]:
    boundary = multipart.new_boundary()
    documents = [native_model.to_xml(row) for row in rows]
    parts = [multipart.Part(negotiation.DICOM_XML, [text], len(text)) for text in documents]
    return b"".join(multipart.write(parts, boundary)), multipart.content_type(negotiation.DICOM_XML, boundary)


def _warnings(found: Found, asked: Query, level: Level) -> list[str]:
    """What the client should know of the answer (PS3.18 section 10.6.3.3)."""
    texts = [f"{key.name} is not matched at this level: it was left out of account." for key in found.not_matched]
    if found.more and asked.limit > MOST[level]:
        texts.append(f"There are more results than the {MOST[level]} of one answer: ask for the rest with offset.")
    elif found.more and not asked.has_limit:
        texts.append(f"There are more results than the {asked.search.limit} given: ask for the rest with offset.")
    if found.is_abridged:
        texts.append("Some attributes are left out of the last results: ask for fewer at a time.")
    return texts


def _quotable(text: str) -> str:
    return text.replace("\\", "").replace('"', "").encode("ascii", "replace").decode()
