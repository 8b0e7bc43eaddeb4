"""The page that adds photos, documents, films and videos: to a study that is there, or to a new one of a patient.

It lives here because it mixes what draws (the decoder pool makes files ready) with what takes in (their registration).
"""

import datetime as dt
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Department, User
from accounts.roles import Door
from imaging.ingest.source import Source
from imaging.ingest.uploads.selectors import departments_of
from imaging.ingest.wrapping import selectors, services, targets
from imaging.ingest.wrapping.services import Outcome, Piece, Wishes
from imaging.ingest.wrapping.targets import Target
from imaging.studies import access
from imaging.studies import selectors as studies
from imaging.studies.finding.time_limit import SearchTooBroad, time_limit
from imaging.studies.models import Study
from imaging.viewer import wording, wrapping_material, wrapping_words
from imaging.viewer.errors import of_a_study
from imaging.viewer.wrapping_forms import FilesForm, PatientForm, StudyForm
from imaging.viewer.wrapping_material import CannotUse
from imaging.viewer.wrapping_upload import LARGEST_FORM, StagingHandler

_FOUND = 12
_NOON = dt.time(12)


@dataclass(slots=True)
class _Desk:
    """What the person at this page works on: exactly one of a study, a patient of a study, or a new patient."""

    departments: list[Department]
    study: Study | None = None
    like: Study | None = None
    is_new: bool = False

    @property
    def is_chosen(self) -> bool:
        """Whether it is said whose the files are."""
        return bool(self.study or self.like or self.is_new)

    @property
    def department_ids(self) -> tuple[int, ...]:
        """Where the person may add."""
        return tuple(department.pk for department in self.departments)


# The token is checked by `_answer`, once the files' way to disk is laid: Django's own check would read the form before.
@csrf_exempt
@of_a_study
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponseBase:
    """Show the form, or take the files of one in."""
    if request.method == "POST":
        request.upload_handlers = [StagingHandler(request)]
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_FORM:
            return _told(request, [wrapping_words.refusal(_("All files"), "form_too_large")], status=413)
    return _answer(request)


@csrf_protect
def _answer(request: HttpRequest) -> HttpResponseBase:
    desk = _desk(request)
    if not desk.is_chosen:
        return render(request, "imaging/viewer/wrap_choose.html", {})
    files = FilesForm(request.POST or None, initial={"sound": True, "origin": "photo"})
    study = StudyForm(
        request.POST or None, departments=desk.departments, initial={"study_date": timezone.localdate().isoformat()}
    )
    patient = PatientForm(request.POST or None)
    if request.method == "POST":
        # Each is asked, so that each shows its errors.
        wanted = [files, *([] if desk.study else [study]), *([patient] if desk.is_new else [])]
        if all([form.is_valid() for form in wanted]):  # noqa: C419
            return _take_in(request, desk, files, study, patient)
    context = {
        "desk": desk,
        "patient": _patient_of(desk),
        "title": wording.study_title(desk.study) if desk.study else "",
        "files": files,
        "study_form": study,
        "patient_form": patient,
    }
    status = 422 if request.method == "POST" else 200
    if status == 422 and _is_scripted(request):
        return render(request, "imaging/viewer/_wrap_form.html", context, status=status)
    return render(request, "imaging/viewer/wrap.html", context, status=status)


@require_POST
@login_required
def find(request: HttpRequest) -> HttpResponseBase:
    """Look for the patient among the studies that the person may see. The words stay out of the address."""
    if not departments_of(_user(request)):
        raise PermissionDenied
    words = request.POST.get("words", "")[:128].strip()
    context: dict[str, Any] = {"words": words, "found": []}
    try:
        with time_limit():
            found = (
                studies.study_list(_scope(request), studies.StudyFilters(search=words), limit=_FOUND) if words else None
            )
        rows = found.rows if found else []
        context["found"] = [{"study": row.study, "title": wording.study_title(row.study)} for row in rows]
    except SearchTooBroad:
        context["is_too_broad"] = True
    name = "_wrap_found.html" if _is_scripted(request) else "wrap_choose.html"
    response = render(request, f"imaging/viewer/{name}", context)
    response["Cache-Control"] = "no-store"
    return response


def _desk(request: HttpRequest) -> _Desk:
    """Who is here, and for which study. Raises PermissionDenied, and what ``open_study`` raises."""
    desk = _Desk(departments_of(_user(request)))
    if not desk.departments:
        # A stranger to the study hears the same as anybody without the right to add.
        raise PermissionDenied
    if uid := request.GET.get("study"):
        desk.study = _open(request, uid)
        if not selectors.may_add(desk.study, department_ids=desk.department_ids):
            raise PermissionDenied
    elif uid := request.GET.get("like"):
        desk.like = _open(request, uid)
    desk.is_new = not (desk.study or desk.like) and "new" in request.GET
    return desk


