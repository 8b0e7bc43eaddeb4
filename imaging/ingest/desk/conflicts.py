"""Images of which two versions came: which one is shown, decided by a person; both stay, and it can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Right
from accounts.scope import Scope
from imaging.ingest.models import ConflictDecision
from imaging.studies.correction import choosing
from imaging.studies.models import Instance, InstanceVersion, Series, Study

Kind = ConflictDecision.Kind
PAGE = 50
MOST_COUNTED = 1000
_MOST_AT_ONCE = 2000
_DECIDES = (Kind.CHOOSE, Kind.KEEP)
_REJECTED = InstanceVersion.State.REJECTED


@dataclass(frozen=True, slots=True)
class Line:
    """The images of one series that wait for a choice; ``first`` is one of them."""

    series: Series
    first: int
    count: int
    oldest: datetime
    sender: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How many images were decided about, and how many changed meanwhile and were left as they are."""

    decided: int = 0
    changed: int = 0


def waiting(scope: Scope, *, right: Right = Right.WRITE) -> QuerySet[InstanceVersion]:
    """Conflicting versions that nobody has decided about, of images on which the reader holds ``right``: to write, at the desk."""
    taken_back = ConflictDecision.objects.filter(kind=Kind.REVERT, instance=OuterRef("instance"), pk__gt=OuterRef("pk"))
    decided = ConflictDecision.objects.filter(
        ~Exists(taken_back), instance=OuterRef("instance"), latest_seen__gte=OuterRef("pk"), kind__in=_DECIDES
    )
    return InstanceVersion.objects.filter(
        ~Exists(decided),
        state=InstanceVersion.State.CONFLICTING,
        instance__in=Instance.objects.visible_to(scope, right),
    )


def waiting_count(scope: Scope) -> int:
    """How many wait, counted up to ``MOST_COUNTED``."""
    return waiting(scope)[:MOST_COUNTED].count()


def lines(scope: Scope, *, page: int = 1) -> tuple[list[Line], bool]:
    """A page of series with images that wait, longest first, and whether there is another one."""
    rows = list(
        waiting(scope)
        .values("instance__series")
        .annotate(
            first=Min("instance"), count=Count("instance", distinct=True), oldest=Min("received_at"), by=Max("sender")
        )
        .order_by("oldest", "first")[(page - 1) * PAGE : page * PAGE + 1]
    )
    series = Series.objects.select_related("study__patient").in_bulk([row["instance__series"] for row in rows])
    found = [
        Line(series[row["instance__series"]], row["first"], row["count"], row["oldest"], row["by"])
        for row in rows[:PAGE]
    ]
    return found, len(rows) > PAGE


def instance_of(scope: Scope, pk: int) -> Instance | None:
    """An image with several versions to whose study this person may write; None for others as for one that is not there."""
    rows = Instance.objects.visible_to(scope, Right.WRITE).select_related("series__study__patient")
    found = rows.filter(pk=pk).first()
    return found if found is not None and len(versions_of(found)) > 1 else None


def versions_of(instance: Instance) -> list[InstanceVersion]:
    """The versions that can be shown, the one that is shown first, then by arrival. Nobody sees what was rejected."""
    rows = instance.versions.select_related("stored_object", "frames_object", "instance__series__study")
    kept = rows.exclude(state=_REJECTED)
    return sorted(kept, key=lambda version: (version.state != InstanceVersion.State.CURRENT, version.pk))


def siblings_of(scope: Scope, instance: Instance) -> list[int]:
    """Keys of the images of the same series that wait for a choice, and of this one."""
    keys = waiting(scope).filter(instance__series=instance.series_id).values_list("instance", flat=True)
    return sorted({*keys[:_MOST_AT_ONCE], instance.pk})


def history_of(instance: Instance) -> QuerySet[ConflictDecision]:
    """What was decided, latest first."""
    rows = ConflictDecision.objects.filter(instance=instance)
    return rows.select_related("decided_by", "chosen", "before").order_by("-pk")


def in_force(instance: Instance) -> ConflictDecision | None:
    """The decision that can be taken back; None when nobody has decided, or it was taken back."""
    latest = history_of(instance).first()
    return latest if latest is not None and latest.kind in _DECIDES else None


