"""What the desk says in words: why something waits, what to do next, what was decided and what became of it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _

from accounts.roles import Door
from imaging.dicom import person_name, uids
from imaging.ingest import policies as ingest_policies
from imaging.ingest.desk import selectors
from imaging.ingest.desk.policies import Decider
from imaging.ingest.desk.selectors import Beside, Group
from imaging.ingest.desk.services import Answer, Kind, State
from imaging.ingest.models import QuarantineDecision, QuarantinedObject

Reason = QuarantinedObject.Reason
_LONGEST = 200

_WHY: Final[Mapping[str, Promise]] = {
    Reason.UNREADABLE: gettext_lazy("It could not be read as a DICOM object."),
    Reason.IDENTITY_CONFLICT: gettext_lazy("The patient in its header does not agree with the patient known here."),
    Reason.JOINS_ANOTHER_STUDY: gettext_lazy(
        "It says that it belongs to a study of another department, to which its sender may add nothing."
    ),
    Reason.HIERARCHY_CONFLICT: gettext_lazy("Its series or image is known already as part of another study."),
    Reason.CANNOT_REGISTER: gettext_lazy("It could not be registered."),
}
_NEXT: Final[Mapping[str, Promise]] = {
    Reason.UNREADABLE: gettext_lazy(
        "Send it again from the modality. If it was damaged on the way, reject this one; if it may be readable, release it."
    ),
    Reason.IDENTITY_CONFLICT: gettext_lazy(
        "Same person (a married name, a slip of the pen): release. Another person: correct the patient, then release."
    ),
    Reason.JOINS_ANOTHER_STUDY: gettext_lazy(
        "It does belong to that study: release. It does not: give it a study of its own, or reject it."
    ),
    Reason.HIERARCHY_CONFLICT: gettext_lazy(
        "Give it a series or study of its own by “Correct and release”; or reject it if it was sent by mistake."
    ),
    Reason.CANNOT_REGISTER: gettext_lazy("Choose the department it belongs to, and release it."),
}
_FIELDS: Final[Mapping[str, Promise]] = {
    "note": gettext_lazy("Note"),
    "reason_code": gettext_lazy("Reason"),
    "place_in": gettext_lazy("Department"),
    "patient": gettext_lazy("Patient"),
    "patient_id": gettext_lazy("MRN"),
    "family_name": gettext_lazy("Family name"),
    "given_name": gettext_lazy("Given name"),
    "birth_date": gettext_lazy("Birth date"),
    "sex": gettext_lazy("Sex"),
}
_RENEWED: Final[Mapping[str, Promise]] = {
    "instance": gettext_lazy("with a new image identifier"),
    "series": gettext_lazy("as a new series"),
    "study": gettext_lazy("as a study of its own"),
}


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient as a header names them; hostile text, cut."""

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    birth_date: dt.date | None
    sex: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the desk."""

    group: Group
    patient: Patient
    what: str
    modality: str
    days: int
    why: str
    door: str


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait of the patient: as received, as known, and whether they agree."""

    label: str
    received: str
    known: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is known about an object."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class History:
    """A decision in words."""

    decision: QuarantineDecision
    sentence: str
    who: str
    icon: str
    count: int


def notice_days() -> int:
    """Days after which waiting is pointed out."""
    return int(settings.QUARANTINE_NOTICE_DAYS)


def patient_of(found: QuarantinedObject) -> Patient:
    """Who the header says that it shows."""
    named = _part(found, "patient")
    return Patient(
        patient_id=_text(named, "patient_id"),
        issuer_of_patient_id=_text(named, "issuer_of_patient_id"),
        patient_name=_text(named, "patient_name"),
        birth_date=_date(named.get("birth_date")),
        sex=_text(named, "sex"),
    )


