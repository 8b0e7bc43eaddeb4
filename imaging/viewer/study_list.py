"""The study list: the page, and its rows alone, which refresh by a cheap conditional request."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from imaging.studies import selectors as studies
from imaging.studies.models import Study
from imaging.viewer import picture_addresses, wording
from imaging.viewer.addresses import ListAddress
from imaging.viewer.filters import Asked, asked

PAGE_SIZE = 50
_MOST_MODALITIES = 3
#: Relative times are written anew this often, though nothing else changed.
_STALE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Row:
    """One study as a line of the list, with the texts that the template cannot make itself."""

    study: Study
    departments: str
    thumbnail: str
    is_fresh: bool
    now: dt.datetime

    @property
    def modalities(self) -> list[str]:
        """The first modalities: more than a few would push the description away."""
        return self.study.modalities[:_MOST_MODALITIES]

    @property
    def is_today(self) -> bool:
        """Whether the study is of today, in the reader's zone."""
        return timezone.localdate(self.study.study_at) == timezone.localdate(self.now)

    @property
    def received_today(self) -> bool:
        """Whether its last image came today."""
        return timezone.localdate(self.study.last_received_at) == timezone.localdate(self.now)

    @property
    def ago(self) -> str:
        """How long ago the study was made."""
        return wording.ago(self.study.study_at, self.now) if self.study.study_time_known else ""

    @property
    def machine_time(self) -> str:
        """The study's date, with its time where that is known, for `datetime`."""
        local = timezone.localtime(self.study.study_at)
        return local.isoformat() if self.study.study_time_known else local.date().isoformat()


@dataclass(frozen=True, slots=True)
class SavedList:
    """A list that is one click away."""

    label: str
    icon: str
    address: str
    is_current: bool


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the list, with filters as they stand in the address."""
    if "" in request.GET.dict().values():
        # A form sends its empty fields too; the address that people keep and pass on has none.
        return redirect(ListAddress(request.GET).where())
    wanted = asked(request.GET, request.scope)  # type: ignore[attr-defined]
    body = _body(request, wanted, _etag(request, wanted))
    response = render(request, "imaging/viewer/study_list.html", {**_frame(wanted), **body})
    response["Cache-Control"] = "private, no-cache"
    return response


@require_safe
@login_required
def rows(request: HttpRequest) -> HttpResponseBase:
    """Give the rows alone; 304 while nothing that this reader sees has changed."""
    wanted = asked(request.GET, request.scope)  # type: ignore[attr-defined]
    etag = _etag(request, wanted)
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        body = {**_body(request, wanted, etag), "is_fragment": True}
        response = render(request, "imaging/viewer/_study_rows_refreshed.html", body)
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def _frame(wanted: Asked) -> dict[str, Any]:
    """Return what surrounds the rows, and is not refreshed with them."""
    address = wanted.address
    return {
        "heading": _heading(wanted),
        "order": wanted.order_name,
        "order_label": wanted.order_label,
        "sorted_by": {name: address.where(order=name) for name in ("date", "received", "name", "mrn")},
        "lists": list(_lists(wanted)),
        "department_lists": list(_department_lists(wanted)),
        "days": [{"label": label, "address": address.chosen("from", name)} for name, label in wording.DAYS.items()],
        "modalities": [
            {"code": code, "label": label, "address": address.chosen("modality", code)}
            for code, label in wording.MODALITIES.items()
        ],
        "department_choices": [
            {"label": entry.label, "address": address.chosen("department", entry.code)}
            for entry in (wanted.departments if len(wanted.departments) > 1 else [])
        ],
        "kept_without_days": address.pairs(without=("from", "to")),
        "first_day": wanted.filters.date_from.isoformat() if wanted.filters.date_from else "",
        "last_day": wanted.filters.date_to.isoformat() if wanted.filters.date_to else "",
        "errors": wanted.errors,
    }


def _body(request: HttpRequest, wanted: Asked, etag: str) -> dict[str, Any]:
    """Return what is refreshed: rows, number, pages.

    `etag` was taken before the rows are read: what arrives in between is then noticed by the next refresh.
    """
    scope = request.scope  # type: ignore[attr-defined]
    now = timezone.now()
    since = _since(request)
    found = studies.study_list(scope, wanted.filters, order=wanted.order, cursor=wanted.cursor, limit=PAGE_SIZE)
    empty = not found.rows
    return {
        "rows": [_row(entry, since, now) for entry in found.rows],
        "total": found.total,
        "has_exact_total": found.has_exact_total,
        "next": wanted.address.page(found.next),
        "previous": wanted.address.page(found.previous),
        "chips": wanted.chips,
        "hiding": wanted.hiding(scope) if empty and wanted.chips else [],
        "unfiltered": studies.study_list(scope, limit=1).total if empty and wanted.chips else 0,
        "may_list": not scope.is_empty,
        "now": now,
        "refresh_address": wanted.address.rows(str(int(now.timestamp() * 1000))),
        "refresh_headers": json.dumps({"If-None-Match": etag}),
    }


def _row(entry: studies.StudyRow, since: dt.datetime | None, now: dt.datetime) -> Row:
    return Row(
        study=entry.study,
        departments=", ".join(department.label for department in entry.departments),
        thumbnail=picture_addresses.of_study(entry.study),
        is_fresh=since is not None and entry.study.first_received_at > since,
        now=now,
    )


def _since(request: HttpRequest) -> dt.datetime | None:
    """Return when the reader's rows were written, if the address says so in milliseconds since 1970."""
    text = request.GET.get("since", "")
    if not text.isascii() or not text.isdigit() or len(text) > 13:
        return None
    return dt.datetime.fromtimestamp(int(text) / 1000, tz=dt.UTC)


def _etag(request: HttpRequest, wanted: Asked) -> str:
    """Return the version of the rows as this reader sees them, in quotes."""
    version = studies.study_list_version(
        request.scope,  # type: ignore[attr-defined]
        wanted.filters,
        order=wanted.order,
        cursor=wanted.cursor,
        limit=PAGE_SIZE,
    )
    moment = int(timezone.now().timestamp()) // _STALE_SECONDS
    seen = f"{version}|{get_language()}|{moment}|{sorted(wanted.address.pairs())}"
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:32]}"'


def _heading(wanted: Asked) -> str:
    department = next((entry.label for entry in wanted.departments if entry.pk == wanted.filters.department), "")
    if not department and len(wanted.departments) == 1:
        department = wanted.departments[0].label
    return _("Studies, %(department)s") % {"department": department} if department else _("Studies")


def _lists(wanted: Asked) -> Iterator[SavedList]:
    bare = ListAddress(QueryDict())
    current = wanted.address.where()
    for label, icon, name in (
        (_("All studies"), "folder", ""),
        (_("Today"), "clock", "today"),
        (_("Last 7 days"), "calendar", "7d"),
        (_("Last 30 days"), "calendar", "30d"),
    ):
        address = bare.chosen("from", name) if name else bare.where()
        yield SavedList(label, icon, address, address == current)


def _department_lists(wanted: Asked) -> Iterator[SavedList]:
    if len(wanted.departments) < 2:
        return
    bare = ListAddress(QueryDict())
    for entry in wanted.departments:
        address = bare.chosen("department", entry.code)
        yield SavedList(entry.label, "list-search", address, address == wanted.address.where())
