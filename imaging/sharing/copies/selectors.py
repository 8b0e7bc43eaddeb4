"""Questions about copies without identity."""

from collections.abc import Iterable, Mapping

from django.db.models import Count, QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.sharing.models import CopiedStudy, Deidentification, HeldObject, Share
from imaging.studies.models import Instance, Study

_State = CopiedStudy.State
#: What will become nothing else without a person.
ENDED = frozenset({_State.READY, _State.EMPTY, _State.STOPPED, _State.FAILED})


def wanted_instances(copied: CopiedStudy) -> QuerySet[Instance]:
    """Return what is to be copied of a study: all, or the named series and instances, but for what was withdrawn."""
    rows = Instance.objects.filter(study=copied.source_id, is_rejected=False)
    if copied.series or copied.instances:
        rows = rows.filter(series__in=copied.series) | rows.filter(pk__in=copied.instances)
    return rows


def counts(copied: CopiedStudy) -> dict[str, int]:
    """Return how many objects were held, left out, refused and so on, by state."""
    rows = copied.held.values_list("state").annotate(count=Count("pk"))
    return dict(rows.order_by("state"))


def ready_copies(deidentification_id: int, sources: Iterable[int]) -> frozenset[str]:
    """Return the Study Instance UIDs of the copies of these studies (primary keys) that may be shown."""
    rows = CopiedStudy.objects.filter(
        deidentification=deidentification_id, source__in=list(sources), state=_State.READY, copy__isnull=False
    )
    return frozenset(rows.values_list("copy__study_instance_uid", flat=True))


def copies_of(deidentification: Deidentification) -> Mapping[int, CopiedStudy]:
    """Return the copies of one use by the primary key of their source."""
    rows = deidentification.copies.select_related("source", "copy").order_by("pk")
    return {row.source_id: row for row in rows}


def shown_copies(share: Share, scope: Scope) -> list[CopiedStudy]:
    """Return the copies that a share gives, for who may look after them: who may share their sources."""
    if share.deidentification is None:
        return []
    usable = Study.objects.visible_to(scope, Right.SHARE)
    return list(share.deidentification.copies.filter(source__in=usable).order_by("pk"))


def copied_named(key: str) -> CopiedStudy | None:
    """Return the copy of this identifier."""
    rows = CopiedStudy.objects.select_related("source__patient", "copy", "deidentification__made_by")
    return rows.filter(key=key[:16].replace("\x00", "")).first()


def held_objects(copied: CopiedStudy) -> QuerySet[HeldObject]:
    """Return the objects that did not go by themselves, in the order of their series."""
    rows = copied.held.select_related("source__series", "decided_by")
    return rows.order_by("source__series__series_number", "source__instance_number", "pk")


def source_studies(deidentification: Deidentification) -> QuerySet[Study]:
    """Return the studies of which copies are made."""
    return Study.objects.filter(pk__in=deidentification.copies.values("source"))
