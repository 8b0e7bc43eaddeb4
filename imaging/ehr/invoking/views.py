"""The door: who is signed in goes to the images at once; who is not signs in first, and comes back.

What the address asks is kept in the session meanwhile, so that a patient's number stands in no address of ours: neither
behind the sign-in, nor above the list of several studies.
"""

from collections.abc import Mapping

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from imaging.ehr.invoking import kept, selectors
from imaging.ehr.invoking.question import PARAMETERS, Malformed, Question, read
from imaging.studies.finding import searched
from imaging.studies.models import Study


@require_safe
@never_cache
def invoke(request: HttpRequest) -> HttpResponseBase:
    """Show what the address asks for (RAD-106)."""
    asked = {name: request.GET.getlist(name) for name in request.GET if name.lower() in PARAMETERS}
    try:
        question = _read(asked)
    except Malformed as error:
        return _unreadable(request, error)
    if request.user.is_authenticated:
        found = _found(request, question)
        if not isinstance(found, list):
            return found
        if len(found) == 1:
            return _images_of(found[0])
    kept.keep(request, asked)
    return redirect("ehr:resume") if request.user.is_authenticated else _sign_in()


@require_safe
@never_cache
def resume(request: HttpRequest) -> HttpResponseBase:
    """Show what was asked for before the sign-in, or offer the several studies that it named."""
    asked = kept.kept(request)
    if asked is None:
        return _refused(request, 410, _("This took too long"), _("Open the images from the patient's record again."))
    if not request.user.is_authenticated:
        return _sign_in()
    try:
        question = _read(asked)
    except Malformed as error:
        return _unreadable(request, error)
    found = _found(request, question)
    if isinstance(found, list) and len(found) > 1:
        return render(request, "imaging/ehr/invoked.html", {"studies": found, "patient": found[0].patient})
    kept.forget(request)
    return _images_of(found[0]) if isinstance(found, list) else found


@require_safe
@never_cache
def elsewhere(request: HttpRequest) -> HttpResponseBase:
    """Stand where images were that are not of the record's patient any more (LA-6)."""
    text = _(
        "These images were put away, so that nobody takes them for somebody else's. Open them from the record again."
    )
    return _refused(request, 200, _("The record shows another patient"), text)


def _read(asked: Mapping[str, list[str]]) -> Question:
    return read(asked, timezone.get_current_timezone())


def _unreadable(request: HttpRequest, error: Malformed) -> HttpResponseBase:
    text = _("The record's address cannot be read at “%(name)s”. Nothing was opened.") % {"name": error}
    return _refused(request, 400, _("This address is incomplete"), text)


def _sign_in() -> HttpResponseBase:
    return redirect_to_login(reverse("ehr:resume"), reverse("account_login"))


def _images_of(study: Study) -> HttpResponseBase:
    # The window is the record's from now on: it is put away when the record goes on to somebody else (`static/pages/record.ts`).
    return redirect(f"{reverse('viewer:viewer', args=[study.study_instance_uid])}?record")


def _found(request: HttpRequest, question: Question) -> list[Study] | HttpResponseBase:
    """The studies, one at least, or the page that says why none is shown. The search is on record."""
    scope, actor = request.scope, request.actor  # type: ignore[attr-defined]
    try:
        studies = selectors.found(question, scope)
    except selectors.Disagreement:
        searched.on_record("study", _keys(question), actor=actor, found=0)
        text = _("Patient, study and accession number of the address do not belong together. Nothing was opened.")
        return _refused(request, 409, _("This does not agree"), text)
    searched.on_record("study", _keys(question), actor=actor, found=len(studies))
    if studies:
        return studies
    text = _("The images may not be here yet, or not be in your departments. Both look the same on purpose.")
    return _refused(request, 404, _("There is nothing here for you to see"), text)


def _keys(question: Question) -> dict[str, str]:
    """What was asked for, for the audit."""
    keys = {
        "StudyInstanceUID": ",".join(question.study_instance_uids),
        "AccessionNumber": ",".join(question.accession_numbers),
        "PatientID": question.patient.value if question.patient else "",
    }
    return {name: value for name, value in keys.items() if value}


def _refused(request: HttpRequest, status: int, title: str, text: str) -> HttpResponseBase:
    return render(request, "refused.html", {"title": title, "text": text, "code": status}, status=status)
