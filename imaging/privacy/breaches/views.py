"""Pages: who saw whom, the breaches and their checklist."""

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import audit, spreadsheet
from accounts.roles import Capability
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.dicom import person_name
from imaging.privacy.breaches import selectors, services
from imaging.privacy.breaches.forms import BreachForm, ConclusionForm, SeenForm, StepForm
from imaging.privacy.looking import words
from imaging.privacy.looking.views import not_on_record
from imaging.privacy.models import Breach, BreachStep
from imaging.privacy.officers import actor_of, for_people_with

_SHOWN: Final = 200
_officer: Final = for_people_with(Capability.MANAGE_PRIVACY)


@require_http_methods(["GET", "HEAD", "POST"])
@for_people_with(Capability.READ_AUDIT, Capability.MANAGE_PRIVACY)
@step_up.required(Act.AUDIT)
def seen(request: HttpRequest) -> HttpResponseBase:
    """Say which patients somebody saw. A question is a form sent by POST: names stay out of addresses."""
    form = SeenForm(request.POST or None, initial={"until": timezone.localtime()})
    if request.method != "POST" or not form.is_valid():
        return render(request, "imaging/privacy/seen.html", {"form": form}, status=422 if form.errors else 200)
    who = form.cleaned_data["suspect"]
    answer = selectors.seen_by(who, form.cleaned_data["since"], form.cleaned_data["until"])
    as_table = request.POST.get("as") == "csv"
    try:
        audit.record(
            audit.Action.AUDIT_EXPORTED if as_table else audit.Action.AUDIT_READ,
            actor=actor_of(request),
            subject_type=who.kind,
            subject_uid=who.key,
            detail={
                "asked": "patients seen",
                "since": form.cleaned_data["since"].isoformat(),
                "until": form.cleaned_data["until"].isoformat(),
                "patients": len(answer.patients),
                "cut": answer.is_cut,
            },
            fail_closed=as_table,
        )
    except audit.AuditUnavailable:
        not_on_record(request)
        return redirect("privacy:seen")
    if as_table:
        return _table(answer)
    shown = [_line(entry) for entry in answer.patients[:_SHOWN]]
    context = {"form": form, "suspect": who, "answer": answer, "shown": shown, "most": _SHOWN}
    return render(request, "imaging/privacy/seen.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@_officer
def breaches(request: HttpRequest) -> HttpResponseBase:
    """Show the breaches, and start the clock of a new one."""
    form = BreachForm(request.POST or None, initial={"aware_at": timezone.localtime()})
    if request.method == "POST" and form.is_valid():
        made = services.record_breach(actor=actor_of(request), **form.cleaned_data)
        return redirect("privacy:breach", pk=made.pk)
    page = Paginator(Breach.objects.all(), 50).get_page(request.GET.get("page"))
    context = {"form": form, "page": page}
    return render(request, "imaging/privacy/breaches.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@_officer
def breach(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show one breach with its clock and checklist; a line is decided by POST."""
    found = get_object_or_404(Breach, pk=pk)
    form = StepForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.take_step(
                found,
                step=form.cleaned_data["step"],
                is_needed=form.cleaned_data["outcome"] == "done",
                note=form.cleaned_data["note"],
                actor=actor_of(request),
            )
        except services.AlreadyDone:
            messages.info(request, _("Nothing was changed: a colleague was quicker, or the breach is closed."))
        return redirect("privacy:breach", pk=pk)
    return _page(request, found, form)


@require_POST
@_officer
def close(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Close a breach of which every line is decided."""
    found, form = get_object_or_404(Breach, pk=pk), ConclusionForm(request.POST)
    if not form.is_valid():
        return _page(request, found, StepForm(), conclusion=form)
    try:
        services.close(found, conclusion=form.cleaned_data["conclusion"], actor=actor_of(request))
    except services.StepsMissing:
        messages.error(request, _("Not closed: decide every line of the checklist first."))
    except services.AlreadyDone:
        messages.info(request, _("It had been closed already."))
    return redirect("privacy:breach", pk=pk)


def _page(
    request: HttpRequest, found: Breach, form: StepForm, conclusion: ConclusionForm | None = None
) -> HttpResponseBase:
    taken = {step.step: step for step in found.steps.all()}
    typed = form.data.get("step", "") if form.errors else ""
    context: dict[str, Any] = {
        "breach": found,
        "steps": [
            {"value": value, "label": label, "taken": taken.get(value), "has_error": value == typed}
            for value, label in BreachStep.Step.choices
        ],
        "form": form,
        "conclusion": conclusion or ConclusionForm(),
        "missing": len(BreachStep.Step) - len(taken),
    }
    return render(request, "imaging/privacy/breach.html", context, status=422 if form.errors or conclusion else 200)


def _line(entry: selectors.Seen) -> dict[str, Any]:
    return {
        "entry": entry,
        "doors": sorted({words.door_in_words(door) for door in entry.doors} - {""}),
        "actions": [words.action_in_words(action) for action in entry.actions],
    }


def _table(answer: selectors.Answer) -> HttpResponseBase:
    header = [
        *(_("Patient ID"), _("Issuer of the ID"), _("Name"), _("Studies"), _("Events")),
        *(_("First"), _("Last"), _("What"), _("By which way")),
    ]
    rows = (
        (
            *(entry.patient_id, entry.issuer, person_name.display(entry.name), entry.studies, entry.events),
            *(f"{timezone.localtime(entry.first):%Y-%m-%d %H:%M}", f"{timezone.localtime(entry.last):%Y-%m-%d %H:%M}"),
            "; ".join(words.action_in_words(action) for action in entry.actions),
            "; ".join(sorted({words.door_in_words(door) for door in entry.doors} - {""})),
        )
        for entry in answer.patients
    )
    return spreadsheet.answer("patients-seen", header, rows)
