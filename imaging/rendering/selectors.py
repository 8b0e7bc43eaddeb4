"""Ready-made pictures, and what could not be drawn."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Count, Exists, F, OuterRef, QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.events import selectors as events
from imaging.rendering.models import Rendition
from imaging.storage.models import StoredObject
from imaging.studies.models import Instance, InstanceVersion, Series, Study

Member = TypeVar("Member")

READY = (Rendition.State.READY, Rendition.State.TILE)
#: A study of very many short series shows the large pictures of the first ones only.
_MOST_PREVIEWS = 400


@dataclass(frozen=True, slots=True)
class ProblemOfStudy:
    """Something that went wrong for a study: what was tried, on what, and why it failed.

    ``what`` is a rendition's kind or a job's step; the UIDs are empty for what concerns the whole study.
    """

    what: str
    code: str
    detail: str
    at: datetime | None
    series_instance_uid: str = ""
    sop_instance_uid: str = ""
    instance_number: int | None = None


def picture(version: InstanceVersion, kind: str) -> StoredObject | None:
    """The ready-made picture of a version, or None. One query."""
    found = Rendition.objects.filter(version=version, kind=kind, state__in=READY).select_related("stored_object")
    rendition = found.prefetch_related("stored_object__copies").first()
    return rendition.stored_object if rendition else None


def may_be_shown(content: StoredObject, *, scope: Scope) -> bool:
    """Whether a reader may see all that is in a picture: segments may lie over an image of another series.

    Who was given some series or instances of a study can see the one without the other; and nobody sees an image that was
    withdrawn. One query, and another one for pictures of two objects.
    """
    others = set(
        Rendition.objects.filter(stored_object=content).exclude(shown_with="").values_list("shown_with", flat=True)
    )
    visible = Instance.objects.visible_to(scope, Right.VIEW).filter(sop_instance_uid__in=others)
    return not others or visible.count() == len(others)


def of_withdrawn(study_instance_uid: str) -> QuerySet[Rendition]:
    """Pictures in which an image is seen that was withdrawn since."""
    withdrawn = Instance.objects.filter(
        study__study_instance_uid=study_instance_uid, is_rejected=True, sop_instance_uid=OuterRef("shown_with")
    )
    drawn = Rendition.objects.filter(version__instance__study__study_instance_uid=study_instance_uid)
    return drawn.exclude(shown_with="").filter(Exists(withdrawn))


def series_cine(series: Series) -> StoredObject | None:
    """The moving picture that stands for a series, or None. One query, and one for its copies."""
    found = (
        Rendition.objects.filter(
            kind=Rendition.Kind.CINE,
            state=Rendition.State.READY,
            version__state=InstanceVersion.State.CURRENT,
            version__instance__is_rejected=False,
            version__instance__series=series,
        )
        .select_related("stored_object")
        .prefetch_related("stored_object__copies")
        .order_by(F("version__instance__instance_number").asc(nulls_last=True), "version__instance_id")
        .first()
    )
    return found.stored_object if found else None


def study_cines(study: Study) -> Mapping[int, StoredObject]:
    """The moving pictures of a study's series by primary key of the series. One query."""
    rows = (
        _served(study)
        .filter(kind=Rendition.Kind.CINE, state=Rendition.State.READY)
        .select_related("stored_object")
        .annotate(series_id=F("version__instance__series_id"))
        .order_by(F("version__instance__instance_number").desc(nulls_first=True), "-version__instance_id")
    )
    return {row.series_id: row.stored_object for row in rows if row.stored_object is not None}


def renditions(versions: Iterable[InstanceVersion], kind: str) -> Mapping[int, Rendition]:
    """Pictures and failures of these versions by primary key of the version. One query."""
    rows = Rendition.objects.filter(version__in=list(versions), kind=kind)
    return {row.version_id: row for row in rows}


def contents_of(made: Iterable[Rendition]) -> Mapping[int, StoredObject]:
    """The contents of those pictures that are ready, by primary key of the version. One query."""
    ready = {row.version_id: row.stored_object_id for row in made if row.stored_object_id and row.state in READY}
    contents = StoredObject.objects.in_bulk(list(set(ready.values())))
    return {version: contents[content] for version, content in ready.items() if content in contents}


