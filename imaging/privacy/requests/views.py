"""Pages of the register: requests, their actions, corrections for those who may make them, choices of patients."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts.models import Language
from accounts.roles import Capability
from accounts.scope import Scope
from imaging.privacy.erasing import services as erasing
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.officers import actor_of, for_people_with
from imaging.privacy.requests import policies, selectors, services
from imaging.privacy.requests.forms import (
    ChoiceForm,
    CloseForm,
    CorrectionForm,
    DecideForm,
    ExtendForm,
    RequestForm,
    StaffRequestForm,
)
from imaging.privacy.restricting import services as restricting
from imaging.studies import oppositions
from imaging.studies.models import Patient, PatientChoice

_PAGE: Final = 50
#: Studies of a patient that a correction leads to: the latest.
_STUDIES: Final = 6
_officer = for_people_with(Capability.MANAGE_PRIVACY)
_corrector = for_people_with(Capability.CORRECT_IDENTITY)


@require_safe
@_officer
def register(request: HttpRequest) -> HttpResponseBase:
    """Show the register: what is due, then what was answered."""
    is_closed = request.GET.get("show") == "closed"
    rows = selectors.closed_requests() if is_closed else selectors.open_requests()
    context = {"page": Paginator(rows, _PAGE).get_page(request.GET.get("page")), "is_closed": is_closed}
    return render(request, "imaging/privacy/requests.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@_officer
def new_of_patient(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Record a request of a patient."""
    patient = get_object_or_404(Patient, pk=pk)
    form = RequestForm(request.POST or None, initial={"received_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        made = services.record_request(patient, actor=actor_of(request), **form.cleaned_data)
        return redirect("privacy:request", pk=made.pk)
    _on_record(request, patient)
    context = {"form": form, "patient": patient}
    return render(request, "imaging/privacy/request_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@_officer
def new_of_account(request: HttpRequest) -> HttpResponseBase:
    """Record a request of a person who works or worked here."""
    form = StaffRequestForm(request.POST or None, initial={"received_on": timezone.localdate()})
    if request.method == "POST" and form.is_valid():
        typed = dict(form.cleaned_data)
        made = services.record_request(typed.pop("account"), actor=actor_of(request), **typed)
        return redirect("privacy:request", pk=made.pk)
    return render(request, "imaging/privacy/request_new.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
@_officer
def detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show one request: who, what, until when, what was done, and what can be done now."""
    return _page(request, _found(pk))


@require_POST
@_officer
def close(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Answer or refuse a request."""
    found, form = _found(pk), CloseForm(request.POST)
    if not form.is_valid():
        return _page(request, found, close_form=form)
    return _done(request, found, lambda: services.close(found, actor=actor_of(request), **form.cleaned_data))


@require_POST
@_officer
def extend(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Take two more months."""
    found, form = _found(pk), ExtendForm(request.POST)
    if not form.is_valid():
        return _page(request, found, extend_form=form)
    return _done(request, found, lambda: services.extend(found, actor=actor_of(request), **form.cleaned_data))


@require_POST
@_officer
def ask_for_correction(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask for a correction."""
    found, form = _found(pk), CorrectionForm(request.POST)
    if found.patient is None:
        raise Http404
    if not form.is_valid():
        return _page(request, found, correction_form=form)
    return _done(
        request, found, lambda: services.ask_for_correction(found, actor=actor_of(request), **form.cleaned_data)
    )


@require_POST
@_officer
def record_choice(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Record what a patient opposes or agrees to."""
    patient, form = get_object_or_404(Patient, pk=pk), ChoiceForm(request.POST)
    asked = DataSubjectRequest.objects.filter(patient=patient, pk=_number(request.POST.get("request"))).first()
    if not form.is_valid():
        if asked is not None:
            return _page(request, asked, choice_form=form)
        return _choice_page(request, patient, form)
    typed = {name: value for name, value in form.cleaned_data.items() if name != "request"}
    services.record_choice(patient, actor=actor_of(request), request=asked, **typed)
    messages.success(request, _("Recorded. It holds from now on."))
    return redirect("privacy:request", pk=asked.pk) if asked else redirect("privacy:choices", pk=pk)


@require_safe
@_officer
def choices(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show what a patient opposed or agreed to, with the form for more."""
    return _choice_page(request, get_object_or_404(Patient, pk=pk), _choice_form())


@require_POST
@_officer
def withdraw_choice(request: HttpRequest, pk: int) -> HttpResponseBase:
    """End an opposition or consent."""
    choice = get_object_or_404(PatientChoice.objects.select_related("patient"), pk=pk)
    if oppositions.withdraw_choice(choice, actor=actor_of(request)):
        messages.success(request, _("Withdrawn. The hospital's rule holds again."))
    else:
        messages.info(request, _("It had been withdrawn already."))
    return redirect("privacy:choices", pk=choice.patient_id)


@require_safe
@_corrector
def corrections(request: HttpRequest) -> HttpResponseBase:
    """Show the corrections asked for about one's own patients."""
    rows = selectors.correction_tasks_for(_scope(request))
    page = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    mine = selectors.studies_to_correct(_scope(request), {task.patient_id for task in page})
    lines = [{"task": task, "studies": mine.get(task.patient_id, [])[:_STUDIES]} for task in page]
    audit.record_many(
        audit.Entry(
            action=audit.Action.STUDIES_QUERIED,
            actor=actor_of(request),
            subject_type="correction_task",
            subject_uid=str(task.pk),
            patient_id=task.patient.patient_id,
            issuer_of_patient_id=task.patient.issuer_of_patient_id,
            detail={"asked": "corrections"},
        )
        for task in page
    )
    return render(request, "imaging/privacy/corrections.html", {"page": page, "lines": lines, "form": DecideForm()})


@require_POST
@_corrector
def decide_correction(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Say that a correction is done, or why it is not."""
    task = selectors.correction_tasks_for(_scope(request)).filter(pk=pk).first()
    if task is None:
        raise Http404
    form = DecideForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Nothing was changed: say in a few words what was done, or why not."))
        return redirect("privacy:corrections")
    try:
        services.decide_correction(
            task,
            is_done=form.cleaned_data["outcome"] == "done",
            reason=form.cleaned_data["reason"],
            scope=_scope(request),
            actor=actor_of(request),
        )
    except services.NotFromHere:
        raise PermissionDenied from None
    except services.AlreadyDecided:
        messages.info(request, _("A colleague was quicker: this correction is decided already."))
    return redirect("privacy:corrections")


def _on_record(request: HttpRequest, patient: Patient) -> None:
    """That an officer was shown who a patient is: addresses are numbers, and numbers can be tried."""
    audit.record_read(
        audit.Action.AUDIT_READ,
        actor=actor_of(request),
        subject_type="patient",
        subject_uid=str(patient.pk),
        patient_id=patient.patient_id,
        issuer_of_patient_id=patient.issuer_of_patient_id,
        detail={"asked": "desk"},
    )


def _page(request: HttpRequest, found: DataSubjectRequest, **forms_with_errors: forms.Form) -> HttpResponseBase:
    if found.patient is not None:
        _on_record(request, found.patient)
    context: dict[str, Any] = {
        "request_row": found,
        "patient": found.patient,
        "what_to_do": policies.WHAT_TO_DO[found.kind],
        "lines": found.lines.all(),
        "tasks": found.corrections.all(),
        "letters": found.letters.defer("content"),
        "packages": found.packages.all(),
        "choices": oppositions.choices_of(found.patient) if found.patient else [],
        "erasables": erasing.erasables_of(found),
        "kept": erasing.kept_of(found),
        "restriction": restricting.restriction_of(found.patient) if found.patient else None,
        "languages": Language.choices,
        "close_form": CloseForm(),
        "extend_form": ExtendForm(),
        "correction_form": CorrectionForm(),
        "choice_form": _choice_form(),
        **forms_with_errors,
    }
    return render(request, "imaging/privacy/request.html", context, status=422 if forms_with_errors else 200)


def _choice_page(request: HttpRequest, patient: Patient, form: ChoiceForm) -> HttpResponseBase:
    _on_record(request, patient)
    context = {"patient": patient, "choices": oppositions.choices_of(patient), "choice_form": form}
    return render(request, "imaging/privacy/choices.html", context, status=422 if form.errors else 200)


def _choice_form() -> ChoiceForm:
    return ChoiceForm(initial={"said_on": timezone.localdate()})


def _done(request: HttpRequest, found: DataSubjectRequest, act: Any) -> HttpResponseBase:
    try:
        act()
    except services.AlreadyDecided:
        messages.info(request, _("Nothing was changed: this request is decided or extended already."))
    return redirect("privacy:request", pk=found.pk)


def _found(pk: int) -> DataSubjectRequest:
    return get_object_or_404(DataSubjectRequest.objects.select_related("patient", "account"), pk=pk)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 12 else 0


def _scope(request: HttpRequest) -> Scope:
    scope: Scope = request.scope  # type: ignore[attr-defined]
    return scope
