"""A patient's other studies on one line of time, and what a reader may do with each of them (DESIGN 4, "Priors").

What the reader has in scope is told in full. Of earlier studies elsewhere a reader who treats the patient hears date,
modality and department, and nothing more until the study is opened; protected ones, and those of a patient who opposed it,
are not mentioned. Across issuers nobody
is guessed: a patient is one pair of issuer and patient ID.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies.models import GRANTED, Placement, Study
from imaging.studies.querysets import openable_as_prior, without_opposition

#: Studies of one patient that a timeline shows: the latest ones.
MOST: Final = 60


class Standing(StrEnum):
    """What a reader may do with a study of the timeline."""

    #: The study whose page it is.
    THIS = "this"
    #: In scope, or opened as a prior already: its address works.
    OPEN = "open"
    #: May be opened as a prior (`access.open_prior`); until then only date, modality and department are told.
    OPENABLE = "openable"
    #: It exists, and its department does not share it.
    KNOWN = "known"


class Relevance(IntEnum):
    """How much a prior has to do with the study, the more the higher."""

    OTHER = 0
    SAME_MODALITY = 1
    SAME_BODY_PART = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One study of the patient. ``study`` is None, and ``study_instance_uid`` with KNOWN empty, for what is not open.

    ``department`` is the name, in the reader's language, of the department that made the study. ``rank`` numbers the other
    studies from 1 by relevance: same body part, then same modality, then nearest in time; 0 is this study.
    """

    standing: Standing
    study_at: datetime
    study_time_known: bool
    modalities: tuple[str, ...]
    department: str
    relevance: Relevance = Relevance.OTHER
    rank: int = 0
    study_instance_uid: str = ""
    study: Study | None = None


def timeline_of(study: Study, *, scope: Scope, limit: int = MOST) -> list[TimelineEntry]:
    """The studies of the patient of ``study``, which the reader has open, latest first, itself included. Six queries.

    A patient without an ID has no other studies: nobody is guessed.
    """
    rows = [study, *(_told(study, scope, limit) if study.patient.patient_id else [])]
    open_ids = {study.pk, *_ids(Study.objects.visible_to(scope, Right.VIEW), rows)}
    openable = _ids(openable_priors(study, scope=scope), [row for row in rows if row.pk not in open_ids])
    makers = _makers(rows)
    ranks = _ranks(study, [row for row in rows if row.pk != study.pk], open_ids)
    entries = []
    for row in sorted(rows, key=lambda row: (row.study_at, row.pk), reverse=True):
        is_open = row.pk in open_ids
        standing = Standing.OPENABLE if row.pk in openable else Standing.KNOWN
        if is_open:
            standing = Standing.THIS if row.pk == study.pk else Standing.OPEN
        rank, relevance = ranks.get(row.pk, (0, Relevance.OTHER))
        entries.append(
            TimelineEntry(
                standing=standing,
                study_at=row.study_at,
                study_time_known=row.study_time_known,
                modalities=tuple(row.modalities),
                department=makers.get(row.pk, ""),
                relevance=relevance,
                rank=rank,
                study_instance_uid="" if standing is Standing.KNOWN else row.study_instance_uid,
                study=row if is_open else None,
            )
        )
    return entries


def openable_priors(study: Study, *, scope: Scope) -> QuerySet[Study]:
    """Earlier studies of the patient of ``study`` that ``scope`` may open as its priors; none for machines and shares."""
    if scope.is_empty or not scope.care_departments() or not study.patient.patient_id:
        return Study.objects.none()
    rule = openable_as_prior("", scope, [study.study_instance_uid])
    return Study.objects.filter(rule, patient=study.patient_id, instance_count__gt=0).exclude(pk=study.pk)


def _told(study: Study, scope: Scope, limit: int) -> list[Study]:
    """What the reader hears of: all that is in scope, and for who treats the patient the earlier studies elsewhere."""
    rows = list(_others(Study.objects.visible_to(scope), study)[:limit])
    if treats(study, scope):
        made = Placement.objects.live().filter(study=OuterRef("pk"), kind=Placement.Kind.OWNER)
        earlier = Study.objects.filter(
            Exists(made),
            without_opposition("patient"),
            instance_count__gt=0,
            sensitivity="",
            study_at__lte=study.study_at,
        ).exclude(pk__in=[row.pk for row in rows])
        rows += _others(earlier, study)[:limit]
    return sorted(rows, key=lambda row: (row.study_at, row.pk), reverse=True)[:limit]


def _others(studies: QuerySet[Study], study: Study) -> QuerySet[Study]:
    same = studies.filter(patient=study.patient_id).exclude(pk=study.pk)
    return same.select_related("thumbnail", "patient").order_by("-study_at", "-pk")


def treats(study: Study, scope: Scope) -> bool:
    """Whether the reader has the study by treating its patient, and not by a link, a grant by name, or as a prior itself."""
    rows = Placement.objects.live().exclude(kind__in=GRANTED)
    return rows.filter(study=study, department__in=scope.care_departments()).exists()


def _ids(studies: QuerySet[Study], rows: Sequence[Study]) -> set[int]:
    return set(studies.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True)) if rows else set()


def _makers(rows: Sequence[Study]) -> dict[int, str]:
    """Name of the department that made each study."""
    placed = Placement.objects.live().filter(kind=Placement.Kind.OWNER, study__in=[row.pk for row in rows])
    return {row.study_id: row.department.label for row in placed.select_related("department").order_by("-pk")}


def _ranks(study: Study, others: Sequence[Study], open_ids: set[int]) -> dict[int, tuple[int, Relevance]]:
    """(rank from 1, relevance) of each other study; of what is not open the body part is not told, and so not compared."""
    relevance = {row.pk: _relevance(study, row, is_told=row.pk in open_ids) for row in others}
    ordered = sorted(others, key=lambda row: (-relevance[row.pk], abs(row.study_at - study.study_at), row.pk))
    return {row.pk: (rank, relevance[row.pk]) for rank, row in enumerate(ordered, 1)}


def _relevance(study: Study, other: Study, *, is_told: bool) -> Relevance:
    part = study.body_part_examined.strip().casefold()
    if is_told and part and part == other.body_part_examined.strip().casefold():
        return Relevance.SAME_BODY_PART
    return Relevance.SAME_MODALITY if set(study.modalities) & set(other.modalities) else Relevance.OTHER