def study_pictures(study: Study, kind: str = Rendition.Kind.THUMBNAIL) -> Mapping[str, Rendition]:
    """Pictures and failures of a study's current versions by SOP Instance UID. One query."""
    rows = (
        _served(study)
        .filter(kind=kind)
        .select_related("stored_object")
        .annotate(sop_instance_uid=F("version__instance__sop_instance_uid"))
        .order_by("version__instance__series_id", "version__instance__instance_number")
    )
    return {row.sop_instance_uid: row for row in rows}


def previews_by_series(study: Study, *, scope: Scope) -> Mapping[int, Rendition]:
    """The large picture that stands for each series which ``scope`` may view, by primary key of the series. One query.

    It is the middle one of those that are ready; ``version.instance.series.study`` and the content are fetched with it.
    """
    rows = _ready_previews(scope).filter(version__instance__study=study)
    found: dict[int, list[Rendition]] = {}
    for row in rows[:_MOST_PREVIEWS]:
        found.setdefault(row.version.instance.series_id, []).append(row)
    return {series_id: middle(members) for series_id, members in found.items()}


def preview_of_series(series: Series, *, scope: Scope) -> Rendition | None:
    """The large picture that stands for one series, as `previews_by_series` has it; None while none is ready. Two queries."""
    rows = _ready_previews(scope).filter(version__instance__series=series)
    ready = list(rows.values_list("pk", flat=True))
    return rows.filter(pk=middle(ready)).first() if ready else None


def middle(members: Sequence[Member]) -> Member:
    """The member that stands for all: every page chooses the same, so that no picture jumps to another one."""
    return members[len(members) // 2]


def problems_of(study: Study) -> Sequence[ProblemOfStudy]:
    """Pictures that could not be drawn and steps that were given up, in the order of the series. Two queries."""
    failed = (
        _served(study)
        .filter(state=Rendition.State.FAILED)
        # A moving picture is a convenience: its film has its thumbnail, or says there what is wrong.
        .exclude(kind=Rendition.Kind.CINE)
        .select_related("version__instance__series")
        .order_by("version__instance__series__series_number", "version__instance__instance_number", "kind")
    )
    pictures = [
        ProblemOfStudy(
            what=row.kind,
            code=row.problem_code,
            detail=row.problem_detail,
            at=row.made_at,
            series_instance_uid=row.version.instance.series.series_instance_uid,
            sop_instance_uid=row.version.instance.sop_instance_uid,
            instance_number=row.version.instance.instance_number,
        )
        for row in failed
    ]
    steps = [
        ProblemOfStudy(what=job.step, code=job.problem_code, detail=job.problem_detail, at=job.finished_at)
        for job in events.failed_jobs(study_instance_uid=study.study_instance_uid)
    ]
    return [*pictures, *steps]


def failed_by_problem() -> dict[str, int]:
    """How many pictures could not be drawn, by problem code."""
    rows = Rendition.objects.filter(state=Rendition.State.FAILED).values_list("problem_code")
    return dict(rows.annotate(count=Count("pk")))


def _ready_previews(scope: Scope) -> QuerySet[Rendition]:
    """Large pictures of what ``scope`` may view, in the order in which images are read, with all that their addresses need."""
    return (
        Rendition.objects.filter(
            kind=Rendition.Kind.PREVIEW,
            state__in=READY,
            version__state=InstanceVersion.State.CURRENT,
            version__instance__in=Instance.objects.visible_to(scope, Right.VIEW),
        )
        .select_related("stored_object", "version__instance__series__study")
        .defer("version__frame_index")
        .order_by(F("version__instance__instance_number").asc(nulls_last=True), "version__instance_id")
    )


def _served(study: Study) -> QuerySet[Rendition]:
    """What was made, or not, of the versions that are served: none of rejected instances."""
    return Rendition.objects.filter(
        version__instance__study=study,
        version__state=InstanceVersion.State.CURRENT,
        version__instance__is_rejected=False,
    )
