"""Who gets in to the pages of reports, and how: absent and forbidden are one answer, nothing is kept on the way."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from accounts import audit
from imaging.reports.models import Report
from imaging.reports.reading.opened import note_opened
from imaging.reports.writing import selectors
from imaging.reports.writing.selectors import Writer
from imaging.studies import access
from imaging.studies.models import Study

P = ParamSpec("P")

UNKEPT: Final = "private, no-store"
#: Where a study is named by its UID (PS3.5 section 9.1).
OF_STUDY: Final = r"^(?P<study_instance_uid>[0-9.]{1,64})"


def writer_of(request: HttpRequest) -> Writer | None:
    """The person of a request as one who writes reports; None for others."""
    return selectors.writer(
        request.user,
        actor=request.actor,  # type: ignore[attr-defined]
        scope=request.scope,  # type: ignore[attr-defined]
    )


def for_writers(
    view: Callable[Concatenate[HttpRequest, Writer, Study, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Make a page of a study for who writes its report: 403 without the capability, 404 for what is not seen."""

    @functools.wraps(view)
    def answer(request: HttpRequest, study_instance_uid: str, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        person = writer_of(request)
        if person is None:
            raise PermissionDenied
        study = opened(request, study_instance_uid)
        if not selectors.powers(person, study).may_write:
            raise PermissionDenied
        return unkept(view(request, person, study, *args, **names))

    return login_required(answer)


def for_readers(
    view: Callable[Concatenate[HttpRequest, Report, P], HttpResponseBase],
) -> Callable[..., HttpResponseBase]:
    """Make a page of a report for who views its study: 404 for others, and for a report that is only a draft yet."""

    @functools.wraps(view)
    def answer(request: HttpRequest, key: uuid.UUID, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        report = selectors.report(request.scope, key)  # type: ignore[attr-defined]
        if report is None or (report.state == Report.State.DRAFT and not _writes(request, report)):
            raise Http404
        return unkept(view(request, report, *args, **names))

    return login_required(answer)


def opened(request: HttpRequest, study_instance_uid: str) -> Study:
    """The study, in sight of this reader: writing is on record by what is saved, looking by the page."""
    try:
        return access.open_study(
            request.scope,  # type: ignore[attr-defined]
            study_instance_uid,
            actor=request.actor,  # type: ignore[attr-defined]
            purpose=access.Purpose.CHANGE,
        )
    except access.StudyNotVisible:
        raise Http404 from None
    except access.RightMissing:
        raise PermissionDenied from None


def note_reading(request: HttpRequest, report: Report, **detail: Any) -> None:
    """Put on record that a report was read; the same again within minutes is one reading."""
    study = report.study
    audit.record_read(
        audit.Action.REPORT_READ,
        actor=request.actor,  # type: ignore[attr-defined]
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={"report": str(report.key), **detail},
    )
    note_opened(report, request.user)


def unkept(response: HttpResponseBase) -> HttpResponseBase:
    """Let nothing between here and the reader keep a page."""
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = UNKEPT
    return response


def _writes(request: HttpRequest, report: Report) -> bool:
    person = writer_of(request)
    return person is not None and selectors.powers(person, report.study).may_write