def line(group: Group) -> Line:
    """A group as a line of the list."""
    found = group.shown
    study, series = _part(found, "study"), _part(found, "series")
    return Line(
        group=group,
        patient=patient_of(found),
        what=_text(study, "description") or _text(series, "description") or _sop_class(found),
        modality=_text(series, "modality")[:16],
        days=(timezone.now() - group.oldest).days,
        why=str(found.get_reason_display()),
        door=door(found.door),
    )


def door(code: str) -> str:
    """The way in, in words."""
    return str(Door(code).label) if code in Door.values else code


def why(found: QuarantinedObject) -> list[str]:
    """Why it waits: the kind of reason, then what was found. What is kept is English, and may name several reasons."""
    sentences = [str(_WHY.get(found.reason, found.get_reason_display()))]
    whole = _(found.detail) if found.detail else ""
    if whole and whole != found.detail:
        sentences.append(whole)
    else:
        sentences += [_(part) for part in found.detail.split(", ") if part]
    return [sentence[:_LONGEST] for sentence in sentences]


def next_step(found: QuarantinedObject, beside: Beside) -> str:
    """What to do about it."""
    if found.reason == Reason.JOINS_ANOTHER_STUDY and beside.study is None:
        return _(
            "Only somebody who may add to that study can release it into it: ask your administrator who that is. "
            "You can give it a study of its own, or reject it."
        )
    return str(_NEXT.get(found.reason, ""))


