"""The study list: the page, its rows alone, which refresh by a cheap conditional request, and what is counted after it."""

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from accounts.roles import Right
from imaging.reports import selectors as reports
from imaging.reports.selectors import Standing
from imaging.studies import selectors as studies
from imaging.studies.finding import saved_lists
from imaging.studies.finding.list_layouts import layout_for
from imaging.studies.finding.offered_values import Offered, offered_values
from imaging.studies.finding.time_limit import COUNT_SECONDS, SearchTooBroad, time_limit
from imaging.viewer import searches
from imaging.viewer.addresses import ListAddress
from imaging.viewer.filters import Asked, asked
from imaging.viewer.list_columns import Shape, read_shape, shape_of, style_sheet
from imaging.viewer.list_frame import Choice, frame
from imaging.viewer.list_rows import cells_of, rows_of

# Pages of rows are compressed, and nothing else of the portal is: their one secret, the token of their forms, is written
# anew in every answer, and Django adds bytes of random number, so that lengths tell nothing (BREACH).
PAGE_SIZE = 50
#: With so few rows it is said which filters hide others.
FEW = 5
_LONGEST_ADDRESS = 8000
#: htmx asks no more after an answer with this status.
_STOP_POLLING = 286
#: Relative times are written anew this often, though nothing else changed.
_STALE_SECONDS = 300
_OFFERED = {"body": Offered.BODY_PART, "source": Offered.SOURCE, "referring": Offered.REFERRING}


@dataclass(frozen=True, slots=True)
class Reading:
    """One request for the list: what was asked for, by whom, and how they see it."""

    wanted: Asked
    shape: Shape
    powers: saved_lists.Powers


def reading(request: HttpRequest) -> Reading:
    """Understand a request for the list, at any of its addresses."""
    powers = saved_lists.powers_of(request.user, request.scope)  # type: ignore[arg-type,attr-defined]
    wanted = asked(ListAddress(request.GET), request.scope, powers)  # type: ignore[attr-defined]
    shape = shape_of(layout_for(powers.user, wanted.kept), departments=len(wanted.departments))
    return Reading(wanted, shape, powers)


