"""Which picture stands for a series, and which for a study: the middle image, and the series with the most to see."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet

from imaging.rendering.models import Rendition
from imaging.storage.models import StoredObject
from imaging.studies import services as studies
from imaging.studies.models import InstanceVersion, Series

#: Series of at most so many instances get a preview of each.
SMALL_SERIES = 12
#: Series of at most so many get theirs as soon as they arrive.
FEW_VIEWS = 4
#: What is made of images comes after the images themselves.
_DERIVED = frozenset({"SEG", "PR", "KO", "SR", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "DOC", "FID", "RWV"})


@dataclass(frozen=True, slots=True)
class _Candidate:
    series_id: int
    stored_object_id: int
    is_card: bool


def choose(*, study_instance_uid: str = "", series_instance_uids: Iterable[str] = ()) -> None:
    """Choose the pictures of the series (and study) named. Three queries, and one for each that changes."""
    series = Series.objects.filter(study__study_instance_uid=study_instance_uid)
    if series_instance_uids:
        series = Series.objects.filter(series_instance_uid__in=list(series_instance_uids))
    rows = list(series.select_related("study").order_by(F("series_number").asc(nulls_last=True), "pk"))
    chosen = _middles(rows)
    contents = StoredObject.objects.in_bulk([candidate.stored_object_id for candidate in chosen.values()])
    best = min((row for row in rows if row.pk in chosen), key=lambda row: _rank(row, chosen[row.pk]), default=None)
    for row in rows:
        if row.pk not in chosen:
            continue
        thumbnail = contents[chosen[row.pk].stored_object_id]
        for_study = bool(study_instance_uid) and row is best and row.study.thumbnail_id != thumbnail.pk
        if row.thumbnail_id != thumbnail.pk or for_study or row.study.thumbnail_id is None:
            studies.set_thumbnails(series=row, thumbnail=thumbnail, of_study=for_study)


def first_seen(study_instance_uid: str) -> Sequence[int]:
    """Primary keys of the versions that a reader sees first: every one of a small series, else the middle one."""
    wanted: list[int] = []
    for members in _members(study_instance_uid):
        wanted += members if len(members) <= SMALL_SERIES else [members[len(members) // 2]]
    return wanted


def single_views(study_instance_uid: str) -> Sequence[int]:
    """Primary keys of the versions in series of a few views, as of a radiograph: these need not wait for the others."""
    return [pk for members in _members(study_instance_uid) if len(members) <= FEW_VIEWS for pk in members]


def _members(study_instance_uid: str) -> Iterable[list[int]]:
    groups = _grouped(
        _current()
        .filter(instance__study__study_instance_uid=study_instance_uid)
        .values_list("instance__series_id", "pk")
    )
    return groups.values()


def _middles(series: Sequence[Series]) -> dict[int, _Candidate]:
    """The middle picture of each series; cards only where there is nothing else."""
    rows = (
        Rendition.objects.filter(
            kind=Rendition.Kind.THUMBNAIL,
            stored_object__isnull=False,
            version__state=InstanceVersion.State.CURRENT,
            version__instance__is_rejected=False,
            version__instance__series__in=[row.pk for row in series],
        )
        .order_by(F("version__instance__instance_number").asc(nulls_last=True), "version__instance_id")
        .values_list("version__instance__series_id", "stored_object_id", "state")
    )
    found: dict[int, list[_Candidate]] = {}
    for series_id, content_id, state in rows:
        if content_id is not None:
            candidate = _Candidate(series_id, content_id, state == Rendition.State.TILE)
            found.setdefault(series_id, []).append(candidate)
    chosen = {}
    for series_id, candidates in found.items():
        images = [candidate for candidate in candidates if not candidate.is_card] or candidates
        chosen[series_id] = images[len(images) // 2]
    return chosen


def _rank(series: Series, candidate: _Candidate) -> tuple[bool, bool, int]:
    return candidate.is_card, series.modality in _DERIVED, -series.instance_count


def _current() -> QuerySet[InstanceVersion]:
    return InstanceVersion.objects.filter(state=InstanceVersion.State.CURRENT, instance__is_rejected=False).order_by(
        "instance__series_id", F("instance__instance_number").asc(nulls_last=True), "instance_id"
    )


def _grouped(rows: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for series_id, pk in rows:
        groups.setdefault(series_id, []).append(pk)
    return groups
