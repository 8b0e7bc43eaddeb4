"""Putting annotations and flags on images, and taking them away: each reader their own, every one on record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.studies import markings
from imaging.studies.markings import MarkingInvalid
from imaging.studies.models import Annotation, Instance, KeyImage, Study


class MarkingNotYours(PermissionError):
    """Somebody else put it there."""


class MarkingAbsent(LookupError):
    """There is none of this key on this study."""


class MarkingChanged(Exception):
    """It was changed elsewhere since the reader saw it. ``current`` is how it is now."""

    def __init__(self, current: Annotation) -> None:
        super().__init__(str(current.key))
        self.current = current


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An annotation as its author drew it. ``seen`` is the version that the author's page knew; None for a new one."""

    key: UUID
    instance: Instance
    frame_number: int
    tool: str
    shape: object
    seen: str | None = None


def version_of(annotation: Annotation) -> str:
    """What tells two states of an annotation apart."""
    return _stamp(annotation.changed_at)


def save_annotation(drawn: Drawn, *, author: User, actor: Actor) -> Annotation:
    """Keep an annotation as it is drawn now: the same request twice is the same answer, and nobody's newer one is overwritten.

    Raises ``MarkingInvalid``, ``MarkingNotYours``, ``MarkingAbsent`` for a key of another study, and ``MarkingChanged`` when
    another page of the same author changed it meanwhile.
    """
    shape = markings.checked_shape(drawn.tool, drawn.shape)
    _check_frame(drawn.instance, drawn.frame_number)
    try:
        with transaction.atomic():
            return _save(drawn, shape, author, actor)
    except IntegrityError:
        # The other tab made it a moment ago: now there is one to compare with.
        with transaction.atomic():
            return _save(drawn, shape, author, actor)


def _save(drawn: Drawn, shape: dict[str, Any], author: User, actor: Actor) -> Annotation:
    study = drawn.instance.study
    known = Annotation.objects.select_for_update().filter(key=drawn.key).first()
    if known is None:
        _check_room(study, author)
        row = Annotation.objects.create(
            key=drawn.key,
            study=study,
            instance=drawn.instance,
            frame_number=drawn.frame_number,
            author=author,
            tool=drawn.tool,
            shape=shape,
        )
        _record(audit.Action.ANNOTATION_SAVED, row, actor, new=True)
        return row
    _check_own(known, study, author)
    here = (known.instance_id, known.frame_number, known.tool)
    if here != (drawn.instance.pk, drawn.frame_number, drawn.tool):
        raise MarkingInvalid("shape")
    if known.removed_at is None and known.shape == shape:
        return known
    if drawn.seen != version_of(known):
        raise MarkingChanged(known)
    known.shape, known.removed_at = shape, None
    known.save(update_fields=["shape", "removed_at", "changed_at"])
    _record(audit.Action.ANNOTATION_SAVED, known, actor, new=False)
    return known


def remove_annotation(study: Study, key: UUID, *, author: User, actor: Actor) -> Annotation:
    """Take an own annotation away; its row stays. Raises ``MarkingNotYours`` and ``MarkingAbsent``."""
    with transaction.atomic():
        known = Annotation.objects.select_for_update().filter(key=key).first()
        if known is None:
            raise MarkingAbsent(key)
        _check_own(known, study, author)
        if known.removed_at is None:
            known.removed_at = timezone.now()
            known.save(update_fields=["removed_at", "changed_at"])
            _record(audit.Action.ANNOTATION_REMOVED, known, actor)
        return known


def flag_key_image(instance: Instance, frame_number: int, *, note: object = "", by: User, actor: Actor) -> KeyImage:
    """Flag a frame for the others; one that is flagged already stays as it is. Raises ``MarkingInvalid``."""
    _check_frame(instance, frame_number)
    words = markings.checked_words(note, markings.MOST_NOTE)
    with transaction.atomic():
        known = KeyImage.objects.filter(instance=instance, frame_number=frame_number).first()
        if known is not None:
            return known
        if KeyImage.objects.filter(study=instance.study).count() >= markings.MOST_KEY_IMAGES:
            raise MarkingInvalid("too_many")
        # Two readers at once make one flag.
        row, is_new = KeyImage.objects.get_or_create(
            instance=instance,
            frame_number=frame_number,
            defaults={"study": instance.study, "note": words, "flagged_by": by},
        )
        if is_new:
            _record_flag(audit.Action.KEY_IMAGE_FLAGGED, row, actor)
    return row


def unflag_key_image(instance: Instance, frame_number: int, *, by: User, may_tidy: bool, actor: Actor) -> None:
    """Take a flag away: one's own, or any for who may change the study. Without one nothing happens. Raises ``MarkingNotYours``."""
    with transaction.atomic():
        row = KeyImage.objects.select_for_update().filter(instance=instance, frame_number=frame_number).first()
        if row is None:
            return
        if row.flagged_by_id != by.pk and not may_tidy:
            raise MarkingNotYours
        _record_flag(audit.Action.KEY_IMAGE_UNFLAGGED, row, actor)
        row.delete()


def _check_frame(instance: Instance, frame_number: int) -> None:
    if not 1 <= frame_number <= max(1, instance.number_of_frames):
        raise MarkingInvalid("frame")


def _check_own(known: Annotation, study: Study, author: User) -> None:
    if known.study_id != study.pk:
        raise MarkingAbsent(known.key)
    if known.author_id != author.pk:
        raise MarkingNotYours


def _check_room(study: Study, author: User) -> None:
    own = Annotation.objects.filter(study=study, author=author)
    if (
        own.filter(removed_at=None).count() >= markings.MOST_OF_ONE_READER
        or own.count() >= markings.MOST_ROWS_OF_ONE_READER
    ):
        raise MarkingInvalid("too_many")


def _stamp(at: datetime) -> str:
    return at.isoformat()


def _record(action: audit.Action, row: Annotation, actor: Actor, **more: object) -> None:
    """Say who marked what. The words of a note stay with the image: the audit refers to it, and repeats nothing of the patient."""
    detail = {"annotation": str(row.key), "tool": row.tool, "sop_instance_uid": row.instance.sop_instance_uid}
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=row.study.study_instance_uid,
        patient_id=row.study.patient.patient_id,
        issuer_of_patient_id=row.study.patient.issuer_of_patient_id,
        detail={**detail, "frame": row.frame_number, **more},
    )


def _record_flag(action: audit.Action, row: KeyImage, actor: Actor) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=row.study.study_instance_uid,
        patient_id=row.study.patient.patient_id,
        issuer_of_patient_id=row.study.patient.issuer_of_patient_id,
        detail={"sop_instance_uid": row.instance.sop_instance_uid, "frame": row.frame_number},
    )
