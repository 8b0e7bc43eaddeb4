"""The repair page of a study: what is wrong is ticked, a preview says what will change, and what was decided can be undone."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.roles import Right
from imaging.dicom.correctable import CorrectionInvalid
from imaging.ingest import selectors as ingest
from imaging.ingest.repair import previews, selectors, services
from imaging.ingest.repair.access import for_any_repairer, for_repairers
from imaging.ingest.repair.forms import Action, RepairForm
from imaging.ingest.repair.selectors import Powers
from imaging.storage.services import StorageError
from imaging.studies import selectors as studies
from imaging.studies.models import Patient, Rejection, Study
from imaging.studies.services import (
    AlreadyThere,
    ChangedMeanwhile,
    Destination,
    MergedAlready,
    MovedSince,
    NothingToMove,
    NothingToReject,
    NotMergeable,
)


@require_safe
@for_repairers
def page(request: HttpRequest, study: Study, powers: Powers) -> HttpResponseBase:
    """Show what the study holds, what can be put right, and what was."""
    return render(request, "imaging/ingest/repair.html", _context(request, study, powers))


@require_POST
@for_repairers
def preview(request: HttpRequest, study: Study, powers: Powers) -> HttpResponseBase:
    """Say exactly what a decision will change and what is kept; nothing is done yet."""
    form = RepairForm(request.POST)
    if not form.is_valid():
        return _again(request, study, powers, form)
    _allowed(powers, form.cleaned_data["action"])
    to = _target(request, form)
    context = {
        "study": study,
        "patient": study.patient,
        "preview": _previewed(request, study, form, to),
        "hidden": form.hidden(),
        "reason": form.cleaned_data["reason"],
        "seen": study.version,
        "seen_there": to.version if to is not None else "",
    }
    return render(request, "imaging/ingest/repair_preview.html", context)


@require_POST
@for_repairers
def carry_out(request: HttpRequest, study: Study, powers: Powers) -> HttpResponseBase:
    """Do what the preview said."""
    form = RepairForm(request.POST)
    if not form.is_valid() or form.cleaned_data["seen"] is None:
        return _again(request, study, powers, form)
    _allowed(powers, form.cleaned_data["action"])
    to = _target(request, form)
    try:
        found = _done(request, study, form, to)
    except ChangedMeanwhile:
        messages.error(
            request,
            _(
                "Nothing was changed: somebody else changed the study since you looked. See what it shows now, and decide again."
            ),
        )
    except (AlreadyThere, NothingToMove, NothingToReject):
        messages.error(
            request, _("Nothing was changed: what you had ticked lies there no more. See what the study shows now.")
        )
    except (MergedAlready, NotMergeable):
        messages.error(
            request,
            _(
                "Nothing was changed: one of the two patients was merged already. Take that back first, or choose the patient who remains."
            ),
        )
    except CorrectionInvalid:
        messages.error(
            request, _("Nothing was changed: the study would name two patients, or a value cannot be written.")
        )
    except StorageError:
        messages.error(request, _("Nothing was changed: the headers cannot be read at the moment. Try again shortly."))
    else:
        messages.success(request, _("Done. Every list and every system shows it now; it can be taken back here."))
        return (
            redirect("ingest:repair", study_instance_uid=found.study_instance_uid)
            if found
            else redirect("ingest:repairs")
        )
    return redirect("ingest:repair", study_instance_uid=study.study_instance_uid)


@require_POST
@for_repairers
def find_patients(request: HttpRequest, study: Study, powers: Powers) -> HttpResponseBase:
    """Give the patients of a number or name, to choose from; what is looked for stands in no address."""
    # The fields of one form have names of their own: of several with one name only the last would be read.
    is_merge = request.GET.get("for") == "merge"
    text = (request.POST.get("find_merge", "") if is_merge else request.POST.get("find", ""))[:64].replace("\x00", "")
    name, right = ("merge_into", Right.WRITE) if is_merge else ("patient", Right.LIST)
    rows = selectors.patients(request.scope, text, right=right)  # type: ignore[attr-defined]
    found = [one for one in rows if one.pk != study.patient_id]
    return render(
        request, "imaging/ingest/_repair_patients.html", {"patients": found, "text": text.strip(), "name": name}
    )


@require_POST
@for_repairers
def find_studies(request: HttpRequest, study: Study, powers: Powers) -> HttpResponseBase:
    """Give other studies to which images can go, to choose from."""
    text = request.POST.get("find_study", "")[:64].replace("\x00", "")
    found = selectors.studies_to(request.scope, study, text)  # type: ignore[attr-defined]
    return render(
        request, "imaging/ingest/_repair_studies.html", {"studies": found, "text": text.strip(), "study": study}
    )


@require_safe
@for_any_repairer
def decided(request: HttpRequest) -> HttpResponseBase:
    """Show what was put right lately, with what can be seen no more."""
    found = selectors.decisions(request.user, request.scope)  # type: ignore[attr-defined]
    return render(request, "imaging/ingest/repairs.html", {"decisions": found})


@require_POST
@for_any_repairer
def undo(request: HttpRequest) -> HttpResponseBase:
    """Take a decision back."""
    kind, key = request.POST.get("kind", "")[:12], request.POST.get("key", "")[:40]
    found = selectors.decision(request.user, request.scope, kind, key)  # type: ignore[attr-defined]
    if found is None:
        raise Http404
    try:
        done = services.take_back(found, actor=request.actor)  # type: ignore[attr-defined]
    except MovedSince:
        messages.error(
            request, _("Nothing was changed: the images were moved on since. Take the later move back first.")
        )
    except MergedAlready:
        messages.error(
            request, _("Nothing was changed: the patient who remains was merged since. Take that back first.")
        )
    except CorrectionInvalid:
        messages.error(
            request, _("Nothing was changed: a study would be left with images of two patients. Move these first.")
        )
    else:
        said = _("Taken back.") if done else _("This had been taken back already.")
        messages.success(request, said)
    return redirect("ingest:repairs")


def _context(request: HttpRequest, study: Study, powers: Powers) -> dict[str, Any]:
    scope = request.scope  # type: ignore[attr-defined]
    return {
        "study": study,
        "patient": study.patient,
        "powers": powers,
        "tree": selectors.tree(study, scope=scope),
        "studies": selectors.studies_to(scope, study, "") if powers.correct else [],
        "codes": Rejection.Code.choices,
        "decisions": selectors.decisions(request.user, scope, study=study),
        "departments": ", ".join(place.department.label for place in studies.placements_of(study, scope=scope)),
    }


def _again(request: HttpRequest, study: Study, powers: Powers, form: RepairForm) -> HttpResponseBase:
    """The page once more, with what was said and what is missing."""
    said = [str(error) for errors in form.errors.values() for error in errors]
    context = {**_context(request, study, powers), "problems": said, "said": form.data}
    context |= {"ticked_series": form.series, "ticked_instances": form.instances}
    return render(request, "imaging/ingest/repair.html", context, status=422)


def _allowed(powers: Powers, action: str) -> None:
    if not (powers.reject if action == Action.REJECT else powers.correct):
        raise PermissionDenied


def _target(request: HttpRequest, form: RepairForm) -> Study | None:
    """The study to which images go; 404 for one that the person may not add to, as for one that is not there."""
    if form.cleaned_data["action"] != Action.MOVE:
        return None
    found = selectors.study_to(request.scope, form.cleaned_data["to_study"])  # type: ignore[attr-defined]
    if found is None:
        raise Http404
    return found


def _patient(request: HttpRequest, key: int | None, *, right: Right = Right.LIST) -> Patient:
    found = selectors.patient_of(request.scope, key, right=right)  # type: ignore[attr-defined]
    if found is None:
        raise Http404
    return found


def _remaining(request: HttpRequest, form: RepairForm) -> Patient:
    """The patient who remains of a merge: what becomes of that record too is for who may change a study of it."""
    return _patient(request, form.cleaned_data["merge_into"], right=Right.WRITE)


def _identity(request: HttpRequest, study: Study, form: RepairForm) -> dict[str, Any]:
    if form.cleaned_data["identity"] == "typed":
        departments = [place.department_id for place in studies.placements_of(study, scope=request.scope)]  # type: ignore[attr-defined]
        return form.typed(ingest.home_of(departments).issuer_of_patient_id)
    return services.identity_of(_patient(request, form.cleaned_data["patient"]))


def _new_owner(request: HttpRequest, form: RepairForm) -> Patient | None:
    """The other patient whose a split part is, where one was chosen."""
    key = form.cleaned_data["patient"]
    return _patient(request, key) if key and form.cleaned_data["action"] == Action.SPLIT else None


def _previewed(request: HttpRequest, study: Study, form: RepairForm, to: Study | None) -> previews.Preview:
    action = form.cleaned_data["action"]
    what = previews.ticked(study, form.series, form.instances)
    if action == Action.CORRECT:
        return previews.of_correction(study, _identity(request, study, form))
    if action == Action.MERGE:
        into = _remaining(request, form)
        seen = Study.objects.visible_to(request.scope).filter(patient=study.patient_id).count()  # type: ignore[attr-defined]
        return previews.of_merge(study.patient, services.identity_of(into), seen=seen)
    if action == Action.REJECT:
        return previews.of_rejection(what, form.cleaned_data["code"])
    other = to.patient if to is not None else _new_owner(request, form)
    after = services.identity_of(other) if other is not None else {}
    return previews.of_move(study, what, to, after, series=form.series)


def _done(request: HttpRequest, study: Study, form: RepairForm, to: Study | None) -> Study | None:
    """Carry the decision out; the study to show afterwards, None where nothing of it is left to see."""
    said, actor = form.cleaned_data, request.actor  # type: ignore[attr-defined]
    common: dict[str, Any] = {"reason": said["reason"], "actor": actor}
    chosen: dict[str, Any] = {"series": form.series, "instances": form.instances}
    if said["action"] == Action.CORRECT:
        services.correct_patient(study, _identity(request, study, form), seen=said["seen"], **common)
    elif said["action"] == Action.MERGE:
        services.merge(study.patient, _remaining(request, form), **common)
    elif said["action"] == Action.REJECT:
        services.reject(study, **chosen, code=said["code"], seen=said["seen"], **common)
    else:
        seen = {study.pk: said["seen"]}
        if to is not None:
            seen[to.pk] = -1 if said["seen_there"] is None else said["seen_there"]
        where = Destination(
            study=to,
            patient=_new_owner(request, form),
            accession_number=said["accession_number"],
            description=said["description"],
        )
        return services.move(study, **chosen, to=where, seen=seen, **common)
    return Study.objects.visible_to(request.scope).filter(pk=study.pk).first()  # type: ignore[attr-defined]
