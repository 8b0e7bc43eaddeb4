"""The history of a study in words, as far as the reader may see it.

What came in, where it was placed and what was decided about it is told to everybody whose department has the study: it
explains what they look at. Who opened it is told to the head of the department that made it and to who reads the audit
there, and that they read it is on record; everybody else sees their own openings.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import audit
from accounts.actor import Actor
from accounts.audit import Action
from accounts.audit import selectors as events
from accounts.audit.selectors import Told
from accounts.models import User
from accounts.roles import Capability
from accounts.selectors import capabilities_by_department
from imaging.studies.models import Placement, Study
from imaging.studies.selectors import Provenance
from imaging.viewer import study_facts, wording

#: Latest events of each kind that are fetched, and lines that are shown before the rest is folded away.
MOST: Final = 60
SHOWN: Final = 8

_WORK: Final[Mapping[str, tuple[str, str | Promise]]] = {
    Action.STUDY_CORRECTED: ("tool", gettext_lazy("Header corrected by %(who)s")),
    Action.CONFLICT_DECIDED: ("check", gettext_lazy("Version of an image chosen by %(who)s")),
    Action.INSTANCE_REJECTED: ("photo-off", gettext_lazy("Images withdrawn by %(who)s")),
    Action.INSTANCE_RESTORED: ("photo", gettext_lazy("Images shown again by %(who)s")),
    Action.STEP_RETRIED: ("refresh", gettext_lazy("Processing tried again by %(who)s")),
}
_READS: Final[Mapping[str, tuple[str, str | Promise]]] = {
    Action.STUDY_OPENED: ("eye", gettext_lazy("Opened by %(who)s")),
    Action.PRIOR_OPENED: ("eye", gettext_lazy("Opened by %(who)s as an earlier study of the patient")),
    Action.INSTANCES_RETRIEVED: ("download", gettext_lazy("Objects fetched by %(who)s")),
    Action.STUDY_EXPORTED: ("download", gettext_lazy("Downloaded by %(who)s")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: dt.datetime
    icon: str
    sentence: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Lines, latest first: those shown and those folded away; and whose openings are among them."""

    shown: list[Line]
    folded: list[Line]
    tells_all_openings: bool


def history(study: Study, provenance: Provenance, *, user: object, actor: Actor) -> History:
    """Return what happened to a study that the reader has open."""
    may_see_all = _may_see_openings(provenance.placements, user)
    lines = [*_received(provenance), *_placed(provenance.placements)]
    if provenance.placements:
        work = events.latest_of_subject("study", study.study_instance_uid, actions=_WORK, limit=MOST)
        lines += _lines(work, _WORK, actor)
    reader = "" if may_see_all else actor.id
    reads = events.latest_of_subject("study", study.study_instance_uid, actions=_READS, limit=MOST, actor_id=reader)
    lines += _lines(reads, _READS, actor)
    if may_see_all:
        audit.record_read(
            Action.AUDIT_READ,
            actor=actor,
            subject_type="study",
            subject_uid=study.study_instance_uid,
            patient_id=study.patient.patient_id,
            issuer_of_patient_id=study.patient.issuer_of_patient_id,
            detail={"asked": "openings of the study"},
        )
    lines.sort(key=lambda line: line.at, reverse=True)
    return History(lines[:SHOWN], lines[SHOWN:], may_see_all)


def _may_see_openings(placements: Sequence[Placement], user: object) -> bool:
    """Whether the reader heads, or reads the audit of, the department that made the study."""
    if not isinstance(user, User):
        return False
    made_by = {place.department_id for place in placements if place.kind == Placement.Kind.OWNER}
    held = capabilities_by_department(user)
    allowed = held.get(Capability.READ_AUDIT, frozenset()) | held.get(Capability.MANAGE_DEPARTMENT, frozenset())
    return bool(made_by & allowed)


def _received(provenance: Provenance) -> list[Line]:
    return [
        Line(arrival.at, "download", arrival.sentence, arrival.detail)
        for arrival in study_facts.arrivals(provenance.sources)
    ]


def _placed(placements: Iterable[Placement]) -> list[Line]:
    return [
        Line(
            place.placed_at,
            "building-hospital",
            _("Opened to you")
            if place.department.is_personal
            else _("Placed in %(department)s") % {"department": place.department.label},
            wording.placement_reason(place.reason_code, place.reason_detail),
        )
        for place in placements
    ]


def _lines(found: Iterable[Told], words: Mapping[str, tuple[str, Any]], actor: Actor) -> list[Line]:
    """Each event in words. The same person's openings of one day are one line: the latest, with how many there were."""
    lines: list[Line] = []
    counted: dict[tuple[str, str, dt.date], int] = {}
    for event in found:
        key = (event.action, event.actor_id, timezone.localdate(event.at))
        counted[key] = counted.get(key, 0) + 1
    told = set()
    for event in found:
        key = (event.action, event.actor_id, timezone.localdate(event.at))
        if key in told:
            continue
        told.add(key)
        icon, sentence = words[event.action]
        lines.append(Line(event.at, icon, str(sentence) % {"who": _who(event, actor)}, _detail(event, counted[key])))
    return lines


def _who(event: Told, actor: Actor) -> str:
    if (event.actor_kind, event.actor_id) == (actor.kind, actor.id):
        return _("you")
    return event.person or event.actor_name


def _detail(event: Told, times: int) -> str:
    door = str(wording.DOORS.get(event.door, "")) if event.door not in {"page", ""} else ""
    often = (
        ngettext("%(count)d time that day", "%(count)d times that day", times) % {"count": times} if times > 1 else ""
    )
    return " · ".join(part for part in (event.reason, often, door) if part)
