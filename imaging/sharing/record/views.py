"""The page with which a patient, or who acts for them, is given a link to the record; then the link, shown this once."""

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from imaging.sharing.entrance import sending
from imaging.sharing.making import pages
from imaging.sharing.making import services as making
from imaging.sharing.making.pages import Offer
from imaging.sharing.making.services import Made, NotShared
from imaging.sharing.record import selectors, services, words
from imaging.sharing.record.forms import RecordForm
from imaging.sharing.record.offering import form_of
from imaging.studies import access


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def give(request: HttpRequest) -> HttpResponseBase:
    """Offer to give a link to the record of a study's patient, and give it."""
    sent = request.POST if request.method == "POST" else request.GET
    try:
        offer = pages.offer(request, sent.get("study", "")[:64], sent.get("department", "")[:20])
    except access.RightMissing:
        raise PermissionDenied from None
    if request.method != "POST":
        return _page(request, offer, form_of(offer))
    form = form_of(offer, request.POST)
    if not form.is_valid():
        return _page(request, offer, form, status=422)
    token = request.POST.get("token", "")[:36]
    if (known := making.made_before(offer.person.user, token)) is not None:
        return HttpResponseRedirect(reverse("sharing:share", args=[known.key]), status=303)
    wish = form.wish(offer.study.study_instance_uid)
    try:
        made = services.give(offer.person, wish, token=_uuid(token))
    except NotShared as error:
        for problem in error.problems:
            name = {"valid_until": "until_date"}.get(problem.field, problem.field)
            form.add_error(name if name in form.fields else None, words.said(problem))
        return _page(request, offer, form, status=422)
    return _given(request, made, is_sent=wish.sends)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _page(request: HttpRequest, offer: Offer, form: RecordForm, *, status: int = 200) -> HttpResponse:
    department = offer.person.department
    of_age_at = selectors.of_age_at(offer.study.patient, department, form.rules)
    context: dict[str, Any] = {
        "offer": offer,
        "study": offer.study,
        "patient": offer.study.patient,
        "form": form,
        "rules": form.rules,
        # Told while it lies ahead: who is of age has no parents' link.
        "of_age_at": of_age_at if of_age_at is not None and of_age_at > timezone.now() else None,
        "live": selectors.live_links([offer.study.patient_id], department.pk),
        "token": request.POST.get("token", "")[:36] or making.new_token(),
    }
    response = render(request, "imaging/sharing/record/give.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _given(request: HttpRequest, made: Made, *, is_sent: bool) -> HttpResponse:
    """Show the link. It is known in this answer alone: nothing of ours keeps it."""
    context = {
        "share": made.share,
        "handed": made.handed,
        "is_sent": is_sent,
        "link": sending.link_of(made.share, made.handed.secret),
        "is_waiting": made.share.state == made.share.State.WAITING,
    }
    response = render(request, "imaging/sharing/making/made.html", context)
    response["Cache-Control"] = "private, no-store"
    return response
