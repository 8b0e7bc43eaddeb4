"""Pages of pushes to partner archives: asking for one, the list, one with its progress, and what is done about it."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from imaging.sharing.desk.forms import DecisionForm
from imaging.sharing.desk.selectors import Keeper
from imaging.sharing.desk.views import conditional, for_keepers
from imaging.sharing.making import pages, words
from imaging.sharing.making.pages import Offer
from imaging.sharing.making.services import NotShared, new_token
from imaging.sharing.models import PartnerTransfer
from imaging.sharing.models.choices import Purpose
from imaging.sharing.partners import facts, selectors, services
from imaging.sharing.partners import words as problems
from imaging.sharing.partners.forms import PushForm, StopForm
from imaging.studies import access

_FARTHEST: Final = 10_000


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new(request: HttpRequest) -> HttpResponseBase:
    """Offer to push a study to a partner of the department, and have it pushed."""
    sent = request.POST if request.method == "POST" else request.GET
    try:
        offer = pages.offer(request, sent.get("study", "")[:64], sent.get("department", "")[:20])
    except access.RightMissing:
        raise PermissionDenied from None
    if request.method != "POST":
        begin = {"what": "study", "purpose": Purpose.CARE, "with_report": True}
        return _asking(request, offer, _form(offer, initial=begin))
    form = _form(offer, request.POST)
    if not form.is_valid():
        return _asking(request, offer, form, status=422)
    token = request.POST.get("token", "")[:36]
    known = services.made_before(offer.person.user, token)
    if known is None:
        try:
            wish = form.wish(offer.study.study_instance_uid)
            known = services.ask(offer.person, wish, form.cleaned_data["partner"], token=token)
        except NotShared as error:
            for problem in error.problems:
                form.add_error(problem.field if problem.field in form.fields else None, words.said(problem))
            return _asking(request, offer, form, status=422)
    return redirect("sharing:transfer", key=known.key)


def _form(offer: Offer, data: Any = None, **more: Any) -> PushForm:
    partners = selectors.partners_for([offer.person.department.pk])
    return PushForm(data, partners=partners, series=[row.series_instance_uid for row in offer.series], **more)


def _asking(request: HttpRequest, offer: Offer, form: PushForm, *, status: int = 200) -> HttpResponse:
    context = {
        "offer": offer,
        "study": offer.study,
        "patient": offer.study.patient,
        "form": form,
        "partners": list(selectors.partners_for([offer.person.department.pk])),
        "chosen_partner": str(form["partner"].value() or ""),
        "chosen_series": form["series"].value() or [],
        "token": request.POST.get("token", "")[:36] or new_token(),
    }
    response = render(request, "imaging/sharing/partners/new.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@for_keepers
def page(request: HttpRequest, person: Keeper) -> HttpResponseBase:
    """Show the pushes that somebody looks after; as a part with 304 while nothing in it has changed."""
    text = request.GET.get("from", "")
    begin = min(int(text), _FARTHEST) if text.isascii() and text.isdecimal() and len(text) < 9 else 0
    rows, has_more = selectors.listed(person, begin=begin)
    context = {"lines": facts.lines(person, rows), "begin": begin}
    if request.headers.get("HX-Request"):
        return conditional(request, "imaging/sharing/partners/_rows.html", context)
    _record_read(person, None, {"count": len(rows)})
    context["next"] = begin + selectors.PAGE if has_more else None
    return render(request, "imaging/sharing/partners/list.html", context)


@require_safe
@for_keepers
def detail(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Show one push; as a part, how far it is."""
    transfer = _of(person, key)
    context = _shown(person, transfer)
    if request.headers.get("HX-Request"):
        # Its forms hold a token that is another one each time.
        marks = (facts.marks_of(transfer), context["acts"])
        context["is_part"] = True
        return conditional(request, "imaging/sharing/partners/_progress.html", context, marks=marks)
    _record_read(person, transfer, {})
    return render(request, "imaging/sharing/partners/transfer.html", context)


def _of(person: Keeper, key: str) -> PartnerTransfer:
    found = selectors.transfer_for(person, key)
    if found is None:
        raise Http404
    return found


def _record_read(person: Keeper, transfer: PartnerTransfer | None, detail: dict[str, Any]) -> None:
    audit.record_read(
        audit.Action.SHARES_READ,
        actor=person.actor,
        subject_type="transfer",
        subject_uid=transfer.key if transfer else "",
        patient_id=transfer.patient.patient_id if transfer else "",
        issuer_of_patient_id=transfer.patient.issuer_of_patient_id if transfer else "",
        detail=detail,
    )


def _shown(person: Keeper, transfer: PartnerTransfer, **forms: Any) -> dict[str, Any]:
    parts = facts.parts_of(person, transfer)
    is_own = transfer.created_by_id == person.user.pk
    return {
        "transfer": transfer,
        "standing": facts.standing_of(transfer),
        "problem": problems.problem_in_words(transfer.problem),
        "parts": parts,
        "patient": transfer.patient if any(part.is_seen for part in parts) else None,
        "told": facts.told_of(selectors.not_gone(transfer)),
        "acts": facts.acts_of(person, transfer),
        "is_own": is_own,
        "stop_form": StopForm(is_own=is_own),
        "decision_form": DecisionForm(),
        **forms,
    }


@require_POST
@for_keepers
def stop(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """End a push before its next object."""
    transfer = _of(person, key)
    form = StopForm(request.POST, is_own=transfer.created_by_id == person.user.pk)
    if not form.is_valid():
        context = _shown(person, transfer, stop_form=form)
        return render(request, "imaging/sharing/partners/transfer.html", context, status=422)
    if services.stop(transfer, words=form.cleaned_data["words"], user=person.user, actor=person.actor):
        messages.success(request, _("Stopped: nothing more is sent. What had arrived stays with the partner."))
    else:
        messages.info(request, _("It had ended already."))
    return redirect("sharing:transfer", key=key)


@require_POST
@for_keepers
def again(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Send what has not gone yet, now."""
    transfer = _of(person, key)
    if facts.acts_of(person, transfer).again and services.try_again(transfer):
        messages.success(request, _("It is tried again: only what is missing is sent."))
    else:
        messages.warning(request, _("Nothing was done: there is nothing to try again, or not for you."))
    return redirect("sharing:transfer", key=key)


@require_POST
@for_keepers
def decide(request: HttpRequest, person: Keeper, key: str) -> HttpResponseBase:
    """Agree to the push of a colleague, or refuse it."""
    transfer = _of(person, key)
    form = DecisionForm(request.POST)
    if not facts.acts_of(person, transfer).decide:
        messages.warning(request, _("Nothing was done: it was decided meanwhile, or it is your own."))
        return redirect("sharing:transfer", key=key)
    if not form.is_valid():
        context = _shown(person, transfer, decision_form=form)
        return render(request, "imaging/sharing/partners/transfer.html", context, status=422)
    allow = form.cleaned_data["verdict"] == "allow"
    services.decide(transfer, allow=allow, words=form.cleaned_data["words"], user=person.user, actor=person.actor)
    messages.success(request, _("Agreed: it is being sent.") if allow else _("Refused. Your colleague is told."))
    return redirect("sharing:transfer", key=key)
