"""The pages with which somebody shares a study: what, with whom, for how long; then the link, shown this once."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from imaging.sharing.entrance import sending
from imaging.sharing.making import pages, services, words
from imaging.sharing.making.forms import ShareForm
from imaging.sharing.making.pages import Offer
from imaging.sharing.making.policies import Problem
from imaging.sharing.making.services import Made, NotShared
from imaging.studies import access


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def share(request: HttpRequest) -> HttpResponseBase:
    """Offer to share a study, and share it."""
    sent = request.POST if request.method == "POST" else request.GET
    try:
        offer = pages.offer(request, sent.get("study", "")[:64], sent.get("department", "")[:20])
    except access.RightMissing:
        raise PermissionDenied from None
    if request.method != "POST":
        return _page(request, offer, offer.form(like=sent.get("like", "")[:16]))
    form = offer.form(request.POST)
    if not form.is_valid():
        return _page(request, offer, form, status=422)
    token = request.POST.get("token", "")[:36]
    if (known := services.made_before(offer.person.user, token)) is not None:
        return HttpResponseRedirect(reverse("sharing:share", args=[known.key]), status=303)
    try:
        made = services.make(offer.person, form.wish(offer.study.study_instance_uid), token=token)
    except NotShared as error:
        for problem in error.problems:
            form.add_error(_field_of(problem, form), words.said(problem))
        return _page(request, offer, form, status=422)
    return _made(request, made, is_sent=form.wish(offer.study.study_instance_uid).sends)


def _field_of(problem: Problem, form: ShareForm) -> str | None:
    """Return the field at which a problem is told; None for one that is about all of it."""
    name = {"valid_until": "until_date"}.get(problem.field, problem.field)
    return name if name in form.fields else None


def _page(request: HttpRequest, offer: Offer, form: ShareForm, *, status: int = 200) -> HttpResponse:
    context = {
        "offer": offer,
        "study": offer.study,
        "patient": offer.study.patient,
        "form": form,
        "chosen_series": form["series"].value() or [],
        "chosen_priors": form["priors"].value() or [],
        "live": offer.live(),
        "token": request.POST.get("token", "")[:36] or services.new_token(),
    }
    response = render(request, "imaging/sharing/making/new.html", context, status=status)
    response["Cache-Control"] = "private, no-store"
    return response


def _made(request: HttpRequest, made: Made, *, is_sent: bool) -> HttpResponse:
    """Show the link. It is known in this answer alone: nothing of ours keeps it."""
    context = {
        "share": made.share,
        "handed": made.handed,
        "is_sent": is_sent,
        "link": sending.link_of(made.share, made.handed.secret),
        "is_waiting": made.share.state == made.share.State.WAITING,
        "is_preparing": made.share.state == made.share.State.PREPARING,
    }
    response = render(request, "imaging/sharing/making/made.html", context)
    response["Cache-Control"] = "private, no-store"
    return response
