"""What a person at the repair page may choose from, and what was decided so far; always within what the person may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Max, Q, QuerySet

from accounts import selectors as accounts
from accounts.models import User
from accounts.roles import Capability, Right
from accounts.scope import Scope
from imaging.dicom import person_name
from imaging.studies import selectors as studies
from imaging.studies.models import (
    Correction,
    Instance,
    Move,
    Patient,
    PatientMerge,
    Placement,
    Rejection,
    Series,
    Study,
)

#: Images of a series that can be ticked one by one; of more only the whole series.
MOST_IMAGES: Final = 400
_MOST_FOUND: Final = 12
_MOST_DECISIONS: Final = 100
_NAME: Final = "00100010"
_PATIENT_ID: Final = "00100020"


@dataclass(frozen=True, slots=True)
class Powers:
    """What a person may put right about a study."""

    correct: bool
    reject: bool


@dataclass(frozen=True, slots=True)
class Branch:
    """One series of the tree and its images; ``is_cut`` when there are more than can be ticked."""

    series: Series
    images: list[Instance]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A patient as a header names them."""

    patient_name: str
    patient_id: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was put right. ``kind`` and ``key`` name it to the view that takes it back."""

    kind: str
    key: str
    at: datetime
    who: str
    reason: str
    reverted_at: datetime | None
    reverted_by: str
    moves: tuple[Move, ...] = ()
    rejection: Rejection | None = None
    merge: PatientMerge | None = None
    correction: Correction | None = None
    corrected: int = 0

    @property
    def objects(self) -> int:
        """How many images were moved."""
        return sum(move.object_count for move in self.moves)

    @property
    def people(self) -> tuple[Shown, Shown] | None:
        """Who the patient was before and after a correction of the patient; None for others."""
        row = self.correction
        if row is None or not row.attributes.keys() & {_NAME, _PATIENT_ID}:
            return None
        return _shown(row.received), _shown({**row.received, **row.attributes})


def powers(user: User | AnonymousUser, study: Study, *, scope: Scope) -> Powers:
    """What the person may put right about a study that they see; asked again by whoever does it."""
    held = accounts.capabilities_by_department(user)
    here = {place.department_id for place in studies.placements_of(study, scope=scope)}
    may_write = Study.objects.visible_to(scope, Right.WRITE).filter(pk=study.pk).exists()
    return Powers(
        correct=may_write and not here.isdisjoint(held.get(Capability.CORRECT_IDENTITY, frozenset())),
        reject=not here.isdisjoint(held.get(Capability.REJECT_IMAGES, frozenset())),
    )


def tree(study: Study, *, scope: Scope) -> list[Branch]:
    """The series and images of a study that can be chosen."""
    found = []
    for series in studies.series_of(study, scope=scope, right=Right.VIEW):
        images = list(studies.instances_of(series, scope=scope, right=Right.VIEW)[: MOST_IMAGES + 1])
        found.append(Branch(series, images[:MOST_IMAGES], len(images) > MOST_IMAGES))
    return found


def patients(scope: Scope, text: str, *, right: Right = Right.LIST) -> list[Patient]:
    """Patients of whom this person holds the right on a study, by the whole number or a part of the name."""
    wanted = text.replace("\x00", "").strip()
    if len(wanted) < 2:
        return []
    rows = Patient.objects.visible_to(scope, right).exclude(patient_id="")
    name = person_name.normalised(wanted)
    found = rows.filter(Q(patient_id=wanted) | Q(name_norm__contains=name)) if name else rows.filter(patient_id=wanted)
    return list(found.order_by("name_norm", "pk")[:_MOST_FOUND])


def patient_of(scope: Scope, pk: int | None, *, right: Right = Right.LIST) -> Patient | None:
    """One of those patients."""
    return Patient.objects.visible_to(scope, right).exclude(patient_id="").filter(pk=pk or 0).first()


def studies_to(scope: Scope, study: Study, text: str) -> list[Study]:
    """Other studies to which this person may add: without a text those of the patient, else by number, accession or name."""
    rows = Study.objects.visible_to(scope, Right.WRITE).exclude(pk=study.pk).select_related("patient")
    wanted = text.replace("\x00", "").strip()[:64]
    if not wanted:
        rows = rows.filter(patient=study.patient_id)
    elif len(wanted) < 2:
        return []
    else:
        said = Q(accession_number=wanted) | Q(study_instance_uid=wanted) | Q(patient__patient_id=wanted)
        name = person_name.normalised(wanted)
        rows = rows.filter(said | Q(patient__name_norm__contains=name) if name else said)
    return list(rows.order_by("-study_at", "-pk")[:_MOST_FOUND])


def study_to(scope: Scope, pk: int | None) -> Study | None:
    """One of the studies to which this person may add."""
    return Study.objects.visible_to(scope, Right.WRITE).select_related("patient").filter(pk=pk or 0).first()


def decisions(user: User | AnonymousUser, scope: Scope, *, study: Study | None = None) -> list[Decision]:
    """What was put right where this person may take it back, the latest first; about one study when named."""
    held = accounts.capabilities_by_department(user)
    correct = _held(scope, held.get(Capability.CORRECT_IDENTITY, frozenset()), Right.WRITE)
    reject = _held(scope, held.get(Capability.REJECT_IMAGES, frozenset()), Right.VIEW)
    moves = Move.objects.filter(from_study__in=correct, to_study__in=correct)
    rejections = Rejection.objects.filter(study__in=reject)
    merges = PatientMerge.objects.filter(into__in=Study.objects.filter(pk__in=correct).values("patient"))
    if study is not None:
        moves = moves.filter(Q(from_study=study) | Q(to_study=study))
        rejections = rejections.filter(study=study)
        merges = merges.filter(Q(into=study.patient_id) | Q(merged=study.patient_id))
    corrections = Correction.objects.filter(study__in=correct, origin=Correction.Origin.DESK)
    if study is not None:
        corrections = corrections.filter(study=study)
    found = [*_moved(moves), *map(_rejected, _latest(rejections)), *map(_merged, _latest(merges))]
    found += _corrected(corrections)
    return sorted(found, key=lambda one: one.at, reverse=True)[:_MOST_DECISIONS]


def decision(user: User | AnonymousUser, scope: Scope, kind: str, key: str) -> Decision | None:
    """One of those decisions, however many were made since about other studies."""
    found = decisions(user, scope, study=_corrected_study(key) if kind == "correction" else None)
    return next((one for one in found if (one.kind, one.key) == (kind, key)), None)


def _corrected_study(group: str) -> Study | None:
    try:
        wanted = UUID(group)
    except ValueError:
        return None
    return Study.objects.filter(corrections__group=wanted).order_by("pk").first()


def comes_anywhere(user: User | AnonymousUser) -> bool:
    """Whether the person may put anything right at all."""
    held = accounts.capabilities_by_department(user)
    return bool(held.get(Capability.CORRECT_IDENTITY) or held.get(Capability.REJECT_IMAGES))


def _held(scope: Scope, departments: frozenset[int], right: Right) -> QuerySet[Placement]:
    rows = Placement.objects.held_by(scope, right).filter(department__in=departments)
    return rows.values("study")  # type: ignore[return-value]


def _latest(rows: QuerySet[Rejection] | QuerySet[PatientMerge]) -> list[Rejection | PatientMerge]:
    names = ("merged", "into") if rows.model is PatientMerge else ("study__patient",)
    return list(rows.select_related(*names).order_by("-pk")[:_MOST_DECISIONS])


def _moved(rows: QuerySet[Move]) -> list[Decision]:
    groups: dict[UUID, list[Move]] = {}
    for row in rows.select_related("from_study__patient", "to_study__patient").order_by("-pk")[: 5 * _MOST_DECISIONS]:
        groups.setdefault(row.group, []).append(row)
    return [_decision("move", str(group), found[0], moves=tuple(found)) for group, found in groups.items()]


def _corrected(rows: QuerySet[Correction]) -> list[Decision]:
    """One decision for all rows that were made at once."""
    groups = rows.order_by().values("group").annotate(latest=Max("pk"), number=Count("pk"))
    latest = {row["latest"]: row["number"] for row in groups.order_by("-latest")[:_MOST_DECISIONS]}
    found = Correction.objects.filter(pk__in=latest).select_related("study").order_by("-pk")
    return [_decision("correction", str(row.group), row, correction=row, corrected=latest[row.pk]) for row in found]


def _shown(attributes: Mapping[str, Any]) -> Shown:
    name = _first(attributes, _NAME)
    return Shown(
        str(name.get("Alphabetic", "") if isinstance(name, dict) else name), str(_first(attributes, _PATIENT_ID))
    )


def _first(attributes: Mapping[str, Any], tag: str) -> Any:
    element = attributes.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values[0] if values else ""


def _rejected(row: Rejection | PatientMerge) -> Decision:
    return _decision("rejection", str(row.pk), row, rejection=row)


def _merged(row: Rejection | PatientMerge) -> Decision:
    return _decision("merge", str(row.pk), row, merge=row)


def _decision(kind: str, key: str, row: Move | Rejection | PatientMerge | Correction, **more: object) -> Decision:
    return Decision(
        kind,
        key,
        row.made_at,
        row.made_by,
        row.reason,
        row.reverted_at,
        row.reverted_by,
        **more,  # type: ignore[arg-type]
    )
