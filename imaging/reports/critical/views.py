"""Pages of critical findings: what waits for me, one with its log, raising one."""

import functools
import uuid
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.roles import Right
from imaging.reports.critical import facts, selectors, services
from imaging.reports.critical.forms import NoteForm, RaiseForm, ToldForm, WithdrawForm
from imaging.reports.critical.selectors import Person
from imaging.reports.critical.services import AlreadySettled, NotAllowed
from imaging.reports.models import CriticalFinding
from imaging.studies import access
from imaging.studies.models import Study

P = ParamSpec("P")

_MOST = 100


def for_people(
    view: Callable[Concatenate[HttpRequest, Person, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who is signed in; what cannot be seen is not there."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        by = selectors.person(
            request.user,
            actor=request.actor,  # type: ignore[attr-defined]
            scope=request.scope,  # type: ignore[attr-defined]
        )
        if by is None:
            raise PermissionDenied
        try:
            response = view(request, by, *args, **names)
        except CriticalFinding.DoesNotExist:
            raise Http404 from None
        except NotAllowed:
            raise PermissionDenied from None
        response["Cache-Control"] = "private, no-store"
        return response

    return login_required(answer)  # type: ignore[return-value]


@require_safe
@for_people
def page(request: HttpRequest, by: Person) -> HttpResponseBase:
    """Show what waits for the reader, what they raised, and what is open around them."""
    context = {
        "waiting": selectors.waiting_for(by)[:_MOST],
        "raised": selectors.raised_by(by)[:_MOST],
        "around": selectors.open_around(by)[:_MOST],
    }
    return render(request, "imaging/reports/critical/list.html", context)


@require_safe
@for_people
def detail(request: HttpRequest, by: Person, key: uuid.UUID) -> HttpResponseBase:
    """Show one with its log. Opening the study itself is asked again: who was told may see what they were told."""
    finding = selectors.findings_for(by).get(key=key)
    patient = finding.study.patient
    audit.record_read(
        audit.Action.REPORT_READ,
        actor=by.actor,
        subject_type="study",
        subject_uid=finding.study.study_instance_uid,
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        detail={"finding": str(finding.key)},
    )
    may_open = Study.objects.visible_to(by.scope, Right.VIEW).filter(pk=finding.study_id).exists()
    is_raiser = finding.raised_by_id == by.user.pk
    context = {
        "finding": finding,
        "log": facts.log_of(finding),
        "may_open": may_open,
        "is_open": not finding.acknowledged_at and not finding.withdrawn_at,
        "may_acknowledge": not is_raiser,
        "may_note": is_raiser or selectors.may_raise(by, finding.study),
        "may_withdraw": is_raiser,
        "note_form": NoteForm(),
        "told_form": ToldForm(initial={"told": finding.recipient_name}),
        "withdraw_form": WithdrawForm(),
    }
    return render(request, "imaging/reports/critical/finding.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people
def raise_finding(request: HttpRequest, by: Person, study_instance_uid: str) -> HttpResponseBase:
    """Show the form, and raise one."""
    try:
        study = access.open_study(by.scope, study_instance_uid, actor=by.actor, purpose=access.Purpose.CHANGE)
    except access.StudyNotVisible:
        raise Http404 from None
    except access.RightMissing:
        raise PermissionDenied from None
    if not selectors.may_raise(by, study):
        raise PermissionDenied
    people = selectors.recipients(study)
    form = RaiseForm(
        request.POST if request.method == "POST" else None, recipients=people, asked_by=selectors.requester_of(study)
    )
    # Who raises it while writing goes on writing: the report tells of it when it is signed.
    from_report = request.GET.get("from") == "report"
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        finding = services.raise_finding(
            by,
            study,
            level=told["level"],
            text=told["text"],
            recipient=told["recipient"],
            recipient_name=told["recipient_name"],
        )
        messages.success(request, _("Raised. Who has to know is told now, and you hear when they have."))
        if from_report:
            return redirect("reports:write", study_instance_uid=study.study_instance_uid)
        return redirect("reports:critical", key=finding.key)
    context = {"form": form, "study": study, "from_report": from_report}
    return render(request, "imaging/reports/critical/raise.html", context, status=422 if form.is_bound else 200)


@require_POST
@for_people
def acknowledge(request: HttpRequest, by: Person, key: uuid.UUID) -> HttpResponseBase:
    """Say that one knows."""
    form = NoteForm(request.POST)
    note = form.cleaned_data["note"] if form.is_valid() else ""
    return _settled(request, key, lambda: services.acknowledge(by, key, note=note), _("Noted: you know of it."))


@require_POST
@for_people
def told(request: HttpRequest, by: Person, key: uuid.UUID) -> HttpResponseBase:
    """Note whom one has told."""
    form = ToldForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write whom you told. Nothing was noted."))
        return redirect("reports:critical", key=key)
    values = form.cleaned_data
    return _settled(
        request, key, lambda: services.note_told(by, key, told=values["told"], note=values["note"]), _("Noted.")
    )


@require_POST
@for_people
def withdraw(request: HttpRequest, by: Person, key: uuid.UUID) -> HttpResponseBase:
    """Take it back."""
    form = WithdrawForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Write why it is taken back. It stays open."))
        return redirect("reports:critical", key=key)
    reason = form.cleaned_data["reason"]
    return _settled(request, key, lambda: services.withdraw(by, key, reason=reason), _("Taken back."))


def _settled(request: HttpRequest, key: uuid.UUID, act: Callable[[], CriticalFinding], done: str) -> HttpResponseBase:
    try:
        act()
    except AlreadySettled:
        messages.info(request, _("Somebody was faster: it is settled already, as told below."))
    else:
        messages.success(request, done)
    return redirect("reports:critical", key=key)
