"""What is said about a study in words: its facts, its way here, its departments, its problems."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.ingest.uploads.selectors import departments_of
from imaging.ingest.wrapping import selectors as wrapping
from imaging.rendering.selectors import ProblemOfStudy
from imaging.studies import selectors as studies
from imaging.studies.models import InstanceVersion, Placement, Study
from imaging.templatetags.people import clock, day, person_text
from imaging.viewer import wording

MOST_CONFLICTS = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the key facts."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Place:
    """A department that has the study, and why."""

    department: str
    kind: str
    reason: str
    until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One way by which objects came."""

    at: dt.datetime
    sentence: str
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong, for one or several images."""

    title: str
    detail: str
    count: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another version of an image, which is kept beside the one that is shown."""

    sentence: str
    address: str
    label: str


def facts(study: Study) -> list[Fact]:
    """Return the key facts; what is not known is left out."""
    known = [
        (_("Accession"), study.accession_number),
        (_("Study ID"), study.study_id),
        (_("Body part"), study.body_part_examined),
        (
            _("Referring physician"),
            person_text(study.referring_physician_name) if study.referring_physician_name else "",
        ),
        (_("Department in the header"), study.institutional_department_name),
        (_("Last image received"), f"{day(study.last_received_at)}, {clock(study.last_received_at)}"),
        (_("Study Instance UID"), study.study_instance_uid),
    ]
    return [Fact(label, value) for label, value in known if value]


def places(placements: Iterable[Placement]) -> list[Place]:
    """Return why the study is in each of the reader's departments."""
    return [
        Place(
            department=_("You") if place.department.is_personal else place.department.label,
            kind=place.get_kind_display(),
            reason=wording.placement_reason(place.reason_code, place.reason_detail),
            until=place.until,
        )
        for place in placements
    ]


def arrivals(sources: Iterable[studies.Source]) -> list[Arrival]:
    """Return who sent what, and by which door."""
    return [
        Arrival(
            at=source.last_received_at,
            sentence=ngettext(
                "%(count)d object received from %(sender)s",
                "%(count)d objects received from %(sender)s",
                source.instance_count,
            )
            % {"count": source.instance_count, "sender": source.sender or _("an unnamed sender")},
            detail=" · ".join(
                part for part in (str(wording.DOORS.get(source.door, source.door)), source.address) if part
            ),
        )
        for source in sources
    ]


def problems(found: Sequence[ProblemOfStudy]) -> list[Problem]:
    """Return each kind of problem once, with how many images it concerns."""
    concerned: dict[tuple[str, str], set[str]] = {}
    for entry in found:
        title, detail = wording.problem_title(entry.what), wording.problem_text(entry.what, entry.code)
        concerned.setdefault((title, detail), set()).add(entry.sop_instance_uid)
    return [Problem(title, detail, len(images)) for (title, detail), images in concerned.items()]


def conflicts(study: Study, versions: Iterable[InstanceVersion], *, may_choose: bool) -> list[Conflict]:
    """Return the versions that arrived under a known UID with other bytes; who may choose is led to the desk."""
    described = []
    for version in list(versions)[:MOST_CONFLICTS]:
        series = version.instance.series
        headers = reverse("viewer:headers", args=[study.study_instance_uid, series.series_instance_uid])
        sentence = _(
            "%(sender)s sent image %(number)s again on %(day)s at %(time)s with other content. "
            "One of the two is shown; both are kept."
        ) % {
            "sender": version.sender or _("An unnamed sender"),
            "number": version.instance.instance_number if version.instance.instance_number is not None else "–",
            "day": day(version.received_at),
            "time": clock(version.received_at),
        }
        if may_choose:
            described.append(Conflict(sentence, reverse("ingest:conflict", args=[version.instance_id]), _("Compare")))
        else:
            address = f"{headers}?instance={version.instance.sop_instance_uid}"
            described.append(Conflict(sentence, address, _("Headers")))
    return described


def may_write(study: Study, scope: Scope) -> bool:
    """Whether the reader may change the study; the service asks again."""
    return studies.series_of(study, scope=scope, right=Right.WRITE).exists()


def may_add(study: Study, user: object) -> bool:
    """Whether the reader may add photos and documents to the study; the page that does it asks again."""
    departments = departments_of(user) if isinstance(user, User) else []
    return wrapping.may_add(study, department_ids=[department.pk for department in departments])
