"""What a requester ought to know before asking: a similar exam, the same request made already, the dose of a year."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from django.utils import timezone

from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.orders.catalogue import selectors as catalogue
from imaging.orders.models import AppropriatenessRule, ExamRequest, Procedure, Room, StudyLink
from imaging.orders.requesting import selectors
from imaging.orders.requesting.policies import Asker, about
from imaging.orders.scheduling import selectors as scheduling
from imaging.orders.workflow import CHANGEABLE, ENDED, State
from imaging.studies import priors
from imaging.studies.models import Patient, Study

_MOST_SIMILAR: Final = 3
_MOST_ROOMS: Final = 6
_MOST_PLACES: Final = 3
#: A place that is still to be found is worth showing.
_NOT_BOOKED: Final = frozenset({*CHANGEABLE, State.VETTED})
_MOST_COUNTED: Final = 200
_YEAR: Final = timedelta(days=365)
#: The kinds of radiography that stand for one another.
_RADIOGRAPHS: Final = frozenset({"CR", "DX", "RG"})


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An earlier exam of the same kind of which the reader may know no more."""

    at: datetime
    department: str
    modality: str


@dataclass(frozen=True, slots=True)
class Dose:
    """An estimate: typical effective doses of the exams of a year, added up."""

    exams: int
    millisieverts: Decimal
    unknown: int


@dataclass(frozen=True, slots=True)
class Place:
    """The first free place of a room; ``starts`` is on the clock of its site, and says no zone."""

    room: str
    starts: datetime


@dataclass(frozen=True, slots=True)
class Advice:
    """All that is told beside the form."""

    similar: list[Study]
    elsewhere: list[Elsewhere]
    asked: list[ExamRequest]
    dose: Dose | None
    hints: list[AppropriatenessRule]
    places: list[Place]


def advice(request: ExamRequest, person: Asker) -> Advice:
    """What to know before this request is sent, of what this reader may know."""
    procedure, patient = request.procedure, request.patient
    hints = []
    if procedure is not None:
        hints = catalogue.hints_for(procedure, request.clinical_question, about(request, timezone.localdate()))
    places = first_places(request) if request.state in _NOT_BOOKED else []
    if patient is None or not patient.patient_id:
        return Advice([], [], [], None, hints, places)
    scope = person.scope
    return Advice(
        similar=similar(patient, procedure, scope) if procedure else [],
        elsewhere=_elsewhere(patient, procedure, scope) if procedure else [],
        asked=_asked(request, procedure, scope) if procedure else [],
        dose=_dose(patient, scope),
        hints=hints,
        places=places,
    )


def first_places(request: ExamRequest) -> list[Place]:
    """When the exam could be done first: a place in each of the rooms that suit it, the earliest first; nothing is held."""
    if request.procedure is None or request.performing_department_id is None:
        return []
    rooms = Room.objects.filter(
        department=request.performing_department_id, is_active=True, modalities__contains=[request.procedure.modality]
    )
    found: list[tuple[datetime, Room]] = []
    for room in rooms.select_related("department__site")[:_MOST_ROOMS]:
        since = request.wished_from if request.wished_from and request.wished_from > timezone.now() else None
        found += [(place.starts, room) for place in scheduling.next_places(request, room, most=1, since=since)]
    found.sort(key=lambda one: one[0])
    return [
        Place(room.name, starts.astimezone(room.department.site.zone).replace(tzinfo=None))
        for starts, room in found[:_MOST_PLACES]
    ]


def _kinds(modality: str) -> list[str]:
    return sorted(_RADIOGRAPHS) if modality in _RADIOGRAPHS else [modality]


def similar(patient: Patient, procedure: Procedure, scope: Scope) -> list[Study]:
    """The patient's recent studies of the same kind and region, latest first."""
    since = timezone.now() - timedelta(days=procedure.repeat_days)
    rows = Study.objects.visible_to(scope, Right.VIEW).filter(patient=patient, study_at__gte=since)
    rows = rows.filter(modalities__overlap=_kinds(procedure.modality)).select_related("thumbnail")
    latest = list(rows.order_by("-study_at")[:_MOST_COUNTED])
    regions = _regions()
    linked = _linked_regions(latest)
    same = [row for row in latest if _is_of(row, procedure, linked.get(row.pk, ""), regions)]
    return same[:_MOST_SIMILAR]