@require_safe
@gzip_page
@login_required
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the list, with filters as they stand in the address."""
    if any(not value for values in request.GET.lists() for value in values[1]):
        # A form sends its empty fields too; the address that people keep and pass on has none.
        tidy = ListAddress(request.GET).here()
        if len(tidy) <= _LONGEST_ADDRESS:
            return redirect(tidy)
    read = reading(request)
    try:
        with time_limit():
            body = _body(request, read)
    except SearchTooBroad:
        body = _too_broad(request, read)
    around = frame(read.wanted, read.shape, saved_lists.lists_for(read.powers), read.powers)
    response = render(request, "imaging/viewer/study_list.html", {**around, **body})
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@gzip_page
@login_required
def rows(request: HttpRequest) -> HttpResponseBase:
    """Give the rows alone; 304 while nothing that this reader sees has changed, 286 when it is not to be asked again."""
    read = reading(request)
    try:
        with time_limit():
            etag = _present_etag(request, read)
            response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
            body = _body(request, read) if response is None else {}
    except SearchTooBroad:
        # The rows stay as they are. Asked every few seconds, the same search would hold up everybody else's.
        return _part(request, "imaging/viewer/_study_count.html", {"is_stale": True}, status=_STOP_POLLING)
    if response is None:
        response = render(request, "imaging/viewer/_study_rows_refreshed.html", {**body, "is_fragment": True})
    response["ETag"] = body.get("etag", etag)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@login_required
def total(request: HttpRequest) -> HttpResponse:
    """Give the exact number of studies, after a page that could only say how many there are at least."""
    wanted = reading(request).wanted
    try:
        with time_limit():
            number = studies.study_count(request.scope, wanted.filters, exact=True).number  # type: ignore[attr-defined]
    except SearchTooBroad:
        return _part(request, "imaging/viewer/_study_count.html", {"is_unknown": True})
    return _part(request, "imaging/viewer/_study_count.html", {"total": number, "has_exact_total": True})


@require_safe
@login_required
def hiding(request: HttpRequest) -> HttpResponse:
    """Tell how many studies each filter hides; nothing while it is not known how many are shown."""
    scope = request.scope  # type: ignore[attr-defined]
    wanted = reading(request).wanted
    try:
        with time_limit(COUNT_SECONDS):
            shown = studies.study_count(scope, wanted.filters, exact=False).number
    except SearchTooBroad:
        return HttpResponse(status=204)
    entries = wanted.hiding(scope, shown=shown)
    return _part(
        request,
        "imaging/viewer/_study_hiding.html",
        {"hiding": entries, "chips": wanted.chips, "total": shown, "few": FEW},
    )


@require_safe
@login_required
def offered(request: HttpRequest, name: str) -> HttpResponse:
    """Offer values of a filter that begin like what was typed; those already chosen stay."""
    is_name = name == "referring"
    typed = request.GET.get(name if is_name else "beginning", "").strip()
    chosen = [] if is_name else [value for value in request.GET.getlist(name) if value][:40]
    values = offered_values(request.scope, _OFFERED[name], beginning=typed)  # type: ignore[attr-defined]
    choices = [Choice(value, value, is_chosen=True) for value in chosen]
    choices += [Choice(value, value, is_chosen=False) for value in values if value not in chosen]
    template = "imaging/viewer/_offered_names.html" if is_name else "imaging/viewer/_offered_values.html"
    return _part(request, template, {"name": name, "choices": choices, "typed": typed})


@require_safe
@login_required
def columns(request: HttpRequest) -> HttpResponse:
    """Give the widths of columns as a style sheet; its address says all that it holds, so that it is kept for ever."""
    response = HttpResponse(style_sheet(read_shape(request.GET.get("columns", ""))), content_type="text/css")
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def _part(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    response = render(request, template, {**context, "is_fragment": True}, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _body(request: HttpRequest, read: Reading) -> dict[str, Any]:
    """Return what is refreshed: rows, number, pages, and their `etag`."""
    scope, wanted = request.scope, read.wanted  # type: ignore[attr-defined]
    searches.on_record(request, wanted.filters.search)
    now = timezone.now()
    found = studies.study_list(scope, wanted.filters, order=wanted.order, cursor=wanted.cursor, limit=PAGE_SIZE)
    standings = _standings(request, read, [entry.study.pk for entry in found.rows])
    is_empty, etag = not found.rows, _etag(read, found.version, standings)
    address = wanted.address
    return {
        "rows": rows_of(found.rows, scope=scope, since=_since(request), now=now, reports=standings),
        "cells": cells_of(tuple(shown.column.template for shown in read.shape.columns)),
        "total": found.total,
        "has_exact_total": found.has_exact_total,
        "total_address": address.of("viewer:study-total"),
        "hiding_address": address.of("viewer:study-hiding") if wanted.chips else "",
        "next": address.page(found.next),
        "previous": address.page(found.previous),
        "may_export": scope.may(Right.DOWNLOAD),
        "may_collect": bool(scope.departments_with(Right.SHARE)),
        "may_retry": scope.may(Right.WRITE),
        "first_page": address.where() if wanted.cursor else "",
        "chips": wanted.chips,
        "hiding": wanted.hiding(scope, shown=0) if is_empty and wanted.chips else [],
        "unfiltered": studies.study_count(scope, exact=False) if is_empty and wanted.chips else None,
        "few": FEW,
        "may_list": not scope.is_empty,
        "now": now,
        "refresh_address": address.of("viewer:study-rows", since=str(int(now.timestamp() * 1000))),
        "refresh_headers": json.dumps({"If-None-Match": etag}),
        "etag": etag,
    }


def _too_broad(request: HttpRequest, read: Reading) -> dict[str, Any]:
    """Return what stands in place of rows that took too long to find: nothing is counted, and nothing refreshed."""
    searches.on_record(request, read.wanted.filters.search)
    return {
        "rows": [],
        "is_too_broad": True,
        "is_unknown": True,
        "chips": read.wanted.chips,
        "may_export": False,
        "may_list": True,
        "first_page": "",
        "now": timezone.now(),
    }


def _since(request: HttpRequest) -> dt.datetime | None:
    """Return when the reader's rows were written, if the address says so in milliseconds since 1970."""
    text = request.GET.get("since", "")
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    return dt.datetime.fromtimestamp(int(text) / 1000, tz=dt.UTC)


def _present_etag(request: HttpRequest, read: Reading) -> str:
    """Return the version of the rows as they are now, without reading them all."""
    wanted = read.wanted
    version, ids = studies.study_list_state(
        request.scope,  # type: ignore[attr-defined]
        wanted.filters,
        order=wanted.order,
        cursor=wanted.cursor,
        limit=PAGE_SIZE,
    )
    return _etag(read, version, _standings(request, read, ids))


def _standings(request: HttpRequest, read: Reading, ids: list[int]) -> dict[int, Standing]:
    """Return how far the reports of a page of studies are, where the reader has that column."""
    return reports.standings(request.scope, ids) if read.shape.has("report") else {}  # type: ignore[attr-defined]


def _etag(read: Reading, version: str, standings: dict[int, Standing]) -> str:
    """Return the version of the rows as this reader sees them, in quotes."""
    moment = int(timezone.now().timestamp()) // _STALE_SECONDS
    told = ",".join(f"{pk}{standing}" for pk, standing in sorted(standings.items()))
    seen = f"{version}|{told}|{get_language()}|{moment}|{read.shape.written}|{read.wanted.address.state}"
    return f'"{hashlib.sha256(seen.encode("utf-8", "replace")).hexdigest()[:32]}"'
