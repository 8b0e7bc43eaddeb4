"""Carrying a release out: stored bytes go through spool and registrar again, with what the person decided."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from accounts.actor import Actor
from accounts.roles import Door, Right
from accounts.scope import scope_of_user
from imaging.dicom.correctable import CorrectionInvalid
from imaging.events import jobs
from imaging.events.jobs import Outcome as Turn
from imaging.ingest import intake
from imaging.ingest import services as ingest
from imaging.ingest.desk.policies import SOP_INSTANCE_UID, STUDY_INSTANCE_UID, Attributes, named_by, renewed
from imaging.ingest.intake import Outcome, Result
from imaging.ingest.models import QuarantineDecision, QuarantinedObject
from imaging.ingest.services import Held
from imaging.ingest.source import Source
from imaging.queues import LONG
from imaging.storage import services as storage
from imaging.studies import selectors as studies
from imaging.studies.correction import withdrawal
from imaging.studies.correction.withdrawal import Decided
from imaging.studies.models import Correction, InstanceVersion

logger = logging.getLogger(__name__)

#: The step of the pipeline that goes on with what is too much for one request; its subject is a decision's key.
RELEASE_STEP: Final = "release from quarantine"
State = QuarantinedObject.State
_BATCH: Final = 100
#: As registration says it.
_OTHER_PATIENT: Final = "the study is known for another patient ID"
#: What was not done by then is begun again: the process that had it is gone.
_GIVEN_UP_AFTER: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class _Taken:
    """An object whose bytes are in the spool again."""

    row: QuarantinedObject
    held: Held
    sop_instance_uid: str

    @property
    def key(self) -> tuple[str, str]:
        """SOP Instance UID that it gets, and digest of its data set."""
        return self.sop_instance_uid, self.held.claim.entry.dataset_sha256


def carry_out(decision: QuarantineDecision) -> None:
    """Register what this decision releases and is not registered yet; harmless when done twice, or by two at once.

    What the registrar sets aside again waits again, with its new reason. Without disk or database it stays as it is.
    """
    done: set[int] = set()
    while rows := list(_left(decision).exclude(pk__in=done)[:_BATCH]):
        done |= {row.pk for row in rows}
        _release(decision, rows)


def go_on(decision_key: str) -> Turn:
    """The step ``RELEASE_STEP``: one batch after the other, until nothing is left of a decision."""
    decision = QuarantineDecision.objects.select_related("decided_by").filter(pk=int(decision_key)).first()
    if decision is None or not (rows := list(_left(decision)[:_BATCH])):
        return Turn.DONE
    _release(decision, rows)
    return Turn.AGAIN if _left(decision).exclude(pk__in=[row.pk for row in rows]).exists() else Turn.DONE


def resume() -> int:
    """Queue what is left of releases whose process died; of how many decisions."""
    stuck = QuarantineDecision.objects.filter(
        in_force__state=State.RELEASING, decided_at__lt=timezone.now() - _GIVEN_UP_AFTER
    )
    keys = list(stuck.order_by("pk").values_list("pk", flat=True).distinct())
    jobs.enqueue(jobs.Ask(RELEASE_STEP, str(key), queue=LONG) for key in keys)
    return len(keys)


def _left(decision: QuarantineDecision) -> QuerySet[QuarantinedObject]:
    rows = QuarantinedObject.objects.filter(decision=decision, state=State.RELEASING).order_by("pk")
    return rows.select_related("stored_object").prefetch_related("departments", "stored_object__copies")


def _release(decision: QuarantineDecision, rows: Sequence[QuarantinedObject]) -> None:
    writable = scope_of_user(decision.decided_by).departments_with(Right.WRITE)
    overlays = {row.pk: _overlay(decision, row) for row in rows}
    targets = {row.pk: named_by(overlays[row.pk], STUDY_INSTANCE_UID, row.study_instance_uid) for row in rows}
    known = studies.known_studies(targets.values())
    taken = []
    for row in rows:
        source = _source(decision, row, overlays[row.pk], writable if targets[row.pk] in known else None)
        held = _hold(decision, row, source)
        if held is not None:
            taken.append(
                _Taken(row, held, named_by(overlays[row.pk], SOP_INSTANCE_UID, held.header.instance.sop_instance_uid))
            )
    _foretell(decision, taken)
    results = intake.register([item.held for item in taken])
    _settle(decision, list(zip(taken, results, strict=True)))


def _overlay(decision: QuarantineDecision, row: QuarantinedObject) -> Attributes:
    """What is put over an object: first what its sender decided, then this person."""
    new = renewed(
        decision.renewed,
        study_uid=row.study_instance_uid,
        series_uid=str(row.header.get("series", {}).get("series_instance_uid", "")),
        sop_uid=row.sop_instance_uid,
    )
    return {**row.corrections, **decision.attributes, **new}


def _source(
    decision: QuarantineDecision, row: QuarantinedObject, overlay: Attributes, writable: frozenset[int] | None
) -> Source:
    """The sender as it was; into a study that exists it is the person who adds, with the departments where they may."""
    own = sorted(department.pk for department in row.departments.all())
    return Source(
        door=row.door,
        sender=row.sender,
        actor_kind="application_entity" if row.door == Door.DIMSE else "user",
        address=row.address,
        department_ids=tuple(own if writable is None else sorted(writable)),
        place_in=(decision.place_in_id,) if decision.place_in_id else (),
        corrections=json.dumps(overlay, sort_keys=True) if overlay else "",
        correction_origin=Correction.Origin.QUARANTINE.value,
        correction_reason=decision.note[:200],
        identity_decided=True,
        decider_id=str(decision.decided_by_id),
        decider_name=decision.decided_by.get_username(),
    )


def _hold(decision: QuarantineDecision, row: QuarantinedObject, source: Source) -> Held | None:
    """Put the bytes into the spool; when that cannot be, the object waits again."""
    try:
        with closing(storage.open(row.stored_object)) as file:
            return ingest.hold(file, source=source, received_at=row.received_at)
    except ingest.Refused as refusal:
        _back(decision, row, QuarantinedObject.Reason.UNREADABLE, f"{refusal.code}: {refusal.detail}")
    except (ingest.SpoolError, storage.StorageError) as error:
        logger.warning("A release waits: %s.", type(error).__name__)
        _back(decision, row, row.reason, row.detail)
    return None


def _back(decision: QuarantineDecision, row: QuarantinedObject, reason: str, detail: str) -> None:
    _mine(decision, row).update(
        state=State.OPEN, reason=reason, detail=detail, decision=None, decided_at=None, outcome=""
    )


def _mine(decision: QuarantineDecision, row: QuarantinedObject) -> QuerySet[QuarantinedObject]:
    """The row, as long as nobody else has finished it."""
    return QuarantinedObject.objects.filter(pk=row.pk, decision=decision, state=State.RELEASING)


def _foretell(decision: QuarantineDecision, taken: Sequence[_Taken]) -> None:
    """Write down what will be added, before it is: when this process dies after that, it can be taken back all the same."""
    versions = _versions(taken)
    fresh = [item for item in taken if not item.row.outcome]
    known = [item.row.pk for item in fresh if not versions.get(item.key, (None, True))[1]]
    for keys, outcome in (
        (known, Outcome.DUPLICATE),
        ({item.row.pk for item in fresh} - set(known), Outcome.NEW),
    ):
        rows = QuarantinedObject.objects.filter(pk__in=keys, decision=decision, state=State.RELEASING)
        rows.update(outcome=outcome.value)


def _settle(decision: QuarantineDecision, results: Sequence[tuple[_Taken, Result]]) -> None:
    versions = _versions([taken for taken, result in results if result.is_in_archive])
    again: dict[int, _Taken] = {}
    for taken, result in results:
        if result.is_in_archive:
            version_id, was_rejected = versions.get(taken.key, (None, False))
            if version_id is not None and was_rejected:
                again[version_id] = taken
                continue
            # What a process that died has added is added by this release.
            foretold = result.outcome is Outcome.DUPLICATE and taken.row.outcome == Outcome.NEW.value
            _done(decision, taken, Outcome.NEW if foretold else result.outcome, version_id)
        elif result.outcome is Outcome.QUARANTINED:
            _back(decision, taken.row, result.reason, result.detail)
    if again:
        _show_again(decision, again)


def _show_again(decision: QuarantineDecision, again: Mapping[int, _Taken]) -> None:
    """Show what an undone release had added, with what is decided now: this release adds it again."""
    actor = Actor(kind="user", id=str(decision.decided_by_id), name=decision.decided_by.get_username(), door=Door.PAGE)
    decided = {}
    for version_id, taken in again.items():
        source = taken.held.source
        attributes = json.loads(source.corrections) if source.corrections else {}
        decided[version_id] = Decided(
            attributes=attributes, origin=source.correction_origin, reason=source.correction_reason
        )
    try:
        withdrawal.reinstate(decided, actor=actor, reason="released from quarantine again")
    except CorrectionInvalid:
        for taken in again.values():
            _back(decision, taken.row, QuarantinedObject.Reason.IDENTITY_CONFLICT, _OTHER_PATIENT)
        return
    for version_id, taken in again.items():
        _done(decision, taken, Outcome.NEW, version_id)


def _done(decision: QuarantineDecision, taken: _Taken, outcome: Outcome, version_id: int | None) -> None:
    _mine(decision, taken.row).update(state=State.RELEASED, outcome=outcome.value, version_id=version_id)


def _versions(taken: Iterable[_Taken]) -> dict[tuple[str, str], tuple[int, bool]]:
    """(key, is rejected) of the versions that hold these objects, by SOP Instance UID and digest."""
    rows = InstanceVersion.objects.filter(
        instance__sop_instance_uid__in={item.sop_instance_uid for item in taken}
    ).values_list("instance__sop_instance_uid", "stored_object__dataset_sha256", "pk", "state")
    return {(uid, digest): (pk, state == InstanceVersion.State.REJECTED) for uid, digest, pk, state in rows}