@transaction.atomic
def choose(
    scope: Scope, instance: Instance, version_pk: int, *, actor: Actor, note: str = "", whole_series: bool = False
) -> Answer:
    """Show another version from now on; with ``whole_series``, that of the same sender for every image that waits."""
    chosen = InstanceVersion.objects.filter(pk=version_pk, instance=instance).exclude(state=_REJECTED).first()
    if chosen is None:
        return Answer(changed=1)
    keys = siblings_of(scope, instance) if whole_series else [instance.pk]
    decided = changed = 0
    for one in _locked(scope, keys):
        wanted = chosen if one.pk == instance.pk else _same_origin(one, chosen)
        if wanted is None:
            changed += 1
            continue
        before = _current(one)
        if before.pk != wanted.pk:
            choosing.choose_version(one, wanted, actor=actor, reason=note)
        _record(one, Kind.CHOOSE, before=before, chosen=wanted, actor=actor, note=note)
        decided += 1
    return Answer(decided, changed)


@transaction.atomic
def keep(scope: Scope, instance: Instance, *, actor: Actor, note: str = "", whole_series: bool = False) -> Answer:
    """Leave as it is what is shown: a person has looked, and nothing waits any more."""
    keys = siblings_of(scope, instance) if whole_series else [instance.pk]
    rows = _locked(scope, keys)
    for one in rows:
        current = _current(one)
        _record(one, Kind.KEEP, before=current, chosen=current, actor=actor, note=note)
    return Answer(len(rows))


@transaction.atomic
def revert(scope: Scope, instance: Instance, *, actor: Actor, note: str = "") -> Answer:
    """Take the last decision back: what was shown before is shown again, and the image waits."""
    for one in _locked(scope, [instance.pk]):
        decision = in_force(one)
        if decision is None:
            break
        before = _current(one)
        if decision.before_id != before.pk and decision.before.state != _REJECTED:
            choosing.choose_version(one, decision.before, actor=actor, reason=note)
        _record(one, Kind.REVERT, before=before, chosen=_current(one), actor=actor, note=note)
        return Answer(1)
    return Answer(changed=1)


def _locked(scope: Scope, keys: Sequence[int]) -> list[Instance]:
    """The images, so that nobody else decides meanwhile; only those whose study this person may write to."""
    # The study first, as registration does: the other order would have the two wait for each other.
    studies = Study.objects.filter(instances__in=keys).order_by("study_instance_uid")
    list(studies.select_for_update(of=("self",), no_key=True))
    allowed = Instance.objects.visible_to(scope, Right.WRITE).filter(pk__in=keys)
    return list(allowed.order_by("pk").select_for_update(of=("self",), no_key=True))


def _current(instance: Instance) -> InstanceVersion:
    return InstanceVersion.objects.get(instance=instance, state=InstanceVersion.State.CURRENT)


def _same_origin(instance: Instance, chosen: InstanceVersion) -> InstanceVersion | None:
    """The version of another image that came in the same way: the latest of that sender and door."""
    rows = InstanceVersion.objects.filter(instance=instance, sender=chosen.sender, door=chosen.door)
    if chosen.state == InstanceVersion.State.CONFLICTING:
        rows = rows.filter(state=InstanceVersion.State.CONFLICTING)
    return rows.exclude(state=_REJECTED).order_by("-pk").first()


def _record(
    instance: Instance, kind: str, *, before: InstanceVersion, chosen: InstanceVersion, actor: Actor, note: str
) -> None:
    latest = instance.versions.aggregate(latest=Max("pk"))["latest"]
    ConflictDecision.objects.create(
        instance=instance,
        kind=kind,
        chosen=chosen,
        before=before,
        latest_seen=latest,
        note=note,
        decided_by_id=int(actor.id),
        decided_at=timezone.now(),
    )
    study = instance.study
    audit.record(
        audit.Action.CONFLICT_DECIDED,
        actor=actor,
        subject_type="study",
        subject_uid=study.study_instance_uid,
        patient_id=study.patient.patient_id,
        issuer_of_patient_id=study.patient.issuer_of_patient_id,
        detail={
            "kind": str(kind),
            "sop_instance_uid": instance.sop_instance_uid,
            "chosen": chosen.pk,
            "before": before.pk,
        },
    )
