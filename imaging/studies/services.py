"""Writes to the archive's four levels. Every caller says who acts; every change is in one transaction with its audit."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.labels import Label
from accounts.models import Department
from imaging.dicom.correctable import CorrectionInvalid
from imaging.events import services as events
from imaging.events.models import Event
from imaging.storage.models import StoredObject
from imaging.studies import protecting
from imaging.studies.correction import correcting
from imaging.studies.correction.choosing import NotAChoice, choose_version
from imaging.studies.correction.correcting import Target
from imaging.studies.correction.destinations import ChangedMeanwhile, Destination
from imaging.studies.correction.merging import MergedAlready, NotMergeable
from imaging.studies.correction.merging import follow as follow_merge
from imaging.studies.correction.merging import merge as merge_patients
from imaging.studies.correction.merging import part as part_patients
from imaging.studies.correction.moving import AlreadyThere, MovedSince, NothingToMove, move
from imaging.studies.correction.moving import take_back as take_back_move
from imaging.studies.correction.rejecting import NothingToReject, heed_notes, reject
from imaging.studies.correction.rejecting import take_back as take_back_rejection
from imaging.studies.models import (
    GRANTED,
    Correction,
    Grant,
    InstanceVersion,
    Patient,
    PatientMerge,
    Placement,
    Protection,
    Series,
    Study,
)
from imaging.studies.protecting import ReasonMissing
from imaging.studies.reading import metadata
from imaging.studies.registering.registration import Registration
from imaging.studies.rows import granting, locks, placement, status
from imaging.studies.rows.departures import take_departures
from imaging.studies.rows.incoming import Batch, IncomingInstance, PlannedPlacement, Registered, State
from imaging.studies.rows.status import heed_failures, heed_steps

__all__ = [
    "AlreadyThere",
    "ChangedMeanwhile",
    "Destination",
    "IncomingInstance",
    "MergedAlready",
    "MovedSince",
    "NotAChoice",
    "NotMergeable",
    "NothingToMove",
    "NothingToReject",
    "PlannedPlacement",
    "ReasonMissing",
    "Registered",
    "State",
    "attach_frames",
    "change_placement",
    "choose_version",
    "compact",
    "compact_study",
    "correct",
    "end_grant",
    "follow_merge",
    "grant",
    "heed_failures",
    "heed_notes",
    "heed_steps",
    "hold",
    "lift_protection",
    "merge_patients",
    "move",
    "part_patients",
    "place_study",
    "protect",
    "register",
    "reject",
    "remove_placement",
    "revert",
    "set_thumbnails",
    "settle",
    "take_back_move",
    "take_back_rejection",
    "take_departures",
]


@locks.begun_again
def register(batch: Batch, *, actor: Actor) -> list[Registered]:
    """Register a batch of received instances in one transaction; one answer per instance, in order.

    The answers ``NEW``, ``DUPLICATE`` and ``CONFLICT`` mean that the archive holds the bytes and the spool may let go
    of them after this returns. The other answers wrote nothing for that instance: ``STALE`` asks for a new plan, the
    conflicts belong into quarantine. Raises the errors of ``storage``, and ``ValueError`` for a new study without
    placement: then nothing of the batch was written.
    """
    if not batch:
        return []
    # Begun again when another registrar takes one of the SOP Instance UIDs for another study meanwhile: it is judged anew.
    with transaction.atomic():
        return Registration(batch, actor=actor).run()


@locks.begun_again
def correct(
    target: Target, attributes: Mapping[str, Any], *, reason: str, actor: Actor, origin: str = Correction.Origin.DESK
) -> list[Correction]:
    """Put attributes over what was received of a patient, a study, a series or some versions; see ``correcting.correct``.

    ``attributes`` is a DICOM JSON object. Raises ``CorrectionInvalid``, and the errors of ``storage`` when headers cannot
    be read; then nothing was changed.
    """
    return correcting.correct(target, attributes, reason=reason, actor=actor, origin=origin)


@locks.begun_again
def revert(correction: Correction, *, actor: Actor, reason: str = "") -> list[Correction]:
    """Take back all that was decided together with ``correction``; see ``correcting.revert``.

    What belongs to a merge of patients is taken back with it: raises ``CorrectionInvalid`` (``part_of_merge``).
    """
    if PatientMerge.objects.in_force().filter(group=correction.group).exists():
        raise CorrectionInvalid("", "is taken back with the merge of the patients", code="part_of_merge")
    return correcting.revert(correction, actor=actor, reason=reason)


@locks.begun_again
def protect(target: Patient | Study, label: Label | str, *, reason: str, actor: Actor) -> Protection:
    """Put a label on a patient, with all studies there are and will be, or on a study; see ``protecting.protect``."""
    return protecting.protect(target, label, reason=reason, actor=actor)


@locks.begun_again
def lift_protection(protection: Protection, *, reason: str, actor: Actor) -> bool:
    """Take a label off a patient or a study; see ``protecting.lift_protection``."""
    return protecting.lift_protection(protection, reason=reason, actor=actor)


def attach_frames(version: InstanceVersion, *, frames: StoredObject, frame_index: bytes) -> None:
    """Serve the frames of a version from a converted content; ``frame_index`` says where they lie in it.

    Headers speak of the converted frames from the beginning, so that nobody who has read them needs to read them again.
    """
    version.frames_object = frames
    version.frame_index = frame_index
    version.save(update_fields=["frames_object", "frame_index"])


def set_thumbnails(*, series: Series, thumbnail: StoredObject, of_study: bool = False) -> None:
    """Show a picture for a series, and for its study too when it is the one that represents it (or has none yet)."""
    with transaction.atomic():
        # The study first (`rows.locks`): the other order would have this and a registration wait for each other.
        study = Study.objects.filter(pk=series.study_id)
        if not of_study:
            study = study.filter(thumbnail=None)
        study.update(thumbnail=thumbnail)
        Series.objects.filter(pk=series.pk).update(thumbnail=thumbnail)


def settle(study_instance_uid: str) -> bool:
    """Mark a study as complete for now; it reopens when more arrives. False when there was nothing to mark.

    A study that has grown since the event that this follows has a later event waiting, and is left to that one.
    """
    later = Event.objects.filter(
        kind=Event.Kind.STUDY_SETTLED, subject_uid=OuterRef("study_instance_uid"), drained_at=None
    )
    found = Study.objects.filter(~Exists(later), study_instance_uid=study_instance_uid, settled_at=None)
    with transaction.atomic():
        settled = found.update(settled_at=timezone.now()) > 0
        status.refresh([study_instance_uid])
    return settled


def compact(series: Series) -> None:
    """Join the metadata segments of a quiet series into one; see ``metadata.compact``."""
    metadata.compact(series)


def compact_study(study_instance_uid: str) -> None:
    """Join the metadata segments of every series of a quiet study."""
    for series in Series.objects.filter(study__study_instance_uid=study_instance_uid):
        compact(series)


def place_study(study: Study, plan: PlannedPlacement, *, actor: Actor, until: datetime | None = None) -> Placement:
    """Place a study in one more department. A department that has it already keeps its placement as it is."""
    with transaction.atomic():
        (locked,) = locks.studies(Study.objects.filter(pk=study.pk))
        here = Placement.objects.filter(study=locked, department_id=plan.department_id)
        known = here.live().exclude(kind__in=GRANTED).first()
        if known is not None:
            return known
        # One that has ended and was not yet taken away (nobody need hear of its end any more), or what a grant gave: less.
        here.delete()
        locked.patient = locks.patients([locked.patient_id])[locked.patient_id]
        placed = placement.row(locked, plan)
        placed.until = until
        placed.save()
        _record_placement(audit.Action.STUDY_PLACED, placed, actor)
        return placed


def change_placement(placed: Placement, *, actor: Actor) -> None:
    """Save the end and the kind of a placement that a person has changed."""
    with transaction.atomic():
        placed.save(update_fields=["kind", "until"])
        _record_placement(audit.Action.STUDY_PLACED, placed, actor)


def remove_placement(placed: Placement, *, actor: Actor) -> None:
    """Take a study out of a department, at once. The row goes when the department's readers are told (``departures``).

    What was granted to the department beside it holds again.
    """
    with transaction.atomic():
        (locked,) = locks.studies(Study.objects.filter(pk=placed.study_id))
        locks.patients([locked.patient_id])
        _record_placement(audit.Action.STUDY_REMOVED, placed, actor)
        Placement.objects.filter(pk=placed.pk).live().update(until=timezone.now())
        granting.refresh([locked.pk])


def grant(
    target: Patient | Study,
    *,
    holder: Department,
    gives: Grant.Gives,
    basis: Grant.Basis,
    actor: Actor,
    until: datetime | None,
    reason: str = "",
    source: str = "",
) -> Grant:
    """Open a study, or a patient with all studies there are and will be, to a department or a person's own place.

    With a ``source`` it is made once: the live grant that follows from it already is returned as it is. Raises
    ``ValueError`` for an emergency of a department: the glass is broken by one person, for that person.
    """
    if gives is Grant.Gives.EMERGENCY and not holder.is_personal:
        raise ValueError("an emergency is one person's")
    with transaction.atomic():
        patient = target if isinstance(target, Patient) else None
        study = target if isinstance(target, Study) else None
        concerned = _lock_concerned(patient, study)
        if source and (known := Grant.objects.live().filter(holder=holder, source=source).first()) is not None:
            return known
        made = Grant.objects.create(
            holder=holder,
            patient=patient,
            study=study,
            gives=gives,
            basis=basis,
            reason=reason[:200],
            source=source,
            granted_by_id=int(actor.id) if actor.kind == "user" and actor.id.isdigit() else None,
            until=until,
        )
        _follow_grant(audit.Action.GRANT_STARTED, made, concerned, actor)
        return made


def end_grant(held: Grant, *, actor: Actor) -> bool:
    """End a grant at once, at every door; False when it has ended already."""
    with transaction.atomic():
        concerned = _lock_concerned(held.patient, held.study)
        ended = Grant.objects.live().filter(pk=held.pk)
        if not ended.update(ended_at=timezone.now(), ended_by=(actor.name or actor.id)[:150]):
            return False
        _follow_grant(audit.Action.GRANT_ENDED, held, concerned, actor)
        return True


def hold(studies: Iterable[int]) -> list[Study]:
    """Lock these studies and their patients, before several changes in one transaction (`rows.locks`); as they are then.

    One after the other they would hold the patient already when they come to the second study.
    """
    locked = locks.studies(Study.objects.filter(pk__in=list(studies)))
    locks.patients(study.patient_id for study in locked)
    return locked


def _lock_concerned(patient: Patient | None, study: Study | None) -> list[int]:
    """Lock what a grant is about (`rows.locks`); the studies that it opens now."""
    if study is not None:
        (locked,) = locks.studies(Study.objects.filter(pk=study.pk))
        locks.patients([locked.patient_id])
        return [locked.pk]
    keys = [patient.pk] if patient is not None else []
    locks.patients(keys)
    return list(Study.objects.filter(patient__in=keys).values_list("pk", flat=True))


def _follow_grant(action: audit.Action, held: Grant, concerned: list[int], actor: Actor) -> None:
    """Place or take away what the grant is about; tell the audit, and who follows the changes."""
    changed = granting.refresh(concerned)
    patient = held.patient or (held.study.patient if held.study else None)
    audit.record(
        action,
        actor=actor,
        subject_type="study" if held.study else "patient",
        subject_uid=held.study.study_instance_uid if held.study else str(held.patient_id),
        patient_id=patient.patient_id if patient else "",
        issuer_of_patient_id=patient.issuer_of_patient_id if patient else "",
        detail={
            "grant": held.pk,
            "holder": held.holder.code,
            "gives": held.gives,
            "basis": held.basis,
            "reason": held.reason,
            "until": held.until,
        },
    )
    if held.holder.is_personal:
        return  # no machine follows what one person sees
    uids = (
        Study.objects.filter(pk__in=changed).order_by("study_instance_uid").values_list("study_instance_uid", flat=True)
    )
    events.append_many([events.Happened(Event.Kind.STUDY_CHANGED, uid) for uid in uids])


def _record_placement(action: audit.Action, placed: Placement, actor: Actor) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=placed.study.study_instance_uid,
        patient_id=placed.patient_id,
        issuer_of_patient_id=placed.study.patient.issuer_of_patient_id,
        detail={
            "department": placed.department_id,
            "kind": placed.kind,
            "until": placed.until.isoformat() if placed.until else None,
            "reason": placed.reason_code,
        },
    )
    events.append(kind=Event.Kind.STUDY_CHANGED, subject_uid=placed.study.study_instance_uid)
