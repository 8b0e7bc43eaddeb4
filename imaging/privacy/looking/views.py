"""Pages: find a patient, who looked, the letter. Each look at the audit is itself on record."""

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from accounts.roles import Capability
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.privacy.looking import letters, selectors, tables
from imaging.privacy.looking.forms import FindForm, LetterForm, PeriodForm
from imaging.privacy.looking.identities import identity_of
from imaging.privacy.models import AccessLetter, DataSubjectRequest
from imaging.privacy.officers import actor_of, for_people_with
from imaging.studies import oppositions
from imaging.studies.models import Patient, PatientChoice

_PAGE: Final = 50
_READERS: Final = (Capability.READ_AUDIT, Capability.MANAGE_PRIVACY)


@require_POST
@for_people_with(*_READERS)
def find(request: HttpRequest) -> HttpResponseBase:
    """Go to the patient of what was typed; to a choice where several fit. Who was found is on record, and that nobody was."""
    form = FindForm(request.POST)
    if not form.is_valid():
        return render(request, "imaging/privacy/find.html", {"form": form}, status=422)
    found = form.found()
    if not found:
        audit.record(
            audit.Action.AUDIT_READ,
            actor=actor_of(request),
            subject_type="patient",
            detail={"asked": "find", "by": form.way, "found": 0},
        )
    audit.record_many(
        audit.Entry(
            action=audit.Action.AUDIT_READ,
            actor=actor_of(request),
            subject_type="patient",
            subject_uid=str(patient.pk),
            patient_id=patient.patient_id,
            issuer_of_patient_id=patient.issuer_of_patient_id,
            detail={"asked": "find", "by": form.way},
        )
        for patient in found
    )
    if len(found) == 1:
        return redirect("privacy:patient", pk=found[0].pk)
    return render(request, "imaging/privacy/find.html", {"form": form, "found": found, "was_asked": True})


@require_safe
@for_people_with(*_READERS)
@step_up.required(Act.AUDIT)
def patient(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show who looked at a patient, and what the desk knows of them."""
    person = get_object_or_404(Patient, pk=pk)
    form = PeriodForm(request.GET)
    identity = identity_of(person)
    context: dict[str, Any] = {
        "patient": person,
        "identity": identity,
        "form": form,
        "requests": DataSubjectRequest.objects.filter(patient=person).order_by("-received_on", "-pk"),
        "choices": oppositions.choices_of(person),
        "uses": PatientChoice.Use.choices,
        "letters": AccessLetter.objects.filter(patient=person).defer("content")[:20],
        "letter_form": LetterForm(
            initial={"language": translation.get_language(), "names_staff": letters.letterhead_of(person).names_staff}
        ),
    }
    if not form.is_valid():
        return render(request, "imaging/privacy/patient.html", context, status=422)
    looks = selectors.looks_at(identity, form.period, everything=form.cleaned_data["everything"])
    audit.record(
        audit.Action.AUDIT_READ,
        actor=actor_of(request),
        subject_type="patient",
        subject_uid=str(person.pk),
        patient_id=person.patient_id,
        issuer_of_patient_id=person.issuer_of_patient_id,
        detail={
            "asked": "who looked",
            "since": form.period.since.isoformat(),
            "until": form.period.until.isoformat(),
            "page": request.GET.get("page", "1")[:6],
        },
    )
    shown = Paginator(looks.groups, _PAGE).get_page(request.GET.get("page"))
    context |= {
        "form": PeriodForm(initial=form.cleaned_data),
        "period": form.period,
        "shows_everything": form.cleaned_data["everything"],
        "looks": looks,
        "page": shown,
        "days": selectors.by_day(list(shown)),
        "query": _without_page(request),
    }
    return render(request, "imaging/privacy/patient.html", context)


@require_POST
@for_people_with(*_READERS)
@step_up.required(Act.EXPORT)
def table(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Give who looked as a table; nothing leaves that is not on record."""
    person = get_object_or_404(Patient, pk=pk)
    form = PeriodForm(request.POST)
    if not form.is_valid():
        return redirect("privacy:patient", pk=pk)
    looks = selectors.looks_at(identity_of(person), form.period, everything=form.cleaned_data["everything"])
    try:
        audit.record(
            audit.Action.AUDIT_EXPORTED,
            actor=actor_of(request),
            subject_type="patient",
            subject_uid=str(person.pk),
            patient_id=person.patient_id,
            issuer_of_patient_id=person.issuer_of_patient_id,
            detail={
                "form": "csv",
                "since": form.period.since.isoformat(),
                "until": form.period.until.isoformat(),
                "lines": len(looks.groups),
                "cut": looks.is_cut,
            },
            fail_closed=True,
        )
    except audit.AuditUnavailable:
        not_on_record(request)
        return redirect("privacy:patient", pk=pk)
    return tables.of_looks(looks.groups)


@require_POST
@for_people_with(Capability.MANAGE_PRIVACY)
@step_up.required(Act.EXPORT)
def make_letter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Make the letter about a period, keep it and show it."""
    person = get_object_or_404(Patient, pk=pk)
    form = LetterForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("No letter was made: choose a language and days that are in order."))
        return redirect("privacy:patient", pk=pk)
    asked = DataSubjectRequest.objects.filter(patient=person, pk=form.cleaned_data.get("request") or 0).first()
    try:
        made = letters.make_letter(
            person,
            form.period,
            language=form.cleaned_data["language"],
            names_staff=form.cleaned_data["names_staff"],
            actor=actor_of(request),
            request=asked,
        )
    except letters.TooLong:
        messages.error(
            request, _("No letter was made: this period holds more than a letter can tell. Choose fewer days.")
        )
        return redirect("privacy:patient", pk=pk)
    except audit.AuditUnavailable:
        not_on_record(request)
        return redirect("privacy:patient", pk=pk)
    return redirect("privacy:letter", pk=made.pk)


@require_safe
@for_people_with(Capability.MANAGE_PRIVACY)
def letter(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show a letter as it was made, in its own language, ready to print. Reading it is on record."""
    found = get_object_or_404(AccessLetter.objects.select_related("patient"), pk=pk)
    audit.record(
        audit.Action.AUDIT_READ,
        actor=actor_of(request),
        subject_type="access_letter",
        subject_uid=str(found.pk),
        patient_id=found.patient.patient_id,
        issuer_of_patient_id=found.patient.issuer_of_patient_id,
        detail={"asked": "letter", "reference": found.reference},
    )
    days = [{**day, "day": parse_date(day["day"])} for day in found.content["days"]]
    context = {
        "letter": found,
        "content": found.content,
        "days": days,
        "since": found.since,
        "until": found.until,
        "born": parse_date(found.content["patient"]["born"]),
        "is_unchanged": letters.digest_of(found.content) == found.digest,
    }
    return render(request, "imaging/privacy/letter.html", context)


def not_on_record(request: HttpRequest) -> None:
    """Say that nothing left, because it could not be put on record."""
    messages.error(
        request,
        _(
            "Nothing was given out: it could not be put on record. Try again, and tell the administrator if it stays so."
        ),
    )


def _without_page(request: HttpRequest) -> str:
    kept = request.GET.copy()
    kept.pop("page", None)
    return kept.urlencode()
