"""Labels on the study page: which there are, why and by whom; putting one on and taking it off, for who may."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.labels import CLEARABLE, Label, name_of
from accounts.roles import Capability, Right
from accounts.scope import Scope
from accounts.selectors import capabilities_by_department
from imaging.studies import access, reasons
from imaging.studies import selectors as studies
from imaging.studies import services as study_services
from imaging.studies.models import GRANTED, Placement, Protection, Study
from imaging.viewer.errors import of_a_study


@dataclass(frozen=True, slots=True)
class Shown:
    """One label that is on the study or its patient. ``pk`` names it to the view that takes it off; 0 where the reader may not."""

    pk: int
    label: str
    of_patient: bool
    reason: str
    who: str
    at: dt.datetime
    came_along: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What the dialog shows: the labels, and those that the reader may put on; none to who may not."""

    shown: tuple[Shown, ...]
    offered: tuple[tuple[str, str], ...]
    seen_afterwards: frozenset[str]


def panel(request: HttpRequest, study: Study) -> Panel | None:
    """Return what the dialog of the study page shows; None for who may not label the study."""
    labels = _labels_of(request, study)
    if not labels:
        return None
    return Panel(
        shown=tuple(_shown(row, labels) for row in reasons.protections_of(study)),
        offered=tuple((label.value, name_of(label)) for label in Label if label in labels),
        seen_afterwards=frozenset(label for _department, label in request.scope.clearances),  # type: ignore[attr-defined]
    )


@require_POST
@of_a_study
def protect(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Put a label on the study, or on the patient with all studies."""
    study = _opened(request, study_instance_uid)
    label = request.POST.get("label", "")
    if label not in _required(request, study):
        messages.error(request, _("Nothing was changed: choose a label."))
        return redirect("viewer:study", study_instance_uid=study_instance_uid)
    target = study.patient if request.POST.get("about") == "patient" else study
    try:
        study_services.protect(target, label, reason=request.POST.get("reason", ""), actor=request.actor)  # type: ignore[attr-defined]
    except study_services.ReasonMissing:
        return _without_reason(request, study_instance_uid)
    return _afterwards(request, study, _("It is protected from now on: %(label)s.") % {"label": name_of(label)})


@require_POST
@of_a_study
def lift(request: HttpRequest, study_instance_uid: str, protection: int) -> HttpResponseBase:
    """Take a label off the study or its patient."""
    study = _opened(request, study_instance_uid)
    labels = _required(request, study)
    held = reasons.liftable(study, protection)
    if held is None:
        messages.info(request, _("This label had been taken off already."))
        return redirect("viewer:study", study_instance_uid=study_instance_uid)
    if held.label not in labels:
        raise access.RightMissing(Capability.LABEL.value)
    try:
        study_services.lift_protection(held, reason=request.POST.get("reason", ""), actor=request.actor)  # type: ignore[attr-defined]
    except study_services.ReasonMissing:
        return _without_reason(request, study_instance_uid)
    return _afterwards(request, study, _("The label was taken off: %(label)s.") % {"label": name_of(held.label)})


def _opened(request: HttpRequest, study_instance_uid: str) -> Study:
    return access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.CHANGE,
        right=Right.LIST,
    )


def _required(request: HttpRequest, study: Study) -> frozenset[str]:
    labels = _labels_of(request, study)
    if not labels:
        raise access.RightMissing(Capability.LABEL.value)
    return labels


def _labels_of(request: HttpRequest, study: Study) -> frozenset[str]:
    """The labels that the reader may put on and take off: in a department that treats the patient, as its role allows.

    A restriction of processing is the privacy desk's alone.
    """
    scope: Scope = request.scope  # type: ignore[attr-defined]
    held = capabilities_by_department(request.user)
    treating = {row.department_id for row in _treating(study, scope)}
    if not treating & held.get(Capability.LABEL, frozenset()):
        return frozenset()
    is_desk = bool(treating & held.get(Capability.MANAGE_PRIVACY, frozenset()))
    return frozenset(label.value for label in Label if label in CLEARABLE or is_desk)


def _treating(study: Study, scope: Scope) -> Sequence[Placement]:
    return [row for row in studies.placements_of(study, scope=scope) if row.kind not in GRANTED]


def _shown(row: Protection, labels: frozenset[str]) -> Shown:
    return Shown(
        pk=row.pk if row.label in labels else 0,
        label=name_of(row.label),
        of_patient=row.patient_id is not None,
        reason=row.reason,
        who=row.set_by.label if row.set_by else "",
        at=row.set_at,
        came_along=row.origin == Protection.Origin.MOVED,
    )


def _without_reason(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    messages.error(request, _("Nothing was changed: say why, in a few words."))
    return redirect("viewer:study", study_instance_uid=study_instance_uid)


def _afterwards(request: HttpRequest, study: Study, done: str) -> HttpResponseBase:
    """Back to the study; to the list when the label keeps this reader away too."""
    if reasons.reasons_of(study, scope=request.scope):  # type: ignore[attr-defined]
        messages.success(request, done)
        return redirect("viewer:study", study_instance_uid=study.study_instance_uid)
    messages.success(request, f"{done} {_('You are not cleared for it, and do not see it any more.')}")
    return redirect("viewer:study-list")
