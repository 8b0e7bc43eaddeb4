"""Correcting what was received about a study, and taking a correction back: rows, lists, audit and event in one transaction.

A study is one patient's as a whole: what concerns the patient or the study is put over every version of it, the conflicting
and the rejected ones too. Rows are locked in the one order of ``rows.locks``.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.dicom import correctable, corrections
from imaging.dicom.correctable import CorrectionInvalid, Level
from imaging.events import changes as feed
from imaging.events import services as events
from imaging.events.models import Event
from imaging.studies.correction import corrected_columns
from imaging.studies.models import Correction, InstanceVersion, Patient, Series, Study
from imaging.studies.reading import corrections as study_corrections
from imaging.studies.reading import metadata
from imaging.studies.rows import locks

#: What a decision may be about.
Target = Patient | Study | Series | Sequence[InstanceVersion]

_ROWS: Final = 1000
_TAGS_IN_AUDIT: Final = 40


@transaction.atomic
def correct(
    target: Target,
    attributes: Mapping[str, Any],
    *,
    reason: str,
    actor: Actor,
    origin: str = Correction.Origin.DESK,
    group: uuid.UUID | None = None,
) -> list[Correction]:
    """Put attributes over what was received; the new rows, one per version, none where everything already said so.

    What speaks of the patient or the study concerns the whole study, what speaks of the series the whole series, however
    few versions were named. Raises ``CorrectionInvalid`` for values that cannot be, for identifiers of objects (they decide
    where an object lies, and are only given on its way in), and for attributes of different levels that would spread a
    detail of one image over others. ``group`` names the decision of which this is a part, if it is.
    """
    attributes = corrections.normalised(attributes)
    if corrections.changes_uids(attributes):
        tag = min(correctable.UIDS & attributes.keys())
        raise CorrectionInvalid(tag, "cannot be changed once an object is in the archive", code="identifier_in_use")
    studies = locks.studies(Study.objects.filter(pk__in=list(_versions(target, attributes))))
    # Once more: an object that was on its way into a study has arrived while its row was waited for.
    wanted = _versions(target, attributes)
    group = group or uuid.uuid4()
    made: dict[Study, list[Correction]] = {}
    for study in studies:
        rows = _rows(study, wanted.get(study.pk, ()), attributes, group)
        for row in rows:
            row.origin, row.reason = Correction.Origin(origin), reason[:200]
            row.made_by = (actor.name or actor.id)[:150]
        Correction.objects.bulk_create(rows, batch_size=_ROWS)
        if rows:
            made[study] = rows
    _follow(made, actor=actor, reason=reason, within=studies, is_reverted=False)
    return [row for rows in made.values() for row in rows]


@transaction.atomic
def revert(correction: Correction, *, actor: Actor, reason: str = "") -> list[Correction]:
    """Take back everything that was decided together with ``correction``: what was received, or corrected before, shows again.

    The reverted rows; none when that was done already. Raises ``CorrectionInvalid`` for a correction of identifiers, and when
    objects of another patient would be left in the study: these have to be withdrawn instead.
    """
    found = Correction.objects.in_force().filter(group=correction.group)
    studies = locks.studies(Study.objects.filter(pk__in=found.values("study_id")))
    reverted: dict[Study, list[Correction]] = {}
    for study in studies:
        rows = list(found.filter(study=study).select_related("version__instance"))
        attributes = _attributes(rows)
        if corrections.changes_uids(attributes):
            tag = min(correctable.UIDS & attributes.keys())
            raise CorrectionInvalid(tag, "decides where the object lies", code="identifier_in_use")
        now = timezone.now()
        for row in rows:
            row.reverted_at, row.reverted_by = now, (actor.name or actor.id)[:150]
        Correction.objects.bulk_update(rows, ["reverted_at", "reverted_by"], batch_size=_ROWS)
        if rows:
            reverted[study] = rows
    _follow(reverted, actor=actor, reason=reason, within=studies, is_reverted=True)
    return [row for rows in reverted.values() for row in rows]


def _attributes(rows: Sequence[Correction]) -> dict[str, Any]:
    """What these corrections put over what was received, of one study or one decision."""
    return {tag: element for row in rows for tag, element in row.attributes.items()}


def _versions(target: Target, attributes: corrections.Attributes) -> dict[int, Collection[int]]:
    """Primary keys of the versions concerned, by study."""
    versions = InstanceVersion.objects.all()
    if isinstance(target, Patient):
        found = versions.filter(instance__study__patient=target)
    elif isinstance(target, Study):
        found = versions.filter(instance__study=target)
    else:
        found = _widened(target, attributes)
    wanted: dict[int, set[int]] = defaultdict(set)
    for pk, study_id in found.values_list("pk", "instance__study_id"):
        wanted[study_id].add(pk)
    return dict(wanted)


def _widened(target: Series | Sequence[InstanceVersion], attributes: corrections.Attributes) -> Any:
    """The versions of a series, or those named, or all that the attributes speak of."""
    widest = corrections.level_of(attributes)
    narrowest = max(correctable.LEVELS[tag] for tag in attributes)
    named = Level.SERIES if isinstance(target, Series) else Level.INSTANCE
    if widest >= named:
        concerned = {"instance__series": target} if isinstance(target, Series) else {"pk__in": [v.pk for v in target]}
        return InstanceVersion.objects.filter(**concerned)
    if narrowest > max(widest, Level.STUDY):
        raise CorrectionInvalid(
            next(tag for tag in attributes if correctable.LEVELS[tag] is narrowest),
            "speaks of less than the others: correct it by itself",
            code="mixed_levels",
        )
    series = [target.pk] if isinstance(target, Series) else [version.instance.series_id for version in target]
    if widest is Level.SERIES:
        return InstanceVersion.objects.filter(instance__series__in=series)
    return InstanceVersion.objects.filter(instance__study__series__in=series).distinct()


def _rows(
    study: Study, wanted: Collection[int], attributes: corrections.Attributes, group: uuid.UUID
) -> list[Correction]:
    """A row for each version that does not say so already."""
    versions = InstanceVersion.objects.filter(pk__in=list(wanted)).select_related("instance").in_bulk()
    for version in versions.values():
        version.instance.study = study
    assumed: Mapping[str, Any] | None = None
    rows = []
    for pk, received, changes in metadata.received_records(study):
        if pk not in versions:
            continue
        shown = {**received, **corrections.merged(changes)}
        if all(shown.get(tag) == element for tag, element in attributes.items()):
            continue
        if assumed is None:
            assumed = corrected_columns.assumed(study, received)
        rows.append(study_corrections.by_hand(versions[pk], received, attributes, group=group, assumed=assumed))
    return rows


def _follow(
    changed: Mapping[Study, Sequence[Correction]],
    *,
    actor: Actor,
    reason: str,
    within: Sequence[Study],
    is_reverted: bool,
) -> None:
    """Everything that follows from a change of what is put over studies: columns, patients, versions, audit, events."""
    before = {study: study.patient for study in changed}
    for study in changed:
        study_corrections.refresh_marks(study)
    columns = {study: frozenset(_attributes(rows)) for study, rows in changed.items()}
    lost = corrected_columns.refresh(columns, within=[study.pk for study in within]).lost
    happened = []
    for study, rows in changed.items():
        series = {row.version.instance.series_id for row in rows}
        for one in Series.objects.filter(pk__in=series).order_by("series_instance_uid"):
            one.version += 1
            one.save(update_fields=["version"])
        study.version += 1
        study.save(update_fields=["version", "is_corrected"])
        _record(study, rows, actor=actor, reason=reason, before=before[study], is_reverted=is_reverted)
        # Pictures that show words of the headers are drawn anew: small ones at once, large ones as when a study is complete.
        kinds = (Event.Kind.STUDY_CHANGED, Event.Kind.STUDY_SETTLED)
        happened += [events.Happened(kind, study.study_instance_uid) for kind in kinds]
    events.append_many(happened)
    feed.write((), lost)


def _record(
    study: Study,
    rows: Sequence[Correction],
    *,
    actor: Actor,
    reason: str,
    before: Patient,
    is_reverted: bool,
) -> None:
    """One event under the ID that the study had, and one for the patient under the ID that it has now."""
    attributes = _attributes(rows)
    detail = {
        "attributes": sorted(attributes)[:_TAGS_IN_AUDIT],
        "objects": len(rows),
        "reason": reason,
        "reverted": is_reverted,
        "group": str(rows[0].group),
    }
    subject: dict[str, Any] = {"actor": actor, "subject_type": "study", "subject_uid": study.study_instance_uid}
    entries = [
        audit.Entry(
            action=audit.Action.STUDY_CORRECTED,
            patient_id=before.patient_id,
            issuer_of_patient_id=before.issuer_of_patient_id,
            detail=detail,
            **subject,
        )
    ]
    if not set(correctable.IDENTITY).isdisjoint(attributes):
        entries.append(
            audit.Entry(
                action=audit.Action.PATIENT_CORRECTED,
                patient_id=study.patient.patient_id,
                issuer_of_patient_id=study.patient.issuer_of_patient_id,
                detail={**detail, "was": before.patient_id},
                **subject,
            )
        )
    audit.record_many(entries)
