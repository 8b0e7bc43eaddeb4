"""The study list as a table for a spreadsheet: every row of the present filters, streamed, safe to open, on record first.

Whoever takes a list out of the portal needs the right to download, and gets the rows of the departments where that right
is held. The list is on record before the first byte, and each study, with its patient, before its row. A cell that a
spreadsheet would take for a formula begins with an apostrophe (OWASP, "CSV Injection").
"""

import csv
import dataclasses
import datetime as dt
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from accounts.spreadsheet import cell, separator_of
from imaging.studies import selectors as studies
from imaging.studies.finding import saved_lists
from imaging.studies.finding.study_list import StudyRow, whole_list
from imaging.studies.finding.time_limit import SearchTooBroad, time_limit
from imaging.templatetags.people import person_text
from imaging.viewer import wording
from imaging.viewer.filters import Asked, asked
from imaging.viewer.selected import list_address

#: For gathering which studies the list has; they are sent after that, however slow the client is.
_SECONDS = 30.0

_Zone = dt.tzinfo
_COLUMNS: Final[Mapping[str, tuple[Any, Callable[[StudyRow, _Zone], object]]]] = {
    "name": (gettext_lazy("Patient"), lambda row, _zone: person_text(row.study.patient.patient_name)),
    "mrn": (gettext_lazy("MRN"), lambda row, _zone: row.study.patient.patient_id),
    "issuer": (gettext_lazy("Issuer of the MRN"), lambda row, _zone: row.study.patient.issuer_of_patient_id),
    "birth": (gettext_lazy("Born"), lambda row, _zone: row.study.patient.birth_date or ""),
    "sex": (gettext_lazy("Sex"), lambda row, _zone: row.study.patient.sex),
    "modality": (gettext_lazy("Modality"), lambda row, _zone: " ".join(row.study.modalities)),
    "study": (gettext_lazy("Study"), lambda row, _zone: row.study.description),
    "body": (gettext_lazy("Body part"), lambda row, _zone: row.study.body_part_examined),
    "accession": (gettext_lazy("Accession"), lambda row, _zone: row.study.accession_number),
    "date": (
        gettext_lazy("Date"),
        lambda row, zone: _moment(row.study.study_at, zone, with_time=row.study.study_time_known),
    ),
    "department": (gettext_lazy("Department"), lambda row, _zone: ", ".join(entry.label for entry in row.departments)),
    "referring": (
        gettext_lazy("Referring physician"),
        lambda row, _zone: (
            person_text(row.study.referring_physician_name) if row.study.referring_physician_name else ""
        ),
    ),
    "source": (gettext_lazy("Source"), lambda row, _zone: row.study.source),
    "status": (gettext_lazy("Status"), lambda row, _zone: wording.STATUSES[studies.Status(row.study.status)]),
    "received": (gettext_lazy("Received"), lambda row, zone: _moment(row.study.last_received_at, zone)),
    "series": (pgettext_lazy("several", "Series"), lambda row, _zone: row.study.series_count),
    "images": (gettext_lazy("Images"), lambda row, _zone: row.study.instance_count),
    "uid": ("Study Instance UID", lambda row, _zone: row.study.study_instance_uid),
}


@require_POST
@login_required
@step_up.required(Act.EXPORT)
def export(request: HttpRequest) -> HttpResponseBase:
    """Give the list of the address in the field `state` as CSV; nothing leaves that is not on record."""
    scope: Scope = request.scope  # type: ignore[attr-defined]
    powers = saved_lists.powers_of(request.user, scope)  # type: ignore[arg-type]
    address = list_address(request)
    wanted = asked(address, scope, powers)
    filters = _downloadable(wanted, scope)
    try:
        with time_limit(_SECONDS):
            number, rows = whole_list(scope, filters, order=wanted.order)
    except SearchTooBroad:
        messages.error(
            request,
            _(
                "Nothing was exported: this list takes too long to gather. Narrow it first: a department, days, or more of the name."
            ),
        )
        return redirect(address.here())
    try:
        audit.record(
            audit.Action.LIST_EXPORTED,
            actor=request.actor,  # type: ignore[attr-defined]
            subject_type="study_list",
            detail={"filters": wanted.address.query, "studies": number},
            fail_closed=True,
        )
    except audit.AuditUnavailable:
        messages.error(
            request,
            _(
                "Nothing was exported: it could not be put on record. Try again, and tell the administrator if it stays so."
            ),
        )
        return redirect(address.here())
    rows = _on_record(rows, request.actor)  # type: ignore[attr-defined]
    lines = _lines(rows, language=translation.get_language() or "en")
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"{_('studies')}-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "ignore").decode()}"'
    response["Cache-Control"] = "private, no-store"
    return response


def _downloadable(wanted: Asked, scope: Scope) -> studies.StudyFilters:
    """The filters within the departments where the reader may download. Raises PermissionDenied without any."""
    held = scope.departments_with(Right.DOWNLOAD) & scope.departments_with(Right.LIST)
    chosen = held & set(wanted.filters.departments) if wanted.filters.departments else held
    if not chosen:
        raise PermissionDenied
    return dataclasses.replace(wanted.filters, departments=tuple(sorted(chosen)))


def _on_record(pages: Iterator[list[StudyRow]], actor: Actor) -> Iterator[list[StudyRow]]:
    """Record of each study that it leaves, so that a patient's rows are found; what cannot be recorded ends the file there."""
    for rows in pages:
        entries = [
            audit.Entry(
                action=audit.Action.LIST_EXPORTED,
                actor=actor,
                subject_type="study",
                subject_uid=row.study.study_instance_uid,
                patient_id=row.study.patient.patient_id,
                issuer_of_patient_id=row.study.patient.issuer_of_patient_id,
            )
            for row in rows
        ]
        audit.record_many(entries, fail_closed=True)
        yield rows


def _lines(pages: Iterator[list[StudyRow]], *, language: str) -> Iterator[bytes]:
    """Yield the file page by page, in the language and time zone of who asked: both are gone once the view has returned."""
    zone = timezone.get_current_timezone()
    separator = separator_of(language)

    def written() -> Iterator[bytes]:
        yield "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + _page([], zone, language, separator, with_header=True)
        for rows in pages:
            yield _page(rows, zone, language, separator)

    return written()


def _page(rows: list[StudyRow], zone: _Zone, language: str, separator: str, *, with_header: bool = False) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    with translation.override(language):
        if with_header:
            writer.writerow([str(label) for label, _value in _COLUMNS.values()])
        for row in rows:
            writer.writerow([cell(value(row, zone)) for _label, value in _COLUMNS.values()])
    return text.getvalue().encode("utf-8", "replace")


def _moment(value: dt.datetime, zone: _Zone, *, with_time: bool = True) -> str:
    local = value.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M}" if with_time else f"{local:%Y-%m-%d}"