def _open(request: HttpRequest, uid: str) -> Study:
    actor = request.actor  # type: ignore[attr-defined]
    return access.open_study(_scope(request), uid[:64], actor=actor, purpose=access.Purpose.CHANGE)


def _take_in(
    request: HttpRequest, desk: _Desk, files: FilesForm, study: StudyForm, patient: PatientForm
) -> HttpResponseBase:
    handed = request.FILES.getlist("files")
    stopped = next((one.refusal for one in request.upload_handlers if isinstance(one, StagingHandler)), "")
    if stopped or not handed:
        code = stopped or "empty"
        return _told(request, [wrapping_words.refusal(_("All files"), code)], status=413 if stopped else 422)
    department = desk.department_ids if desk.study else (int(study.cleaned_data["department"]),)
    target = _target(desk, department, study, patient)
    with ExitStack() as opened:
        pieces, lines = _ready(handed, files, opened)
        source = _source(request, desk, department, target)
        wrapped = services.wrap(pieces, target=target, wishes=_wishes(files), source=source) if pieces else []
    lines = [*(wrapping_words.line(one) for one in wrapped), *lines]
    # A study whose objects were set aside has no page, and it is not said whether one exists.
    shown = any(one.outcome in {Outcome.NEW, Outcome.DUPLICATE, Outcome.CONFLICT} for one in wrapped)
    uid = target.study.study_instance_uid if desk.study or shown else ""
    return _told(request, lines, study_uid=uid, status=200 if wrapped else 422)


def _ready(
    handed: "list[UploadedFile[Any]]", files: FilesForm, opened: ExitStack
) -> tuple[list[Piece], list[wrapping_words.Line]]:
    pieces: list[Piece] = []
    refused: list[wrapping_words.Line] = []
    title, sound = files.cleaned_data["description"], files.cleaned_data["sound"]
    for file in handed:
        try:
            pieces.append(wrapping_material.ready(file, with_sound=sound, title=title, opened=opened))
        except CannotUse as error:
            refused.append(wrapping_words.refusal(wrapping_material.shown_name(file), error.code))
    return pieces, refused


def _target(desk: _Desk, department: tuple[int, ...], study: StudyForm, patient: PatientForm) -> Target:
    zone = targets.zone_of(frozenset(department))
    if desk.study is not None:
        return targets.into(desk.study, zone=zone)
    day = study.cleaned_data["study_date"]
    now = timezone.now().astimezone(zone)
    known = targets.patient_facts(desk.like.patient) if desk.like else None
    return targets.new_study(
        known or patient.facts(issuer=targets.issuer_of(department[0])),
        study_at=now if day == now.date() else dt.datetime.combine(day, _NOON, zone),
        time_is_known=day == now.date(),
        description=study.cleaned_data["study_description"],
        accession_number=study.cleaned_data["accession_number"],
        identity_decided=known is not None,
    )


def _wishes(files: FilesForm) -> Wishes:
    said = files.cleaned_data
    return Wishes(
        origin=files.origin_chosen,
        description=said["description"],
        body_part=said["body_part"],
        laterality=said["laterality"],
        taken_at=said["taken_at"],
        shows_identity=not said["anonymous"],
        dpi=said["dpi"],
    )


def _source(request: HttpRequest, desk: _Desk, department: tuple[int, ...], target: Target) -> Source:
    actor = request.actor  # type: ignore[attr-defined]
    return Source(
        door=Door.UPLOAD,
        sender=actor.name,
        actor_kind="user",
        actor_id=actor.id,
        address=actor.address,
        department_ids=desk.department_ids,
        place_in=() if desk.study else department,
        identity_decided=target.identity_decided,
    )


def _told(
    request: HttpRequest, lines: list[wrapping_words.Line], *, status: int, study_uid: str = ""
) -> HttpResponseBase:
    context: dict[str, Any] = {"lines": lines, "study_uid": study_uid}
    name = "_wrap_results.html" if _is_scripted(request) else "wrap_results.html"
    response = render(request, f"imaging/viewer/{name}", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


def _patient_of(desk: _Desk) -> Any:
    chosen = desk.study or desk.like
    return chosen.patient if chosen else None


def _is_scripted(request: HttpRequest) -> bool:
    return "HX-Request" in request.headers


def _user(request: HttpRequest) -> User:
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user


def _scope(request: HttpRequest) -> Any:
    return request.scope  # type: ignore[attr-defined]
