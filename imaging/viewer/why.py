"""“Why can I see this?”: every way in which a study is open to its reader, what it allows and until when, in plain words."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.audit import Action
from accounts.holding import memberships_of
from accounts.labels import name_of
from accounts.models import Membership
from accounts.roles import Capability, Right, cleared_by
from accounts.selectors import capabilities_by_department
from imaging.studies import access, readers, reasons
from imaging.studies.models import Grant, Placement, Study
from imaging.studies.reasons import Reason, Way
from imaging.templatetags.people import clock, day
from imaging.viewer import wording
from imaging.viewer.errors import of_a_study


@dataclass(frozen=True, slots=True)
class Said:
    """One reason in words."""

    icon: str
    sentence: str
    details: tuple[str, ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """All reasons, what the reader may do by them and what not, and the label that does not keep this reader away."""

    reasons: tuple[Said, ...]
    allowed: tuple[str, ...]
    refused: tuple[str, ...]
    label: str
    label_sentence: str


@dataclass(frozen=True, slots=True)
class Other:
    """One person who can see the study, by one way."""

    name: str
    way: str
    department: str
    role: str
    until: dt.datetime | None


@require_safe
@of_a_study
def page(request: HttpRequest, study_instance_uid: str) -> HttpResponseBase:
    """Say why the reader can see this study."""
    study = access.open_study(
        request.scope,  # type: ignore[attr-defined]
        study_instance_uid,
        actor=request.actor,  # type: ignore[attr-defined]
        purpose=access.Purpose.THUMBNAIL,
        right=Right.LIST,
    )
    context = {
        "study": study,
        "patient": study.patient,
        "title": wording.study_title(study),
        "why": why(request, study),
        "others": _others(request, study) if may_ask_who(request, study) else None,
    }
    return render(request, "imaging/viewer/why.html", context)


def may_ask_who(request: HttpRequest, study: Study) -> bool:
    """Whether the reader answers for a department that treats the patient: told who else can see the study."""
    held = capabilities_by_department(request.user)
    heads = held.get(Capability.MANAGE_DEPARTMENT, frozenset()) | held.get(Capability.READ_AUDIT, frozenset())
    found = reasons.reasons_of(study, scope=request.scope)  # type: ignore[attr-defined]
    return any(
        reason.placement.department_id in heads for reason in found if reason.way is Way.DEPARTMENT and reason.placement
    )


def _others(request: HttpRequest, study: Study) -> list[Other]:
    """Everybody who can see the study now; that it was asked is on record."""
    audit.record_read(
        Action.ACCESS_EXPLAINED,
        actor=request.actor,  # type: ignore[attr-defined]
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
    )
    ways = {
        Way.DEPARTMENT: _("the department has the study"),
        Way.GRANT: _("access was granted"),
        Way.EMERGENCY: _("emergency access"),
        Way.LENT: _("member of a collection"),
    }
    return [
        Other(
            name=reader.user.label,
            way=ways[reader.way],
            department=reader.department.label if reader.department else _("the person alone"),
            role=str(reader.membership.get_role_display()) if reader.membership else "",
            until=reader.until,
        )
        for reader in readers.readers_of(study).people
        if reader.user.pk != request.user.pk
    ]


def why(request: HttpRequest, study: Study) -> Why:
    """Return why the reader of the page can see a study that is open."""
    scope = request.scope  # type: ignore[attr-defined]
    found = reasons.reasons_of(study, scope=scope)
    departments = [reason.placement.department_id for reason in found if reason.placement]
    roles: dict[int, list[Membership]] = {}
    for membership in memberships_of(request.user, departments):
        roles.setdefault(membership.place, []).append(membership)
    given = reasons.rights_given(found)
    words = _rights_in_words()
    return Why(
        reasons=tuple(
            _said(reason, roles.get(reason.placement.department_id, []) if reason.placement else []) for reason in found
        ),
        allowed=tuple(text for right, text in words.items() if right in given),
        refused=tuple(text for right, text in words.items() if right not in given),
        label=name_of(study.sensitivity),
        label_sentence=_label_sentence(study, found, roles) if study.sensitivity else "",
    )


def _rights_in_words() -> dict[Right, str]:
    return {
        Right.VIEW: _("open the images, headers and documents"),
        Right.DOWNLOAD: _("download it"),
        Right.WRITE: _("add to it and put right what is wrong"),
        Right.SHARE: _("share it"),
    }


def _said(reason: Reason, roles: Sequence[Membership]) -> Said:
    until = tuple(_until(end) for end in _ends(reason, roles))
    if reason.way is Way.PRIOR:
        address = reverse("viewer:study", args=[reason.prior_of])
        return Said(
            "history", _("You opened it as an earlier study of the patient of a study that you may see."), (), address
        )
    if reason.way is Way.LENT:
        told = _("You are a member of a collection in which it is: %(name)s.") % {"name": reason.lent_by}
        return Said("stack-2", told, until)
    if reason.way is Way.NAMED or reason.placement is None:
        return Said("link", _("It was opened to you by name."), until)
    if reason.way is Way.EMERGENCY:
        told = _("You opened it in an emergency: every look is on record, and the privacy officer reviews it.")
        return Said("shield-lock", told, (*_granted(reason.grants), *until))
    names = {"department": reason.placement.department.label, "roles": _roles(roles)}
    if reason.way is Way.GRANT:
        if not roles:
            sentence = _("Access was granted to you.")
        else:
            sentence = _("Access was granted to %(department)s, where your role is: %(roles)s.") % names
        return Said("key", sentence, (*_granted(reason.grants), *until))
    if reason.placement.kind == Placement.Kind.OWNER:
        sentence = _("%(department)s made this study, and your role there is: %(roles)s.") % names
    else:
        sentence = _("%(department)s asked for this study, and your role there is: %(roles)s.") % names
    placed = wording.placement_reason(reason.placement.reason_code, reason.placement.reason_detail)
    groups = tuple(
        _("You have the role there by the group “%(group)s”.") % {"group": row.group.label}
        for row in roles
        if row.group
    )
    return Said("building-hospital", sentence, tuple(part for part in (placed, *groups, *until) if part))


def _roles(roles: Sequence[Membership]) -> str:
    return ", ".join(dict.fromkeys(str(row.get_role_display()) for row in roles))


def _ends(reason: Reason, roles: Sequence[Membership]) -> list[dt.datetime]:
    """When this way ends: with the placement, or with the last of the roles if all have an end."""
    ends = [reason.until] if reason.until else []
    until = [row.valid_until for row in roles]
    if until and None not in until:
        ends.append(max(end for end in until if end is not None))
    return [min(ends)] if ends else []


def _until(end: dt.datetime) -> str:
    return _("Until %(day)s, %(time)s.") % {"day": day(end), "time": clock(end)}


def _granted(grants: Sequence[Grant]) -> tuple[str, ...]:
    return tuple(
        (
            _("Granted by %(person)s on %(day)s, %(basis)s: %(reason)s")
            if grant.granted_by
            else _("Granted on %(day)s, %(basis)s: %(reason)s")
        )
        % {
            "person": grant.granted_by.label if grant.granted_by else "",
            "day": day(grant.granted_at),
            "basis": grant.get_basis_display(),
            "reason": grant.reason or "–",
        }
        for grant in grants
    )


def _label_sentence(study: Study, found: Sequence[Reason], roles: dict[int, list[Membership]]) -> str:
    label = {"label": name_of(study.sensitivity)}
    for reason in found:
        for row in roles.get(reason.placement.department_id, []) if reason.placement else []:
            names = {**label, "department": reason.placement.department.label if reason.placement else ""}
            if study.sensitivity in cleared_by(row.role):
                names["role"] = str(row.get_role_display())
                return _("It is protected: %(label)s. In %(department)s the role %(role)s is cleared for that.") % names
            if study.sensitivity in cleared_by(row.role, row.clears):
                return _("It is protected: %(label)s. Your membership of %(department)s is cleared for that.") % names
    if any(reason.way is Way.EMERGENCY for reason in found):
        return _("It is protected: %(label)s. In an emergency that does not keep you away.") % label
    return _("It is protected: %(label)s.") % label
