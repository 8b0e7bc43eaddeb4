"""Moving series and images to another study, and taking it back: what goes out names the new place, the bytes stay.

A study that is split is moved in part into a new one. What of it is a correction is put over every version of the moved
instances; the rows follow (``relocation``). Decisions are taken back the latest first, as far as they concern the same images.
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import correctable, corrections, uids
from imaging.dicom.correctable import Level
from imaging.events import changes as feed
from imaging.events import services as events
from imaging.events.models import Event
from imaging.studies.correction import corrected_columns, recounting, relocation
from imaging.studies.correction.destinations import ChangedMeanwhile, Destination, reached, uid_of, valid
from imaging.studies.correction.relocation import Place
from imaging.studies.models import (
    Correction,
    Instance,
    InstanceVersion,
    Move,
    Protection,
    Series,
    Study,
)
from imaging.studies.reading import corrections as study_corrections
from imaging.studies.reading import metadata
from imaging.studies.rows import labelling, locks

_ROWS: Final = 1000
#: Those of them that make columns, but for the date, which a study keeps.
_COLUMNS: Final = frozenset({"00080050", "00200010", "00081030", "00080090", "00081040", "00180015"})


class NothingToMove(ValueError):
    """None of what was named lies in the study."""


class AlreadyThere(ValueError):
    """The images are to go to the study in which they lie."""


class MovedSince(ValueError):
    """Images of the decision were moved on since: that has to be taken back first."""


@locks.begun_again
@transaction.atomic
def move(
    source: Study,
    *,
    series: Collection[int] = (),
    instances: Collection[int] = (),
    to: Destination,
    seen: Mapping[int, int],
    reason: str,
    actor: Actor,
) -> Study:
    """Move whole series and single instances, by primary key, out of a study; the study where they are now.

    ``seen`` is the version of each study as the person saw it, by primary key. What reaches another patient's study is that
    patient's from then on. Raises ``ChangedMeanwhile``, ``NothingToMove``, ``AlreadyThere``, ``CorrectionInvalid`` and the
    errors of ``storage``; then nothing was changed.
    """
    wanted = {source.pk, *([to.study.pk] if to.study else [])}
    locked = {row.pk: row for row in locks.studies(Study.objects.filter(pk__in=wanted))}
    if locked.keys() != wanted or any(locked[pk].version != version for pk, version in seen.items() if pk in locked):
        raise ChangedMeanwhile
    source = locked[source.pk]
    if to.study is not None and to.study.pk == source.pk:
        raise AlreadyThere
    chosen = _chosen(source, series, instances)
    target, attributes = reached(source, locked.get(to.study.pk) if to.study else None, to)
    group = uuid.uuid4()
    made = _put_over(source, target, chosen, attributes, group, reason=reason, actor=actor, is_split=to.study is None)
    relocation.relocate(made.places)
    _protect(source, target)
    _follow([source, target], _COLUMNS)
    _tell(source, target, group, made.objects, reason=reason, actor=actor, is_reverted=False)
    return target


@locks.begun_again
@transaction.atomic
def take_back(group: uuid.UUID, *, actor: Actor, reason: str = "") -> list[Study]:
    """Bring everything that was moved by one decision back to where it came from, later objects that followed too.

    The studies concerned, those that the images left first; none when it was taken back already. Raises ``MovedSince``.
    """
    moves = list(Move.objects.in_force().filter(group=group))
    if not moves:
        return []
    rows = Correction.objects.in_force().filter(group=group)
    there = {move.to_study_id for move in moves} | set(rows.values_list("study_id", flat=True))
    studies = locks.studies(Study.objects.filter(pk__in=there | {move.from_study_id for move in moves}))
    moves = list(Move.objects.in_force().filter(group=group).select_for_update(no_key=True))
    if not moves:
        return []
    taken = list(rows.order_by("pk").select_related("version__instance"))
    version_ids = [row.version_id for row in taken]
    later = Correction.objects.in_force().filter(version__in=version_ids).exclude(group=group).with_origin()
    since = {row.version_id: row.pk for row in taken}
    after = [row for row in later if row.pk > since[row.version_id]]
    if any(corrections.changes_uids(row.attributes) for row in after):
        raise MovedSince
    # What was decided about the study there, since, is not about the one to which the images go back.
    ended = [*taken, *(row for row in after if corrections.level_of(row.attributes) <= Level.STUDY)]
    now, who = timezone.now(), (actor.name or actor.id)[:150]
    for row in ended:
        row.reverted_at, row.reverted_by = now, who
    for move in moves:
        move.reverted_at, move.reverted_by = now, who
    Correction.objects.bulk_update(ended, ["reverted_at", "reverted_by"], batch_size=_ROWS)
    Move.objects.bulk_update(moves, ["reverted_at", "reverted_by"], batch_size=_ROWS)
    relocation.relocate(_named_places(version_ids))
    source = next(study for study in studies if study.pk == moves[0].from_study_id)
    _agree(source, version_ids, actor=actor, reason=reason)
    _protect(next(study for study in studies if study.pk == moves[0].to_study_id), source)
    _follow(studies, _COLUMNS)
    for study in studies:
        if study.pk != source.pk:
            _tell(source, study, group, len(taken), reason=reason, actor=actor, is_reverted=True)
    return [source, *(study for study in studies if study.pk != source.pk)]


def _chosen(source: Study, series: Collection[int], instances: Collection[int]) -> dict[int, list[Instance]]:
    """The instances concerned, rejected ones of whole series too, by series."""
    found: dict[int, list[Instance]] = defaultdict(list)
    rows = Instance.objects.filter(study=source).order_by("pk")
    for row in rows:
        if row.series_id in series or row.pk in instances:
            found[row.series_id].append(row)
    if not found:
        raise NothingToMove
    return dict(found)


@dataclass(slots=True)
class _Made:
    places: dict[int, Place]
    objects: int


def _put_over(
    source: Study,
    target: Study,
    chosen: Mapping[int, Sequence[Instance]],
    attributes: Mapping[str, Any],
    group: uuid.UUID,
    *,
    reason: str,
    actor: Actor,
    is_split: bool,
) -> _Made:
    """Write the decision: what goes over each version, and what later objects follow."""
    series = Series.objects.filter(study=source).in_bulk()
    totals: dict[int, int] = defaultdict(int)
    for series_id in Instance.objects.filter(study=source).values_list("series_id", flat=True):
        totals[series_id] += 1
    whole = {key: len(rows) == totals[key] for key, rows in chosen.items()}
    whole_study = all(whole.values()) and chosen.keys() == totals.keys()
    now, who = timezone.now(), (actor.name or actor.id)[:150]
    targets = {key: _series_uid(series[key], target, is_whole=whole[key]) for key in chosen}
    said = {
        key: dict(attributes) if whole[key] else {**attributes, **uid_of(correctable.SERIES_UID, targets[key])}
        for key in chosen
    }
    of_instance = {row.pk: key for key, rows in chosen.items() for row in rows}
    made, persons = _decisions(source, target, of_instance, said, group)
    for row in made:
        row.origin, row.reason, row.made_by = Correction.Origin.MOVED, reason[:200], who
    Correction.objects.bulk_create(made, batch_size=_ROWS)
    Move.objects.bulk_create(
        Move(
            group=group,
            from_study=source,
            from_series_uid=series[key].series_instance_uid,
            to_study=target,
            to_series_uid=targets[key],
            whole_series=whole[key],
            whole_study=whole_study,
            is_split=is_split,
            object_count=len(rows),
            attributes=said[key],
            persons=persons[key],
            reason=reason[:200],
            made_by=who,
            made_at=now,
        )
        for key, rows in sorted(chosen.items())
    )
    return _Made({pk: Place(target, targets[key]) for pk, key in of_instance.items()}, len(of_instance))


def _decisions(
    source: Study,
    target: Study,
    of_instance: Mapping[int, int],
    said: Mapping[int, Mapping[str, Any]],
    group: uuid.UUID,
) -> tuple[list[Correction], dict[int, list[list[str]]]]:
    """What goes over each version of the chosen instances (by their series), and whom the headers of each series name."""
    versions = InstanceVersion.objects.filter(instance__in=of_instance).select_related("instance").in_bulk()
    persons: dict[int, list[list[str]]] = defaultdict(list)
    made: list[Correction] = []
    assumed = _assumed_of(target)
    for pk, received, changes in metadata.received_records(source):
        if pk not in versions:
            continue
        version = versions[pk]
        key = of_instance[version.instance_id]
        version.instance.study = source
        person = list(study_corrections.person_of(received))
        if person not in persons[key]:
            persons[key].append(person)
        shown = {**received, **corrections.merged(changes)}
        differing = {
            tag: element
            for tag, element in said[key].items()
            if tag in correctable.UIDS or shown.get(tag, {"vr": element["vr"]}) != element
        }
        made.append(study_corrections.by_hand(version, received, differing, group=group, assumed=assumed))
    return made, persons


def _series_uid(series: Series, target: Study, *, is_whole: bool) -> str:
    """A series that goes as a whole keeps its UID; a part of one gets the same there, however often parts of it go there."""
    if is_whole:
        return series.series_instance_uid
    text = f"{series.series_instance_uid} in {target.study_instance_uid}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    found = f"2.25.{uuid.UUID(int=number, version=4).int}"
    taken = Series.objects.filter(series_instance_uid=found).exclude(study=target).exists()
    return uids.new_uid() if taken else found


def _assumed_of(target: Study) -> dict[str, Any]:
    return {
        "issuer_of_patient_id": target.patient.issuer_of_patient_id,
        "study_at": target.study_at.isoformat(),
        "study_time_known": target.study_time_known,
    }


def _named_places(version_ids: Sequence[int]) -> dict[int, Place]:
    """Where instances belong by what is put over them still: their headers say it."""
    rows = InstanceVersion.objects.filter(pk__in=version_ids).select_related("instance__series__study", "stored_object")
    changes = study_corrections.changes_of(row.pk for row in rows)
    named: dict[int, tuple[str, str]] = {}
    for row in rows:
        record = {**metadata.received_record(row), **corrections.merged(changes.get(row.pk, ()))}
        study_uid = correctable.text_of(record[correctable.STUDY_UID])
        named[row.instance_id] = study_uid, correctable.text_of(record[correctable.SERIES_UID])
    studies = Study.objects.filter(study_instance_uid__in={uid for uid, _series in named.values()})
    by_uid = {study.study_instance_uid: study for study in studies}
    return {pk: Place(by_uid[study_uid], series_uid) for pk, (study_uid, series_uid) in named.items()}


def _agree(study: Study, version_ids: Sequence[int], *, actor: Actor, reason: str) -> None:
    """Images that come back to a study that was corrected meanwhile get what its others say."""
    others = InstanceVersion.objects.current().filter(instance__study=study, instance__is_rejected=False)
    other = others.exclude(pk__in=version_ids).select_related("instance__series__study", "stored_object").first()
    if other is None:
        return
    wanted = valid(metadata.instance_record(other), correctable.IDENTITY)
    group, made = uuid.uuid4(), []
    assumed = corrected_columns.assumed(study, metadata.received_record(other))
    versions = InstanceVersion.objects.filter(pk__in=version_ids, instance__study=study).select_related("instance")
    by_pk = versions.in_bulk()
    for pk, received, changes in metadata.received_records(study):
        shown = {**received, **corrections.merged(changes)}
        if pk not in by_pk or all(shown.get(tag, {"vr": one["vr"]}) == one for tag, one in wanted.items()):
            continue
        by_pk[pk].instance.study = study
        row = study_corrections.by_hand(by_pk[pk], received, wanted, group=group, assumed=assumed)
        row.origin, row.reason, row.made_by = Correction.Origin.MOVED, reason[:200], (actor.name or actor.id)[:150]
        made.append(row)
    Correction.objects.bulk_create(made, batch_size=_ROWS)


def _protect(source: Study, target: Study) -> None:
    """What came out of a protected study, or from a protected patient, is as protected where it is now."""
    there = Protection.objects.live()
    labels = list(there.filter(study=source).select_related("set_by"))
    if source.patient_id != target.patient_id:
        labels += there.filter(patient=source.patient_id).select_related("set_by")
    known = set(there.filter(study=target).values_list("label", flat=True))
    known |= set(there.filter(patient=target.patient_id).values_list("label", flat=True))
    for entry in labels:
        if entry.label not in known:
            known.add(entry.label)
            Protection.objects.create(
                study=target,
                label=entry.label,
                reason=entry.reason,
                set_by=entry.set_by,
                origin=Protection.Origin.MOVED,
            )


def _follow(studies: Sequence[Study], changed: frozenset[str]) -> None:
    """Marks, columns, counts and labels of all studies concerned, and who hears of it."""
    for study in studies:
        study_corrections.refresh_marks(study)
        study.save(update_fields=["is_corrected"])
    lost = corrected_columns.refresh(dict.fromkeys(studies, changed)).lost
    lost += labelling.refresh(studies)
    for study in studies:
        recounting.recount(study)
    kinds = (Event.Kind.STUDY_CHANGED, Event.Kind.STUDY_SETTLED)
    events.append_many([events.Happened(kind, study.study_instance_uid) for study in studies for kind in kinds])
    feed.write((), lost)


def _tell(
    source: Study, target: Study, group: uuid.UUID, objects: int, *, reason: str, actor: Actor, is_reverted: bool
) -> None:
    """One event under each of the two studies, for each of the two patients."""
    detail = {
        "from": source.study_instance_uid,
        "to": target.study_instance_uid,
        "objects": objects,
        "reason": reason,
        "reverted": is_reverted,
        "group": str(group),
    }
    audit.record_many(
        audit.Entry(
            action=audit.Action.IMAGES_MOVED,
            actor=actor,
            subject_type="study",
            subject_uid=study.study_instance_uid,
            patient_id=study.patient.patient_id,
            issuer_of_patient_id=study.patient.issuer_of_patient_id,
            detail=detail,
        )
        for study in (source, target)
    )
