"""Rejecting images with a reason of IHE's Imaging Object Change Management: seen by nobody, kept whole, and reversible.

All four reasons hide what they name, at every door, and so does the rejection note itself once it is heeded. A note that
a machine sends on the DICOM network rejects what lies in the study that the note belongs to: its sender may add to that study.
What a person hands in at another door rejects nothing by itself: people need the capability, and have the page.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actor import Actor
from accounts.roles import Door
from imaging.dicom import rejection_note, uids
from imaging.integrity import services as integrity
from imaging.integrity.models import LedgerLeaf
from imaging.studies.correction import withdrawal
from imaging.studies.correction.destinations import ChangedMeanwhile
from imaging.studies.models import Instance, InstanceVersion, Rejection, Study
from imaging.studies.reading import metadata
from imaging.studies.rows import locks

_State = InstanceVersion.State
_MOST_UNKNOWN: Final = 5000


class NothingToReject(ValueError):
    """None of what was named can be seen in the study."""


@transaction.atomic
def reject(
    study: Study,
    *,
    series: Collection[int] = (),
    instances: Collection[int] = (),
    code: str,
    reason: str,
    seen: int,
    actor: Actor,
) -> Rejection:
    """Take whole series and single images, by primary key, out of what is seen, with all their versions.

    ``seen`` is the version of the study as the person saw it. Raises ``ChangedMeanwhile`` and ``NothingToReject``.
    """
    for locked in locks.studies(Study.objects.filter(pk=study.pk)):
        if locked.version != seen:
            raise ChangedMeanwhile
    rows = Instance.objects.filter(Q(series__in=list(series)) | Q(pk__in=list(instances)), study=study)
    found = list(rows.filter(is_rejected=False).order_by("pk").values_list("pk", flat=True))
    if not found:
        raise NothingToReject
    made = _new(study, code, reason, actor)
    _hide(made, found, actor)
    made.save()
    return made


@locks.begun_again
@transaction.atomic
def take_back(rejection: Rejection, *, actor: Actor, reason: str = "") -> bool:
    """Show what was rejected again; False when that was done already. The note stays, and is heeded no more."""
    holding = Instance.objects.filter(versions__in=_all(rejection)).values("study")
    locks.studies(Study.objects.filter(Q(pk=rejection.study_id) | Q(pk__in=holding)))
    row = Rejection.objects.select_for_update(no_key=True).get(pk=rejection.pk)
    if row.reverted_at is not None:
        return False
    row.reverted_at, row.reverted_by = timezone.now(), (actor.name or actor.id)[:150]
    row.save(update_fields=["reverted_at", "reverted_by"])
    for keys in (row.shown, row.beside):
        if keys:
            withdrawal.restore(keys, actor=actor, reason=reason)
    return True


def heed_notes(study_instance_uid: str) -> None:
    """Apply the rejection notes of a study, and those that waited for images. A step of the pipeline: idempotent."""
    notes = Instance.objects.filter(
        study__study_instance_uid=study_instance_uid, sop_class_uid=uids.KEY_OBJECT_SELECTION, is_rejected=False
    )
    waiting = Rejection.objects.in_force().filter(study__study_instance_uid=study_instance_uid).exclude(unknown=[])
    if not (notes.exists() or waiting.exists()):
        return
    with transaction.atomic():
        for study in locks.studies(Study.objects.filter(study_instance_uid=study_instance_uid)):
            for note in notes.order_by("pk"):
                _heed(study, note)
            for row in waiting.select_for_update(no_key=True).order_by("pk"):
                _apply(row, row.unknown, _peer(row.made_by))
                row.save()


def _heed(study: Study, note: Instance) -> None:
    version = InstanceVersion.objects.current().select_related("instance__series__study").get(instance=note)
    known = Rejection.objects.filter(note_uid=note.sop_instance_uid).first()
    if known is None:
        found = rejection_note.read(metadata.instance_record(version))
        if found is None or version.door != Door.DIMSE:
            return
        row = _new(study, found.code, "", _peer(version.sender))
        row.note_uid, row.from_peer = note.sop_instance_uid, True
        named = frozenset().union(*found.instances.values()) - {note.sop_instance_uid}
        _apply(row, sorted(named), _peer(version.sender))
        row.save()
    withdrawal.withdraw([version.pk], actor=_peer(version.sender), reason="rejection note")


def _apply(row: Rejection, named: Iterable[str], actor: Actor) -> None:
    """Reject what of ``named`` lies in the study; the rest is kept as unknown, and waits."""
    wanted = list(named)
    here: Mapping[str, int] = dict(
        Instance.objects.filter(study=row.study_id, sop_instance_uid__in=wanted).values_list("sop_instance_uid", "pk")
    )
    shown = Instance.objects.filter(pk__in=here.values(), is_rejected=False).order_by("pk")
    row.unknown = [uid for uid in wanted if uid not in here][:_MOST_UNKNOWN]
    keys = list(shown.values_list("pk", flat=True))
    if keys:
        _hide(row, keys, actor)


def _hide(row: Rejection, keys: Collection[int], actor: Actor) -> None:
    versions = InstanceVersion.objects.filter(instance__in=list(keys)).exclude(state=_State.REJECTED)
    found = list(versions.select_related("stored_object").order_by("pk"))
    row.shown = [*row.shown, *(one.pk for one in found if one.state == _State.CURRENT)]
    row.beside = [*row.beside, *(one.pk for one in found if one.state != _State.CURRENT)]
    said = f"{row.code} {row.get_code_display()}" if not row.reason else f"{row.code}: {row.reason}"
    withdrawal.withdraw([one.pk for one in found], actor=actor, reason=said)
    now = timezone.now()
    integrity.append_leaves(
        integrity.Leaf(LedgerLeaf.Kind.REJECTED, one.stored_object.file_sha256, one.stored_object.dataset_sha256, now)
        for one in found
    )


def _new(study: Study, code: str, reason: str, actor: Actor) -> Rejection:
    return Rejection(
        group=uuid.uuid4(),
        study=study,
        code=Rejection.Code(code),
        reason=reason[:200],
        made_by=(actor.name or actor.id)[:150],
        made_at=timezone.now(),
    )


def _all(rejection: Rejection) -> list[int]:
    return [*rejection.shown, *rejection.beside]


def _peer(sender: str) -> Actor:
    return Actor(kind="application_entity", id=sender, name=sender, door=Door.DIMSE)
