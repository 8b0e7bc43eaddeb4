"""Proving again who one is, before what needs it (:mod:`accounts.signing_in.step_up`)."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import audit
from accounts.audit import Action
from accounts.signing_in import proving, sessions, step_up
from accounts.signing_in.acts import Act
from accounts.signing_in.attempts import Kind
from accounts.signing_in.forms import ProofForm
from accounts.signing_in.next_page import next_address
from accounts.signing_in.passkeys import Purpose
from accounts.signing_in.views.answers import actor, done, is_script, person, wrong


@sensitive_post_parameters("password", "code")
@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask who is there for an act, then go on to where the person came from."""
    user = person(request)
    act = _act(request)
    offer = proving.offered(user, act)
    errors: list[str] = []
    if request.method == "POST":
        form = ProofForm(request.POST)
        shown = form.cleaned_data if form.is_valid() else {}
        try:
            method = proving.judge(request, user, shown, offer=offer, purpose=Purpose.CONFIRM, kind=Kind.CONFIRMATION)
        except proving.Refused as refusal:
            errors = [str(refusal)]
        else:
            sessions.rotate(request)
            audit.record(
                Action.USER_CONFIRMED,
                actor=actor(request),
                subject_type="user",
                subject_uid=str(user.pk),
                detail={"act": str(act), "method": str(method)},
            )
            return done(request, next_address(request))
        if is_script(request):
            return wrong(errors)
    return render(request, "account/confirm.html", step_up.asked(user, act, then=next_address(request), errors=errors))


def _act(request: HttpRequest) -> Act:
    try:
        return Act(request.POST.get("act") or request.GET.get("act") or Act.OWN_ACCOUNT)
    except ValueError:
        return Act.OWN_ACCOUNT


@never_cache
@require_http_methods(["GET", "POST"])
@login_required
def session(request: HttpRequest) -> HttpResponse:
    """Say that the session lives, without a word. POST: the person is there (the middleware counts it as activity)."""
    return HttpResponse(status=204)
