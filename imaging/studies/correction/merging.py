"""Two records of one person: everything of one patient is another's, what comes later too, until it is taken back (ADT A40).

The studies are corrected as any are; the row of the merged patient stays, empty, and tells where its studies went. Labels,
grants and choices go along, the stricter of two choices, and come back.
"""

import uuid
from collections.abc import Iterable
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.events import changes as feed
from imaging.events import services as events
from imaging.events.models import Event
from imaging.studies.correction import correcting
from imaging.studies.correction.destinations import ChangedMeanwhile, identity_of
from imaging.studies.models import Correction, Grant, Patient, PatientChoice, PatientMerge, Protection, Study
from imaging.studies.rows import granting, labelling, locks

#: Merges of merged patients that are followed.
_MOST: Final = 20


class MergedAlready(ValueError):
    """One of the two patients is merged into another one."""


class NotMergeable(ValueError):
    """The two are the same, or the one that is to remain has no number."""


def survivor(patient: Patient) -> Patient:
    """The patient whose the studies of this one are now."""
    for _step in range(_MOST):
        link = PatientMerge.objects.in_force().filter(merged=patient).select_related("into").first()
        if link is None:
            break
        patient = link.into
    return patient


@locks.begun_again
@transaction.atomic
def merge(merged: Patient, into: Patient, *, reason: str, actor: Actor) -> PatientMerge:
    """Make everything of ``merged`` that of ``into``. Raises ``MergedAlready``, ``NotMergeable`` and ``ChangedMeanwhile``."""
    if merged.pk == into.pk:
        raise NotMergeable
    studies = locks.studies(Study.objects.filter(patient__in=[merged, into]))
    if Patient.objects.filter(pk__in=[merged.pk, into.pk]).count() < 2:
        raise ChangedMeanwhile
    locked = locks.patients([merged.pk, into.pk])
    merged, into = locked[merged.pk], locked[into.pk]
    if not into.patient_id:
        raise NotMergeable
    if PatientMerge.objects.in_force().filter(merged__in=[merged, into]).exists():
        raise MergedAlready
    link = PatientMerge.objects.create(
        merged=merged,
        into=into,
        group=uuid.uuid4(),
        carried=_carry(merged, into, actor),
        reason=reason[:200],
        made_by=(actor.name or actor.id)[:150],
        made_at=timezone.now(),
    )
    _correct(link, actor=actor)
    _follow(studies)
    _record(link, reason=reason, actor=actor, is_reverted=False)
    return link


@locks.begun_again
@transaction.atomic
def part(link: PatientMerge, *, actor: Actor, reason: str = "") -> bool:
    """Take a merge back: what was the merged patient's is again. False when that was done already.

    Raises ``MergedAlready`` while the remaining patient is merged into another one, and ``CorrectionInvalid`` where a study
    would be left with two patients.
    """
    studies = locks.studies(Study.objects.filter(patient__in=[link.merged_id, link.into_id]))
    locks.patients([link.merged_id, link.into_id])
    link = PatientMerge.objects.select_for_update(no_key=True).select_related("merged", "into").get(pk=link.pk)
    if link.reverted_at is not None:
        return False
    if PatientMerge.objects.in_force().filter(merged=link.into).exists():
        raise MergedAlready
    link.reverted_at, link.reverted_by = timezone.now(), (actor.name or actor.id)[:150]
    link.save(update_fields=["reverted_at", "reverted_by"])
    _bring_back(link, actor)
    row = Correction.objects.in_force().filter(group=link.group).first()
    if row is not None:
        correcting.revert(row, actor=actor, reason=reason)
    _follow(studies)
    _record(link, reason=reason, actor=actor, is_reverted=True)
    return True


@locks.begun_again
def follow(study_instance_uid: str) -> None:
    """Give a study that came for a merged patient to the one that remains. A step of the pipeline: idempotent."""
    found = Study.objects.filter(study_instance_uid=study_instance_uid).values_list("patient_id", flat=True).first()
    link = PatientMerge.objects.in_force().filter(merged=found).select_related("merged", "into").first()
    while link is not None:
        _correct(link, actor=Actor(kind="system", id="merge", name=link.made_by))
        link = PatientMerge.objects.in_force().filter(merged=link.into).select_related("merged", "into").first()


