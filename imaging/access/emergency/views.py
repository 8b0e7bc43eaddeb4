"""Pages of emergency access: opening a record, the record that is open, and the privacy officers' queue."""

import functools
import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit
from accounts import selectors as people
from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Capability
from accounts.scope import Scope
from accounts.sealed import sessions as sealed
from accounts.signing_in import step_up
from accounts.signing_in.acts import Act
from imaging.access.emergency import evidence, selectors, services
from imaging.access.emergency.forms import EmergencyForm, ReviewForm
from imaging.access.emergency.models import EmergencyAccess, PurposeOfUse, Verdict

View = Callable[..., HttpResponse]

_MOST_PAGES = 10_000
_DAYS = 90


def _for(capability: Capability) -> Callable[[View], View]:
    """Make a page for who has a capability somewhere: 403 for everybody else, whatever they ask for. Nothing is kept."""

    def guard(view: View) -> View:
        @functools.wraps(view)
        def answer(request: HttpRequest, *args: Any, **names: Any) -> HttpResponse:
            if not people.is_capable(request.user, capability):
                raise PermissionDenied
            return _unkept(view(request, *args, **names))

        return cast(View, login_required(answer))

    return guard


@require_http_methods(["GET", "HEAD", "POST"])
@_for(Capability.BREAK_GLASS)
@step_up.required(Act.BREAK_GLASS)
def emergency(request: HttpRequest) -> HttpResponse:
    """Ask which patient and why, and open the record; below it, what one has opened so far and what was found of it."""
    rules = selectors.policy()
    user = _user(request)
    if request.method == "POST":
        form = EmergencyForm(request.POST, rules=rules)
        if form.is_valid():
            try:
                return _open(request, user, form)
            except services.NobodyFound:
                form.add_error(None, _nobody(rules.phone))
            except services.TooOften as often:
                form.add_error(None, _too_often(often.wait))
    else:
        given = {"form_key": uuid.uuid4(), "study": request.GET.get("study", "")[:64]}
        form = EmergencyForm(initial=given, rules=rules)
    context = {
        "form": form,
        "rules": rules,
        "purposes": PurposeOfUse.choices,
        "history": [(row, selectors.latest_review(row)) for row in selectors.history_of(user)],
        "is_unusual": selectors.is_unusual(user, rules),
    }
    return render(request, "imaging/access/emergency/emergency.html", context, status=400 if form.errors else 200)