def _regions() -> dict[str, str]:
    """The region of each body part that the catalogue knows."""
    rows = Procedure.objects.exclude(body_part_examined="").exclude(region="vessels")
    return {part.casefold(): region for part, region in rows.values_list("body_part_examined", "region")}


def _linked_regions(studies: Iterable[Study]) -> dict[int, str]:
    rows = StudyLink.objects.filter(study__in=[row.pk for row in studies], ended_at=None)
    told = rows.exclude(request__procedure=None).values_list("study_id", "request__procedure__region")
    return {study: region or "" for study, region in told}


def _is_of(study: Study, procedure: Procedure, linked: str, regions: dict[str, str]) -> bool:
    """Whether a study shows the same region: by its request, by its body part, or by what its description begins with."""
    if linked:
        return linked == procedure.region
    part = study.body_part_examined.strip().casefold()
    if part:
        return part == procedure.body_part_examined.casefold() or regions.get(part) == procedure.region
    told = set(person_name.normalised(study.description).split())
    return bool(told & set(person_name.normalised(f"{procedure.body_part_examined} {procedure.region}").split()))


def _elsewhere(patient: Patient, procedure: Procedure, scope: Scope) -> list[Elsewhere]:
    """Exams of the same kind in departments whose studies the reader may hear of, and no more."""
    base = Study.objects.visible_to(scope, Right.VIEW).filter(patient=patient).select_related("patient")
    latest = base.order_by("-study_at").first()
    if latest is None:
        return []
    since = timezone.now() - timedelta(days=procedure.repeat_days)
    kinds = set(_kinds(procedure.modality))
    return [
        Elsewhere(entry.study_at, entry.department, procedure.modality)
        for entry in priors.timeline_of(latest, scope=scope)
        if entry.study is None and entry.study_at >= since and kinds & set(entry.modalities)
    ][:_MOST_SIMILAR]


def _asked(request: ExamRequest, procedure: Procedure, scope: Scope) -> list[ExamRequest]:
    """Requests for the same that are under way."""
    closed = [*ENDED, State.DRAFT, State.REPORTED, State.NO_SHOW]
    rows = selectors.requests(scope).filter(patient=request.patient).exclude(state__in=closed).exclude(pk=request.pk)
    same = rows.filter(procedure__modality__in=_kinds(procedure.modality), procedure__region=procedure.region)
    return list(same.order_by("-requested_at")[:_MOST_SIMILAR])


def _dose(patient: Patient, scope: Scope) -> Dose | None:
    """The typical effective doses of the exams of the last twelve months; None where there was none that irradiates."""
    rows = Study.objects.visible_to(scope).filter(patient=patient, study_at__gte=timezone.now() - _YEAR)
    studies = list(rows.order_by("-study_at").values_list("modalities", "body_part_examined")[:_MOST_COUNTED])
    typical = _typical()
    exams = unknown = 0
    total = Decimal(0)
    for modalities, part in studies:
        kinds = [kind for kind in modalities if kind in typical]
        if not kinds:
            continue
        exams += 1
        known = typical[kinds[0]].get(part.strip().casefold())
        unknown += known is None
        total += known or Decimal(0)
    return Dose(exams, total.quantize(Decimal("0.1")), unknown) if exams else None


def _typical() -> dict[str, dict[str, Decimal]]:
    """The median typical dose of the catalogue by kind of machine and body part."""
    doses: dict[str, dict[str, list[Decimal]]] = {}
    rows = Procedure.objects.exclude(effective_dose_msv=None)
    for modality, part, dose in rows.values_list("modality", "body_part_examined", "effective_dose_msv"):
        if dose is None:
            continue
        for kind in _kinds(modality):
            doses.setdefault(kind, {}).setdefault(part.casefold(), []).append(dose)
    return {
        kind: {part: sorted(values)[len(values) // 2] for part, values in parts.items()}
        for kind, parts in doses.items()
    }