def _correct(link: PatientMerge, *, actor: Actor) -> None:
    correcting.correct(
        link.merged,
        identity_of(link.into),
        reason=link.reason,
        actor=actor,
        origin=Correction.Origin.MERGED,
        group=link.group,
    )


def _carry(merged: Patient, into: Patient, actor: Actor) -> dict[str, Any]:
    """Hand over labels, grants and choices; what is needed to bring them back."""
    labels = Protection.objects.live().filter(patient=merged)
    known = Protection.objects.live().filter(patient=into).values_list("label", flat=True)
    doubled = [[row.label, row.reason, row.set_by_id] for row in labels.filter(label__in=list(known))]
    labels.filter(label__in=list(known)).update(lifted_at=timezone.now(), lifted_by=(actor.name or actor.id)[:150])
    handed = list(labels.values_list("pk", flat=True))
    Protection.objects.filter(pk__in=handed).update(patient=into)
    grants = list(Grant.objects.live().filter(patient=merged).values_list("pk", flat=True))
    Grant.objects.filter(pk__in=grants).update(patient=into)
    return {"labels": handed, "doubled": doubled, "grants": grants, **_carry_choices(merged, into, actor)}


def _carry_choices(merged: Patient, into: Patient, actor: Actor) -> dict[str, Any]:
    """Of two answers about one use the opposition holds; where only one patient has answered, that answer does."""
    theirs = {row.use: row for row in PatientChoice.objects.in_force().filter(patient=into)}
    handed, ended = [], []
    for row in PatientChoice.objects.in_force().filter(patient=merged):
        other = theirs.get(row.use)
        if other is not None and other.answer in {PatientChoice.Answer.OPPOSED, row.answer}:
            continue
        if other is not None:
            _end(other, actor)
            ended.append(other.pk)
        row.patient = into
        row.save(update_fields=["patient"])
        handed.append(row.pk)
    return {"choices": handed, "ended": ended}


def _end(choice: PatientChoice, actor: Actor) -> None:
    choice.withdrawn_at, choice.withdrawn_by = timezone.now(), (actor.name or actor.id)[:150]
    choice.save(update_fields=["withdrawn_at", "withdrawn_by"])


def _bring_back(link: PatientMerge, actor: Actor) -> None:
    carried = link.carried
    Protection.objects.live().filter(pk__in=carried["labels"], patient=link.into).update(patient=link.merged)
    Protection.objects.bulk_create(
        Protection(patient=link.merged, label=label, reason=why, set_by_id=by) for label, why, by in carried["doubled"]
    )
    Grant.objects.filter(pk__in=carried["grants"], patient=link.into).update(patient=link.merged)
    PatientChoice.objects.in_force().filter(pk__in=carried["choices"], patient=link.into).update(patient=link.merged)
    answered = set(PatientChoice.objects.in_force().filter(patient=link.into).values_list("use", flat=True))
    for row in PatientChoice.objects.filter(pk__in=carried["ended"]).exclude(use__in=answered):
        # What was ended stays told as that; the same answer holds again.
        row.pk, row._state.adding = None, True
        row.withdrawn_at, row.withdrawn_by, row.recorded_by = None, "", (actor.name or actor.id)[:150]
        row.save()


def _follow(studies: Iterable[Study]) -> None:
    """Labels and granted placements of all studies of both patients."""
    rows = list(Study.objects.filter(pk__in=[study.pk for study in studies]).select_related("patient"))
    lost = labelling.refresh(rows)
    granting.refresh(row.pk for row in rows)
    events.append_many([events.Happened(Event.Kind.STUDY_CHANGED, row.study_instance_uid) for row in rows])
    feed.write((), lost)


def _record(link: PatientMerge, *, reason: str, actor: Actor, is_reverted: bool) -> None:
    audit.record_many(
        audit.Entry(
            action=audit.Action.PATIENTS_MERGED,
            actor=actor,
            subject_type="patient",
            subject_uid=str(patient.pk),
            patient_id=patient.patient_id,
            issuer_of_patient_id=patient.issuer_of_patient_id,
            detail={
                "merged": link.merged.patient_id,
                "into": link.into.patient_id,
                "reason": reason,
                "reverted": is_reverted,
                "group": str(link.group),
            },
        )
        for patient in (link.merged, link.into)
    )