@require_safe
@login_required
def opened(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one's own access: the patient with the studies while it is open, what happened once it is not."""
    found = _own(request, pk)
    scope: Scope = request.scope  # type: ignore[attr-defined]
    context = {
        "emergency": found,
        "patient": found.patient,
        "studies": selectors.studies_open_by(found, scope=scope) if found.is_active else [],
        "review": selectors.latest_review(found),
    }
    return _unkept(render(request, "imaging/access/emergency/opened.html", context))


@require_POST
@login_required
def end(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Close a record: one's own, or as a privacy officer anybody's. For others there is no such access."""
    user = _user(request)
    officer = people.is_capable(user, Capability.REVIEW_BREAK_GLASS)
    found = selectors.own(user, pk) or (selectors.reviewable(pk) if officer else None)
    if found is None:
        raise Http404
    if services.end(found, user=user, actor=_actor(request)):
        messages.success(request, _("The record is closed."))
    else:
        messages.info(request, _("The record was closed already."))
    return redirect("access:emergency-opened" if found.user_id == user.pk else "access:emergency-review", pk=pk)


@require_safe
@_for(Capability.REVIEW_BREAK_GLASS)
def reviews(request: HttpRequest) -> HttpResponse:
    """Show what waits for a verdict, what has one, and how things stand."""
    state = "done" if request.GET.get("state") == "done" else "open"
    number = _number(request)
    found, has_more = selectors.queue(state, page=number)
    audit.record(
        audit.Action.EMERGENCY_READ, actor=_actor(request), subject_type="emergency_queue", detail={"state": state}
    )
    context = {
        "rows": found,
        "state": state,
        "counts": selectors.counts(),
        "statistics": selectors.statistics(_DAYS),
        "earlier": f"?state={state}&page={number - 1}" if number > 1 else "",
        "later": f"?state={state}&page={number + 1}" if has_more else "",
    }
    return render(request, "imaging/access/emergency/reviews.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@_for(Capability.REVIEW_BREAK_GLASS)
def review(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Show one access with all that is known of it, and take a verdict."""
    found = selectors.reviewable(pk)
    if found is None:
        raise Http404
    user = _user(request)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _judge(request, found, user, form):
        return redirect("access:emergency-reviews")
    audit.record_read(
        audit.Action.EMERGENCY_READ,
        actor=_actor(request),
        subject_type="patient",
        subject_uid=str(found.patient_id),
        patient_id=found.patient.patient_id,
        issuer_of_patient_id=found.patient.issuer_of_patient_id,
        detail={"emergency": str(found.pk)},
    )
    events = selectors.opened_by(found)
    context = {
        "emergency": found,
        "patient": found.patient,
        "evidence": evidence.of_access(found),
        "events": [(event, audit.Action(event.action).label) for event in events[: selectors.MOST_EVENTS]],
        "has_more_events": len(events) > selectors.MOST_EVENTS,
        "reviews": selectors.reviews_of(found),
        "is_own": found.user_id == user.pk,
        "form": form,
        "verdicts": Verdict.choices,
    }
    status = 400 if form.errors else 200
    return render(request, "imaging/access/emergency/review.html", context, status=status)


def _open(request: HttpRequest, user: User, form: EmergencyForm) -> HttpResponse:
    scope: Scope = request.scope  # type: ignore[attr-defined]
    made = services.start(
        user=user,
        actor=_actor(request),
        asked=form.asked(),
        reason=form.cleaned_data["reason"],
        purpose=form.cleaned_data["purpose"],
        form_key=form.cleaned_data["form_key"],
        not_after=scope.valid_until,
        said_name=sealed.person_of(request),
    )
    if made.is_unusual:
        messages.warning(request, _unusual(selectors.policy().phone))
    return redirect("access:emergency-opened", pk=made.pk)


def _judge(request: HttpRequest, found: EmergencyAccess, user: User, form: ReviewForm) -> bool:
    """Take the verdict; False with the reason in the form when it cannot be taken."""
    try:
        services.review(
            found,
            user=user,
            actor=_actor(request),
            verdict=Verdict(form.cleaned_data["verdict"]),
            note=form.cleaned_data["note"].strip(),
        )
    except services.NotAllowed:
        form.add_error(None, _("Nobody judges their own access. Another privacy officer has to look at it."))
        return False
    except services.StillOpen:
        form.add_error(None, _("The record is still open. Close it first, or wait until its time is over."))
        return False
    messages.success(request, _("The verdict is kept, and the person is told."))
    return True


def _nobody(phone: str) -> str:
    said = _(
        "No patient fits all of this, or more than one does. Nothing was opened. Check each letter and figure, leave out"
        " what you are not sure of, or add another identifier."
    )
    return f"{said} {_('Telephone of the privacy officers: %(phone)s.') % {'phone': phone}}" if phone else said


def _too_often(wait: int) -> str:
    return ngettext(
        "Many attempts in a short time. Nothing was opened; what you typed is kept. Send it again in %(count)d second.",
        "Many attempts in a short time. Nothing was opened; what you typed is kept. Send it again in %(count)d seconds.",
        wait,
    ) % {"count": wait}


def _unusual(phone: str) -> str:
    said = _(
        "The record is open. You have opened unusually many within an hour: the privacy officers have been alarmed."
    )
    return f"{said} {_('Call them: %(phone)s.') % {'phone': phone}}" if phone else said


def _own(request: HttpRequest, pk: uuid.UUID) -> EmergencyAccess:
    found = selectors.own(_user(request), pk)
    if found is None:
        raise Http404
    return found


def _number(request: HttpRequest) -> int:
    text = request.GET.get("page", "")
    return min(max(int(text), 1), _MOST_PAGES) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _user(request: HttpRequest) -> User:
    return cast(User, request.user)


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _unkept(response: HttpResponse) -> HttpResponse:
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private, no-store"
    return response
