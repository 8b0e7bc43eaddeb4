"""The page about one copy without identity: how far it is, and the images that a person must look at before it goes out."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.roles import Right
from imaging.sharing.copies import facts, selectors, services
from imaging.sharing.copies.forms import LooksForm
from imaging.sharing.copies.services import AlreadyDecided
from imaging.sharing.models import CopiedStudy
from imaging.studies import access


def _opened(request: HttpRequest, key: str) -> CopiedStudy:
    """The copy, for who may share the study of which it is made."""
    copied = selectors.copied_named(key)
    if copied is None or not isinstance(request.user, User):
        raise Http404
    try:
        access.open_study(
            request.scope,  # type: ignore[attr-defined]
            copied.source.study_instance_uid,
            actor=request.actor,  # type: ignore[attr-defined]
            purpose=access.Purpose.CHANGE,
            right=Right.SHARE,
        )
    except access.StudyNotVisible:
        raise Http404 from None
    except access.RightMissing:
        raise PermissionDenied from None
    return copied


@require_safe
@login_required
def page(request: HttpRequest, key: str) -> HttpResponseBase:
    """Show how far a copy has come, and what must be looked at."""
    copied = _opened(request, key)
    return _page(request, copied, None)


def _page(request: HttpRequest, copied: CopiedStudy, form: LooksForm | None) -> HttpResponseBase:
    held = facts.held_page(copied)
    counts = selectors.counts(copied)
    shown = form or LooksForm(held=held)
    is_part = request.headers.get("HX-Request") == "true"
    context = {
        "copied": copied,
        "study": copied.source,
        "patient": copied.source.patient,
        "images": [facts.image_of(row) for row in held],
        "form": shown,
        "sides": [shown[name] for name in ("top", "bottom", "left", "right")],
        "waiting": counts.get("held", 0),
        "left": facts.left_out(copied),
        "is_part": is_part,
        "is_under_way": copied.state in {CopiedStudy.State.WAITING, CopiedStudy.State.RUNNING},
        "share": getattr(copied.deidentification, "share", None),
    }
    template = "imaging/sharing/copies/_progress.html" if is_part else "imaging/sharing/copies/page.html"
    response = render(request, template, context, status=422 if form is not None else 200)
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def decide(request: HttpRequest, key: str) -> HttpResponseBase:
    """Decide about the images that were shown."""
    copied = _opened(request, key)
    shown = {int(text) for text in request.POST.getlist("shown") if text.isascii() and text.isdecimal()}
    held = [row for row in selectors.held_objects(copied) if row.pk in shown]
    form = LooksForm(request.POST, held=held)
    if not form.is_valid():
        return _page(request, copied, form)
    rulings = form.rulings()
    if not rulings:
        messages.info(request, _("Nothing was decided: choose for at least one image."))
        return redirect("sharing:copy", copied.key)
    try:
        services.decide(copied, rulings, user=request.user, actor=request.actor)  # type: ignore[attr-defined, arg-type]
    except AlreadyDecided:
        messages.warning(
            request, _("Somebody else has decided about one of these images meanwhile. Nothing was changed.")
        )
    return redirect("sharing:copy", copied.key)


@require_POST
@login_required
def again(request: HttpRequest, key: str) -> HttpResponseBase:
    """Begin a copy anew that could not be made to its end."""
    copied = _opened(request, key)
    if not services.try_again(copied):
        messages.info(request, _("It is under way already, or ready."))
    return redirect("sharing:copy", copied.key)
