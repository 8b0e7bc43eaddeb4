"""Pages of who decides: what waits, what is granted now, what was decided; one request; deciding, asking back, revoking."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts import audit
from imaging.access.requests import facts, selectors, services
from imaging.access.requests.forms import DecisionForm, NoteForm, WordsForm, offered_hours
from imaging.access.requests.models import AccessRequest
from imaging.access.requests.policies import Approver, Refused, Verdict
from imaging.access.requests.views import approver_of, asker_of, own_context, unkept

P = ParamSpec("P")

_SHOWN: Final = {
    "waiting": selectors.waiting_for,
    "granted": selectors.granted_by,
    "history": selectors.decided_in,
}


def for_approvers(
    view: Callable[Concatenate[HttpRequest, Approver, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make a page of who decides: 403 for people who decide nowhere, whatever they ask for."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: P.args, **names: P.kwargs) -> HttpResponseBase:
        by = approver_of(request)
        if by is None:
            raise PermissionDenied
        return unkept(view(request, by, *args, **names))

    return login_required(answer)  # type: ignore[return-value]


@require_safe
@for_approvers
def page(request: HttpRequest, by: Approver) -> HttpResponseBase:
    """Show what waits (longest first), what is granted now, or what was decided."""
    asked = request.GET.get("show", "")
    shown = asked if asked in _SHOWN else "waiting"
    rows = list(_SHOWN[shown](by).prefetch_related("studies__grant")[: selectors.MOST_SHOWN])
    told = _patients_told(by, rows)
    context = {
        "shown": shown,
        "lines": [facts.line(row, patient=row.patient if row.pk in told else None) for row in rows],
        "waiting": selectors.waiting_count(by),
        "may_ask": asker_of(request) is not None,
    }
    return render(request, "imaging/access/requests/desk.html", context)


def _patients_told(by: Approver, rows: list[AccessRequest]) -> frozenset[int]:
    """The requests whose patient this person may read: some study of them lies in the person's own list."""
    of_study = {item.study_id: row.pk for row in rows for item in row.studies.all()}
    seen = selectors.seen(by.scope, of_study)
    return frozenset(row.pk for row in rows if any(item.study_id in seen for item in row.studies.all()))


@require_safe
@login_required
def detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Show one request, to who made it and to who decides about it; 404 to everybody else."""
    person, by = asker_of(request), approver_of(request)
    if person is None and by is None:
        raise PermissionDenied
    own = selectors.request_of(person, pk) if person else None
    if person is not None and own is not None:
        return unkept(render(request, "imaging/access/requests/request.html", own_context(person, own)))
    found = selectors.request_for(by, pk) if by else None
    if by is None or found is None:
        raise Http404
    return unkept(render(request, "imaging/access/requests/request.html", _context(by, found, DecisionForm())))


def _context(by: Approver, found: AccessRequest, form: DecisionForm) -> dict[str, Any]:
    items = list(found.studies.select_related("study__patient", "grant", "department"))
    seen = selectors.seen(by.scope, [item.study_id for item in items])
    mine = set(selectors.decidable(by).filter(request=found).values_list("pk", flat=True))
    waiting = [item for item in items if item.pk in mine]
    shown = [item for item in items if item.study_id in seen]
    if shown:
        audit.record_read(
            audit.Action.METADATA_READ,
            actor=by.actor,
            subject_type="access_request",
            subject_uid=str(found.pk),
            patient_id=found.patient.patient_id,
            issuer_of_patient_id=found.patient.issuer_of_patient_id,
            detail={"via": "access desk"},
        )
    most = facts.most_hours(by, found)
    return {
        "line": facts.line(found),
        "patient": found.patient if shown else None,
        "shown": shown,
        "unseen": len(items) - len(shown),
        "thread": list(found.messages.select_related("author")),
        "evidence": facts.evidence(found),
        "notes": facts.notes(found, with_names=True),
        "may_decide": bool(waiting),
        "concerned": len(waiting),
        "may_download": facts.may_download(by, found),
        "may_revoke": selectors.held(by).filter(request=found).exists(),
        "hours_offered": offered_hours(most),
        "most_hours": most,
        "form": form,
        "words_form": WordsForm(),
    }


@require_POST
@for_approvers
def decide(request: HttpRequest, by: Approver, pk: int) -> HttpResponseBase:
    """Approve or deny."""
    found = _found(by, pk)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        context = _context(by, found, form)
        return render(request, "imaging/access/requests/request.html", context, status=422)
    ruling = form.ruling(found.hours)
    try:
        services.decide(by.user, pk, ruling, actor=by.actor)
    except Refused as refused:
        messages.error(request, facts.refusal(refused.code))
    else:
        approved = ruling.verdict is Verdict.APPROVE
        messages.success(request, _("Approved: it is open now.") if approved else _("Denied. Your colleague is told."))
    return redirect("access:desk")


@require_POST
@for_approvers
def revoke(request: HttpRequest, by: Approver, pk: int) -> HttpResponseBase:
    """End what was granted, at once."""
    _found(by, pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say why, so that your colleague knows what to do next."))
        return redirect("access:request", pk=pk)
    try:
        services.revoke(by.user, pk, note=form.cleaned_data["note"], actor=by.actor)
    except Refused as refused:
        messages.error(request, facts.refusal(refused.code))
    else:
        messages.success(request, _("Revoked: nothing of it is open any more."))
    return redirect("access:request", pk=pk)


@require_POST
@login_required
def write(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Ask back as who decides, or answer as who asked."""
    person, by = asker_of(request), approver_of(request)
    if person is None and by is None:
        raise PermissionDenied
    is_own = person is not None and selectors.request_of(person, pk) is not None
    if not is_own and (by is None or selectors.request_for(by, pk) is None):
        raise Http404
    writer = person if is_own else by
    form = WordsForm(request.POST)
    if writer is None or not form.is_valid():
        messages.error(request, _("Write what you want to say, without control characters."))
        return unkept(redirect("access:request", pk=pk))
    try:
        services.write(writer.user, pk, form.cleaned_data["words"].strip(), actor=writer.actor)
    except Refused as refused:
        messages.error(request, facts.refusal(refused.code))
    else:
        messages.success(request, _("Sent."))
    return unkept(redirect("access:request", pk=pk))


def _found(by: Approver, pk: int) -> AccessRequest:
    found = selectors.request_for(by, pk)
    if found is None:
        raise Http404
    return found
