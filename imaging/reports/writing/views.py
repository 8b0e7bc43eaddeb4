"""Signing, and the page of a report: what it says, what it said before, its paper."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Right
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act as Weighty
from imaging.reports.critical import selectors as critical
from imaging.reports.documents import canonical
from imaging.reports.documents import page as documents
from imaging.reports.models import Report, ReportVersion
from imaging.reports.writing import (
    composing,
    differences,
    facts,
    policies,
    publishing,
    selectors,
    services,
    signing,
    words,
)
from imaging.reports.writing.forms import BeginForm, RevisionForm, SignForm, WithdrawForm
from imaging.reports.writing.pages import for_readers, for_writers, note_reading, writer_of
from imaging.reports.writing.policies import Refused, Writing
from imaging.reports.writing.selectors import Writer
from imaging.reports.writing.services import Overtaken
from imaging.storage import services as storage
from imaging.studies import access
from imaging.studies.models import Study


@require_POST
@step_up.required(Weighty.SIGN)
@for_writers
def sign(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Sign the revision that was seen: as preliminary, or finally."""
    form = SignForm(request.POST, supervisors=selectors.supervisors(study))
    if not form.is_valid():
        problem = Refused("cannot_supervise") if "supervisor" in form.errors else Refused("shape")
        return _back(request, study, words.refusal(problem))
    given = form.cleaned_data
    try:
        if given["kind"] == "preliminary":
            made = signing.sign_preliminary(
                person, study, seen_revision=given["revision"], supervisor=given["supervisor"]
            )
        else:
            made = signing.sign(person, study, seen_revision=given["revision"], reason=given["reason"])
    except Refused as refused:
        return _back(request, study, words.refusal(refused))
    except Overtaken as overtaken:
        return _back(request, study, _overtaken(overtaken))
    messages.success(request, _("Signed. Its documents are being made."))
    return redirect("reports:report", key=made.report.key)


@require_POST
@for_writers
def begin(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Begin an addendum or a correction."""
    form = BeginForm(request.POST)
    if form.is_valid():
        try:
            services.begin(person, study, Writing(form.cleaned_data["kind"]))
        except Refused as refused:
            messages.error(request, words.refusal(refused))
    return redirect("reports:write", study_instance_uid=study.study_instance_uid)


@require_POST
@for_writers
def discard(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Let go of a draft that was never signed."""
    form = RevisionForm(request.POST)
    if not form.is_valid():
        return _back(request, study, words.refusal(Refused("shape")))
    try:
        services.discard(person, study, seen_revision=form.cleaned_data["revision"])
    except Refused as refused:
        return _back(request, study, words.refusal(refused))
    except Overtaken as overtaken:
        return _back(request, study, _overtaken(overtaken))
    messages.success(request, _("The draft is gone. What was signed before stays."))
    report = selectors.report_of(study)
    if report is not None:
        return redirect("reports:report", key=report.key)
    return redirect("viewer:study", study_instance_uid=study.study_instance_uid)


@require_POST
@step_up.required(Weighty.SIGN)
@for_writers
def withdraw(request: HttpRequest, person: Writer, study: Study) -> HttpResponseBase:
    """Withdraw a signed report, with a reason."""
    report = selectors.report_of(study)
    if report is None:
        raise Http404
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        messages.error(request, words.refusal(Refused("no_reason")))
        return redirect("reports:report", key=report.key)
    try:
        signing.withdraw(person, study, seen_number=form.cleaned_data["number"], reason=form.cleaned_data["reason"])
    except Refused as refused:
        messages.error(request, words.refusal(refused))
    else:
        messages.success(request, _("Withdrawn. Whoever opens it reads that it must not be used, and why."))
    return redirect("reports:report", key=report.key)


@require_safe
@for_readers
def page(request: HttpRequest, report: Report, number: int | None = None) -> HttpResponseBase:
    """Show a version of a report, by default the last, and what it changed of the one before."""
    known = selectors.versions(report)
    shown = next((row for row in reversed(known) if number in {None, row.number}), None)
    if shown is None:
        if number or report.state != Report.State.DRAFT:
            raise Http404
        return redirect("reports:write", study_instance_uid=report.study.study_instance_uid)
    note_reading(request, report, version=shown.number)
    return render(request, "imaging/reports/writing/report.html", _context(request, report, known, shown))


@require_safe
@for_readers
def beside(request: HttpRequest, report: Report) -> HttpResponseBase:
    """Give the last version as a part of another page: an earlier report beside the one that is written."""
    version = selectors.version(report)
    if version is None:
        raise Http404
    note_reading(request, report, version=version.number)
    return HttpResponse(documents.fragment(canonical.read(version.content), pictures=False))


@require_safe
@for_readers
def paper(request: HttpRequest, report: Report, number: int | None = None) -> HttpResponseBase:
    """Give a version as a PDF, to who may take the study away."""
    version = selectors.version(report, number)
    if version is None:
        raise Http404
    study = report.study
    try:
        access.open_study(
            request.scope,  # type: ignore[attr-defined]
            study.study_instance_uid,
            actor=request.actor,  # type: ignore[attr-defined]
            purpose=access.Purpose.EXPORT,
            right=Right.DOWNLOAD,
            detail={"form": "report", "report": str(report.key), "version": version.number},
        )
    except access.StudyNotVisible:
        raise Http404 from None
    except access.RightMissing:
        raise PermissionDenied from None
    try:
        content = storage.read(publishing.paper(version, report))
    except publishing.DocumentsNotMade:
        messages.error(request, _("The PDF cannot be made just now. Nothing is lost: the report is on this page."))
        return redirect("reports:report", key=report.key)
    response = HttpResponse(content, content_type="application/pdf")
    # No name of a patient: a file's name is seen by everybody who passes by.
    response["Content-Disposition"] = f'attachment; filename="report-{str(report.key)[:8]}-v{version.number}.pdf"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _context(request: HttpRequest, report: Report, known: list[ReportVersion], shown: ReportVersion) -> dict[str, Any]:
    study = report.study
    person = writer_of(request)
    draft = selectors.draft_of(report)
    state, writing = selectors.standing(report, draft)
    acts = policies.offered(state, writing, selectors.powers(person, study)) if person else frozenset()
    before = next((row for row in reversed(known) if row.number < shown.number), None)
    changes = differences.sections(composing.sections_of(before), composing.sections_of(shown)) if before else []
    is_last = shown.number == known[-1].number
    return {
        "study": study,
        "patient": study.patient,
        "report": report,
        "shown": shown,
        "is_last": is_last,
        "content": documents.fragment(canonical.read(shown.content)),
        "versions": [(row, facts.version_word(row)) for row in reversed(known)],
        "changes": changes if not differences.is_same(changes) else [],
        "before": before,
        "critical_findings": critical.holding(study),
        "is_other_patient": not composing.is_of(known[-1], study),
        "is_superseded": not is_last,
        "acts": {act.value for act in acts},
        "draft": draft if person and acts else None,
        "may_download": selectors.may_take_away(study, scope=request.scope),  # type: ignore[attr-defined]
    }


def _back(request: HttpRequest, study: Study, problem: str) -> HttpResponseBase:
    messages.error(request, problem)
    return redirect("reports:write", study_instance_uid=study.study_instance_uid)


def _overtaken(overtaken: Overtaken) -> str:
    return _("%(name)s saved this report after you read it: nothing was signed. Read what is there now, then sign.") % {
        "name": overtaken.draft.saved_by.label
    }
