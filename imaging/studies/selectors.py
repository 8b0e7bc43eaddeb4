"""Questions about studies. Those that a reader asks take a scope; those of ingest ask for many UIDs with one query."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F, Max, Min, Q, QuerySet
from django.utils import timezone

from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom import uids
from imaging.studies.finding.list_choices import ListChoices
from imaging.studies.finding.study_list import (
    Order,
    Page,
    Status,
    StudyFilters,
    StudyRow,
    Total,
    study_count,
    study_list,
    study_list_state,
    study_list_version,
)
from imaging.studies.models import (
    Correction,
    Instance,
    InstanceVersion,
    Move,
    Patient,
    PatientMerge,
    Placement,
    Series,
    Study,
)
from imaging.studies.rows.columns import PatientKey

__all__ = [
    "KnownInstance",
    "KnownPatient",
    "KnownStudy",
    "ListChoices",
    "Order",
    "Page",
    "Provenance",
    "Source",
    "Status",
    "StudyFilters",
    "StudyRow",
    "Total",
    "conflicts_of",
    "corrections_of",
    "decisions_about",
    "departments_having",
    "departments_of",
    "documents_of",
    "instances_by_uid",
    "instances_of",
    "instances_with_digest",
    "known_instances",
    "known_patients",
    "known_studies",
    "placements_of",
    "provenance",
    "put_right_together",
    "series_of",
    "study_count",
    "study_list",
    "study_list_state",
    "study_list_version",
    "versions_of",
]


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """What identity questions compare. ``patient_id`` is empty for a study whose header names none."""

    pk: int
    issuer_of_patient_id: str
    patient_id: str
    patient_name: str
    name_norm: str
    birth_date: object
    sex: str


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """A study that exists, whoever may see it: for the policies of ingest only, never for an answer to a sender."""

    pk: int
    study_instance_uid: str
    patient: KnownPatient
    department_ids: frozenset[int]
    is_corrected: bool = False


@dataclass(frozen=True, slots=True)
class KnownInstance:
    """Where a known instance belongs, and the data sets kept of it."""

    pk: int
    study_instance_uid: str
    series_instance_uid: str
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Source:
    """One way by which objects of a study came in."""

    door: str
    sender: str
    address: str
    instance_count: int
    first_received_at: datetime
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a study came from and why it is where it is. Of placements, only those of the reader's departments."""

    placements: list[Placement]
    sources: list[Source]


def known_studies(study_instance_uids: Iterable[str]) -> dict[str, KnownStudy]:
    """The studies of these UIDs that exist, by UID, with the departments that have them now. One query."""
    live = Q(placements__until=None) | Q(placements__until__gt=timezone.now())
    rows = (
        Study.objects.filter(study_instance_uid__in=set(study_instance_uids))
        .select_related("patient")
        .annotate(held_by=ArrayAgg("placements__department_id", filter=live, default=[], distinct=True))
    )
    return {
        row.study_instance_uid: KnownStudy(
            pk=row.pk,
            study_instance_uid=row.study_instance_uid,
            patient=_known_patient(row.patient),
            department_ids=frozenset(pk for pk in row.held_by if pk is not None),
            is_corrected=row.is_corrected,
        )
        for row in rows
    }


def known_patients(keys: Iterable[PatientKey]) -> dict[PatientKey, KnownPatient]:
    """The patients of these (issuer, patient ID) pairs that exist. One query."""
    wanted = {key for key in keys if key[1]}
    rows = Patient.objects.filter(
        issuer_of_patient_id__in={issuer for issuer, _id in wanted}, patient_id__in={pid for _issuer, pid in wanted}
    )
    found = {(row.issuer_of_patient_id, row.patient_id): _known_patient(row) for row in rows}
    return {key: patient for key, patient in found.items() if key in wanted}