def of_object(found: QuarantinedObject) -> list[Fact]:
    """Where it came from and what it is; what is not known is left out."""
    study, series, instance = (_part(found, name) for name in ("study", "series", "instance"))
    known = [
        (_("Sender"), found.sender),
        (_("Way in"), door(found.door)),
        (_("Address"), found.address),
        (_("Kind of object"), _sop_class(found)),
        (_("Study"), _text(study, "description")),
        (pgettext("one", "Series"), _text(series, "description")),
        (_("Accession"), _text(study, "accession_number")),
        (_("Station"), _text(series, "station_name")),
        (_("Image number"), _text(instance, "instance_number")),
        (_("Size"), _("%(count)d kB") % {"count": max(found.stored_object.length // 1000, 1)}),
        ("SHA-256", found.stored_object.file_sha256[:16] + "…"),
        ("Study Instance UID", found.study_instance_uid),
        ("SOP Instance UID", found.sop_instance_uid),
    ]
    return [Fact(label, value) for label, value in known if value]


def traits(found: QuarantinedObject, beside: Beside) -> list[Trait]:
    """The patient as received beside the patient known: of the study that it names, else of the ID."""
    known = beside.study.patient if beside.study is not None else beside.patient
    if known is None:
        return []
    mine = patient_of(found)
    alike = ingest_policies.names_agree(
        known.patient_name, mine.patient_name, same_birth_date=known.birth_date == mine.birth_date
    )
    ids = [
        " ".join(
            part for part in (one.patient_id, one.issuer_of_patient_id and f"({one.issuer_of_patient_id})") if part
        )
        for one in (mine, known)
    ]
    return [
        Trait(_("Name"), person_name.display(mine.patient_name), person_name.display(known.patient_name), not alike),
        Trait(_("MRN"), ids[0], ids[1], _differ(mine.patient_id, known.patient_id)),
        Trait(
            _("Birth date"),
            _day(mine.birth_date),
            _day(known.birth_date),
            _differ(mine.birth_date, known.birth_date),
        ),
        Trait(_("Sex"), mine.sex, known.sex, _differ(mine.sex, known.sex)),
    ]


def _differ(one: object, other: object) -> bool:
    """What one side does not tell never disagrees."""
    return bool(one and other and one != other)


def _day(value: dt.date | None) -> str:
    """As on every page: `20 Nov 2026`, in French `20/11/2026`."""
    if value is None:
        return ""
    return formats.date_format(value, "d/m/Y" if (get_language() or "").startswith("fr") else "d M Y")


def history(decision: QuarantineDecision) -> History:
    """A decision in words."""
    parts = [str(decision.get_kind_display())]
    if decision.reason_code:
        parts.append(str(decision.get_reason_code_display()))
    if decision.attributes:
        named = decision.attributes.get("00100020", {}).get("Value") or [""]
        parts.append(_("patient set to %(patient_id)s") % {"patient_id": str(named[0])[:64]})
    if decision.renewed in _RENEWED:
        parts.append(str(_RENEWED[decision.renewed]))
    if decision.place_in is not None:
        parts.append(_("placed in %(department)s") % {"department": decision.place_in.label})
    icons = {Kind.REJECT: "st-rejected", Kind.REOPEN: "arrow-back-up", Kind.WITHDRAW: "arrow-back-up"}
    by = decision.decided_by
    count = getattr(decision, "size", None)
    return History(
        decision=decision,
        sentence=", ".join(parts),
        who=by.get_full_name() or by.get_username(),
        icon=icons.get(Kind(decision.kind), "check"),
        count=count if count is not None else decision.objects_decided.count(),
    )


def progress(decider: Decider, decision: QuarantineDecision) -> dict[str, Any]:
    """How far a decision is carried out, in numbers, and whether it can be taken back."""
    here = selectors.in_force(decider, decision)
    total = selectors.visible(decider.departments).filter(decisions=decision).count()
    states = list(here.values_list("state", flat=True))
    running = states.count(State.RELEASING)
    is_release = decision.kind in {Kind.RELEASE, Kind.CORRECT}
    shown = here.select_related("version__instance__study")[:20]
    uids_of = {row.version.instance.study.study_instance_uid for row in shown if row.version is not None}
    return {
        "total": total,
        "done": len(states) - running,
        "running": running,
        "elsewhere": total - len(states),
        "is_release": is_release,
        "can_undo": len(states) > running and decision.kind not in {Kind.REOPEN, Kind.WITHDRAW},
        "objects": shown,
        "studies": sorted(selectors.visible_studies(decider, uids_of)),
    }


def field_label(field: str) -> str:
    """The name of a field in front of what is wrong with it."""
    return f"{_FIELDS[field]}: " if field in _FIELDS else ""


def tell(request: HttpRequest, answer: Answer) -> None:
    """Say what became of a decision, and why some objects were left as they were."""
    if answer.taken:
        text = ngettext("Decided about %(count)d object.", "Decided about %(count)d objects.", answer.taken)
        messages.success(request, text % {"count": answer.taken})
    for name, count in answer.decided_by.items():
        values = {"count": count, "name": name or _("somebody else")}
        text = ngettext(
            "%(count)d object was left as it is: %(name)s has decided about it already.",
            "%(count)d objects were left as they are: %(name)s has decided about them already.",
            count,
        )
        messages.warning(request, text % values)
    if answer.foreign:
        text = ngettext(
            "%(count)d object was left as it is: it would join a study to which you may add nothing. "
            "Give it a study of its own, or ask somebody who may add to that study.",
            "%(count)d objects were left as they are: they would join a study to which you may add nothing. "
            "Give them a study of their own, or ask somebody who may add to that study.",
            answer.foreign,
        )
        messages.warning(request, text % {"count": answer.foreign})
    if answer.other_versions:
        messages.warning(
            request,
            _(
                "Nothing was taken back: an image has another version waiting. Choose between the two first, under Conflicts."
            ),
        )
    if not (answer.taken or answer.decided_by or answer.foreign or answer.other_versions):
        messages.warning(request, _("Nothing was left to decide: the list has changed meanwhile."))


def _part(found: QuarantinedObject, name: str) -> dict[str, Any]:
    part = found.header.get(name) if isinstance(found.header, dict) else None
    return part if isinstance(part, dict) else {}


def _text(part: Mapping[str, Any], name: str) -> str:
    value = part.get(name)
    return "" if value is None else str(value)[:_LONGEST]


def _date(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _sop_class(found: QuarantinedObject) -> str:
    uid = _text(_part(found, "instance"), "sop_class_uid")
    return uids.sop_class_name(uid) if uid else ""
