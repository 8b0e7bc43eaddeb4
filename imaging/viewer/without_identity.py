"""Taking a study or a series home without the patient's identity: what can be given, what not and why, and the zip."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import uids
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.export import deidentification_notes as words
from imaging.studies.export import without_identity as exports
from imaging.studies.export.cleaning import MOST_OBJECTS
from imaging.studies.export.receipts import Handed
from imaging.studies.models import Series, Study
from imaging.viewer import clean_tickets, wording
from imaging.viewer.clean_tickets import Ticket
from imaging.viewer.download_menu import Offer
from imaging.viewer.download_turns import Turn
from imaging.viewer.downloads import explained
from imaging.viewer.export_answers import Package, zip_answer
from imaging.viewer.without_identity_form import WithoutIdentityForm

_TEMPLATE = "imaging/viewer/without_identity.html"


@dataclass(frozen=True, slots=True)
class Told:
    """Objects that are left out, in words."""

    series: str
    modality: str
    count: int
    reasons: str


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What can be given, and what not; ``lost`` objects cannot be read at all."""

    count: int
    missing: int
    lost: int
    left_out: Sequence[Told]


def surveyed(levels: Iterable[Study | Series], *, scope: Scope, actor: Actor) -> Surveyed:
    """Look at the headers of all objects. It takes the place of a download meanwhile; raises what one does."""
    turn = Turn(actor)
    try:
        found = exports.survey(levels, scope=scope, cleaning=clean_tickets.trial())
    finally:
        turn.release()
    told = [
        Told(wording.series_label(entry.series), entry.series.modality, entry.count, words.reasons(entry))
        for entry in found.left_out
    ]
    return Surveyed(found.count, found.missing, found.lost, told)


@require_http_methods(["GET", "POST"])
@login_required
@explained
def page(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Say what can be given of a study, or of one series; with the form, begin the download."""
    series_uid = request.GET.get("series", "")
    level = _level(request, study_instance_uid, series_uid)
    study = level if isinstance(level, Study) else level.study
    if request.method == "POST":
        form = WithoutIdentityForm(request.POST, study=study)
        if form.is_valid():
            told = form.cleaned_data
            ticket = Ticket(_holder(request), told["subject"], study_instance_uid, series_uid, tuple(told["kept"]))
            address = reverse("viewer:download-clean-zip", args=[study_instance_uid])
            return redirect(f"{address}?{urlencode({'ticket': ticket.sealed()})}")
    else:
        form = WithoutIdentityForm(study=study, initial={"subject": clean_tickets.new_subject(), "kept": []})
    context = {
        "study": study,
        "title": wording.study_title(study) if isinstance(level, Study) else wording.series_label(level),
        "form": form,
        "chosen": form["kept"].value() or [],
        "series": _series(study, _scope(request)) if isinstance(level, Study) else (),
        "most": MOST_OBJECTS,
        "found": _found(level, request),
    }
    return render(request, _TEMPLATE, context, status=422 if form.is_bound else 200)


@require_GET
@login_required
@explained
def download(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Give the copies as a zip, as they were asked for on the page."""
    try:
        ticket = clean_tickets.opened(request.GET.get("ticket", ""), holder=_holder(request), study=study_instance_uid)
    except clean_tickets.Refused:
        raise Http404 from None
    return zip_answer(
        request,
        scope=_scope(request),
        actor=_actor(request),
        study_uids=[study_instance_uid],
        series_uids=[ticket.series] if ticket.series else (),
        package=Package(handed=Handed(on=ticket.day, is_deidentified=True), cleaning=ticket.cleaning),
    )


def _level(request: HttpRequest, study_uid: str, series_uid: str) -> Study | Series:
    """The study or series, for who may download it. Looking at what could be given is no export, and no reading."""
    scope, actor, looking = _scope(request), _actor(request), access.Purpose.THUMBNAIL
    if not series_uid:
        return access.open_study(scope, study_uid, actor=actor, purpose=looking, right=Right.DOWNLOAD)
    if not uids.is_valid_uid(series_uid):
        raise Http404
    return access.open_series(scope, study_uid, series_uid, actor=actor, purpose=looking, right=Right.DOWNLOAD)


def _found(level: Study | Series, request: HttpRequest) -> Surveyed | None:
    """What can be given; None when it is too much to be looked at while somebody waits."""
    try:
        return surveyed([level], scope=_scope(request), actor=_actor(request))
    except exports.TooMany:
        return None


def _series(study: Study, scope: Scope) -> list[Offer]:
    """The series of a study, to give one of them alone; none where there is but one."""
    rows = list(studies.series_of(study, scope=scope, right=Right.DOWNLOAD))
    address = reverse("viewer:download-clean", args=[study.study_instance_uid])
    offers = [
        Offer(
            f"{address}?{urlencode({'series': row.series_instance_uid})}", wording.series_label(row), row.modality, ""
        )
        for row in rows
    ]
    return offers if len(offers) > 1 else []


def _holder(request: HttpRequest) -> str:
    return f"user:{request.user.pk}"


def _scope(request: HttpRequest) -> Scope:
    scope: Scope = request.scope  # type: ignore[attr-defined]
    return scope


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