def known_instances(sop_instance_uids: Iterable[str]) -> dict[str, KnownInstance]:
    """The instances of these UIDs that exist, by UID. One query."""
    rows = (
        Instance.objects.filter(sop_instance_uid__in=set(sop_instance_uids))
        .annotate(digests=ArrayAgg("versions__stored_object__dataset_sha256", default=[]))
        .values_list(
            "sop_instance_uid",
            "pk",
            "study__study_instance_uid",
            "series__series_instance_uid",
            "digests",
        )
    )
    return {uid: KnownInstance(pk, study, series, frozenset(digests)) for uid, pk, study, series, digests in rows}


def instances_with_digest(pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the (SOP Instance UID, dataset SHA-256) pairs that the archive holds. One query."""
    wanted = frozenset(pairs)
    rows = InstanceVersion.objects.filter(instance__sop_instance_uid__in={uid for uid, _digest in wanted}).values_list(
        "instance__sop_instance_uid", "stored_object__dataset_sha256"
    )
    return wanted & frozenset(rows)


def study_uids_of_series(series_instance_uids: Iterable[str]) -> dict[str, str]:
    """Study Instance UID of each of these series that exists. One query."""
    rows = Series.objects.filter(series_instance_uid__in=set(series_instance_uids))
    return dict(rows.values_list("series_instance_uid", "study__study_instance_uid"))


def remaining_patient(patient: int) -> int:
    """The primary key of the record into which a patient's was merged, by however many steps; the patient's own otherwise."""
    seen: set[int] = set()
    while patient not in seen:
        seen.add(patient)
        into = PatientMerge.objects.in_force().filter(merged=patient).values_list("into", flat=True).first()
        patient = into or patient
    return patient


def departments_of(scope: Scope) -> QuerySet[Department]:
    """The departments whose study lists the reader may see, by name."""
    return Department.objects.filter(pk__in=scope.departments_with(Right.LIST)).select_related("site").order_by("name")


def departments_having(study: Study, *, scope: Scope) -> list[Department]:
    """The reader's departments in which a study lies now, the first one first."""
    placed = Placement.objects.visible_to(scope).filter(study=study).select_related("department")
    return [row.department for row in placed.order_by("placed_at", "pk")]


def series_of(study: Study, *, scope: Scope, right: Right = Right.LIST) -> QuerySet[Series]:
    """The visible series of a study, by number."""
    return (
        Series.objects.visible_to(scope, right)
        .filter(study=study)
        .select_related("study", "thumbnail")
        .order_by(F("series_number").asc(nulls_last=True), "pk")
    )


def instances_of(series: Series, *, scope: Scope, right: Right = Right.LIST) -> QuerySet[Instance]:
    """The visible instances of a series, by number."""
    return (
        Instance.objects.visible_to(scope, right)
        .filter(series=series)
        .order_by(F("instance_number").asc(nulls_last=True), "pk")
    )


def instances_by_uid(study: Study, sop_instance_uids: Iterable[str], *, scope: Scope) -> dict[str, Instance]:
    """The instances of a study with these UIDs that ``scope`` may view, by UID, with their series. One query."""
    rows = Instance.objects.visible_to(scope, Right.VIEW).filter(
        study=study, sop_instance_uid__in=set(sop_instance_uids)
    )
    return {row.sop_instance_uid: row for row in rows.select_related("series")}


def documents_of(study: Study, *, scope: Scope) -> dict[int, list[Instance]]:
    """The instances of a study with a page of their own (reports, documents, presentation states, videos), by series. One query."""
    kinds = Q()
    for prefix in uids.HAVE_A_PAGE:
        kinds |= Q(sop_class_uid__startswith=prefix)
    rows = Instance.objects.visible_to(scope, Right.VIEW).filter(kinds, study=study)
    found: dict[int, list[Instance]] = {}
    for row in rows.order_by("series_id", F("instance_number").asc(nulls_last=True), "pk"):
        found.setdefault(row.series_id, []).append(row)
    return found


def series_with_words(study: Study, *, scope: Scope) -> frozenset[int]:
    """The series of a study (primary keys) that hold what somebody wrote: reports, documents, presentation states. One query."""
    kinds = Q()
    for prefix in uids.HOLD_WORDS:
        kinds |= Q(sop_class_uid__startswith=prefix)
    rows = Instance.objects.visible_to(scope, Right.VIEW).filter(kinds, study=study)
    return frozenset(rows.values_list("series", flat=True))


def versions_of(level: Study | Series, *, scope: Scope, right: Right = Right.VIEW) -> QuerySet[InstanceVersion]:
    """The current versions of the visible instances of a study or series, in the order in which they are read."""
    within = Q(study=level) if isinstance(level, Study) else Q(series=level)
    return (
        InstanceVersion.objects.current()
        .filter(instance__in=Instance.objects.visible_to(scope, right).filter(within))
        .select_related("instance__series__study", "stored_object", "frames_object")
        .order_by(
            F("instance__series__series_number").asc(nulls_last=True),
            "instance__series_id",
            F("instance__instance_number").asc(nulls_last=True),
            "instance_id",
        )
    )


def conflicts_of(study: Study, *, scope: Scope) -> QuerySet[InstanceVersion]:
    """Versions that arrived under a known UID with other bytes, newest first."""
    return (
        InstanceVersion.objects.filter(
            state=InstanceVersion.State.CONFLICTING,
            instance__in=Instance.objects.visible_to(scope, Right.LIST).filter(study=study),
        )
        .select_related("instance__series")
        .order_by("-received_at", "-pk")
    )


def decisions_about(study: Study, *, scope: Scope) -> list[Correction]:
    """One correction in force for each decision about what the reader may see of a study, in the order of the decisions."""
    if not study.is_corrected:
        return []
    visible = Instance.objects.visible_to(scope, Right.VIEW).filter(study=study)
    rows = Correction.objects.in_force().filter(study=study, version__instance__in=visible)
    return sorted(rows.order_by("group", "pk").distinct("group"), key=lambda row: row.pk)


def put_right_together(rows: Iterable[Correction]) -> frozenset[UUID]:
    """Those of the decisions about these corrections that are moves or merges: they are taken back as a whole, elsewhere."""
    groups = {row.group for row in rows}
    if not groups:
        return frozenset()
    moves = Move.objects.filter(group__in=groups).values_list("group", flat=True)
    merges = PatientMerge.objects.filter(group__in=groups).values_list("group", flat=True)
    return frozenset({*moves, *merges})


def corrections_of(version: InstanceVersion) -> list[Correction]:
    """The corrections in force of a version opened with ``access.open_instance``, in the order in which they are put over it."""
    return list(Correction.objects.in_force().filter(version=version).order_by("pk")) if version.is_corrected else []


def placements_of(study: Study, *, scope: Scope) -> list[Placement]:
    """Where the study lies among the reader's departments, the first place first."""
    placements = Placement.objects.visible_to(scope).filter(study=study).select_related("department")
    return list(placements.order_by("placed_at", "pk"))


def provenance(study: Study, *, scope: Scope) -> Provenance:
    """Why this study landed here, who sent it and when: of what the reader may see of it."""
    versions = InstanceVersion.objects.filter(instance__in=Instance.objects.visible_to(scope).filter(study=study))
    sources = (
        versions.values("door", "sender", "address")
        .annotate(count=Count("pk"), first=Min("received_at"), last=Max("received_at"))
        .order_by("first")
    )
    return Provenance(
        placements=placements_of(study, scope=scope),
        sources=[
            Source(row["door"], row["sender"], row["address"], row["count"], row["first"], row["last"])
            for row in sources
        ],
    )


def _known_patient(row: Patient) -> KnownPatient:
    return KnownPatient(
        pk=row.pk,
        issuer_of_patient_id=row.issuer_of_patient_id,
        patient_id=row.patient_id,
        patient_name=row.patient_name,
        name_norm=row.name_norm,
        birth_date=row.birth_date,
        sex=row.sex,
    )


def copies_among(study_instance_uids: Iterable[str]) -> frozenset[str]:
    """Those of these studies that are copies without identity. One query, or none."""
    wanted = set(study_instance_uids)
    rows = Study.objects.filter(study_instance_uid__in=wanted, is_copy=True) if wanted else Study.objects.none()
    return frozenset(rows.values_list("study_instance_uid", flat=True))
