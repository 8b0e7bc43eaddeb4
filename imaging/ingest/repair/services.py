"""What the repair page does: one decision, in one transaction with who is told of it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction

from accounts.actor import Actor
from accounts.models import User
from imaging.ingest.repair import notes, notices
from imaging.ingest.repair.selectors import Decision
from imaging.studies import services as studies
from imaging.studies.correction.destinations import identity_of
from imaging.studies.models import Correction, Patient, PatientMerge, Study
from imaging.studies.services import ChangedMeanwhile, Destination

__all__ = ["ChangedMeanwhile", "Destination", "correct_patient", "identity_of", "merge", "move", "reject", "take_back"]


@transaction.atomic
def correct_patient(study: Study, identity: Mapping[str, Any], *, seen: int, reason: str, actor: Actor) -> bool:
    """Make the study the patient's whom ``identity`` (DICOM JSON) names; False where it says so already.

    Raises ``ChangedMeanwhile`` and ``CorrectionInvalid``.
    """
    held = notices.holders_of([study])
    if Study.objects.select_for_update(no_key=True).get(pk=study.pk).version != seen:
        raise ChangedMeanwhile
    if not studies.correct(study, identity, reason=reason, actor=actor):
        return False
    notices.tell(held, [study], actor=actor)
    return True


@transaction.atomic
def move(
    study: Study,
    *,
    series: Collection[int],
    instances: Collection[int],
    to: Destination,
    seen: Mapping[int, int],
    reason: str,
    actor: Actor,
) -> Study:
    """Move what was ticked; see ``studies.services.move``. The study where it is now."""
    held = notices.holders_of([study, *([to.study] if to.study else [])])
    found = studies.move(study, series=series, instances=instances, to=to, seen=seen, reason=reason, actor=actor)
    notices.tell(held, [study, found], actor=actor)
    return found


@transaction.atomic
def reject(
    study: Study,
    *,
    series: Collection[int],
    instances: Collection[int],
    code: str,
    seen: int,
    reason: str,
    actor: Actor,
) -> None:
    """Reject what was ticked, and have the note for other systems written."""
    held = notices.holders_of([study])
    made = studies.reject(study, series=series, instances=instances, code=code, reason=reason, seen=seen, actor=actor)
    notes.ask_for(made)
    notices.tell(held, [study], actor=actor)


@transaction.atomic
def merge(merged: Patient, into: Patient, *, reason: str, actor: Actor) -> None:
    """Make everything of one patient the other's."""
    concerned = list(Study.objects.filter(patient=merged).select_related("patient"))
    held = notices.holders_of(concerned)
    studies.merge_patients(merged, into, reason=reason, actor=actor)
    notices.tell(held, concerned, actor=actor)


@transaction.atomic
def take_back(decision: Decision, *, actor: Actor) -> bool:
    """Take a decision back; False when somebody did already. Raises ``MovedSince``, ``MergedAlready``, ``CorrectionInvalid``."""
    if decision.moves:
        concerned = [decision.moves[0].from_study, decision.moves[0].to_study]
        held = notices.holders_of(concerned)
        if not studies.take_back_move(decision.moves[0].group, actor=actor):
            return False
        notices.tell(held, concerned, actor=actor)
        return True
    if decision.rejection is not None:
        shown = [decision.rejection.study]
        held = notices.holders_of(shown)
        return _told(studies.take_back_rejection(decision.rejection, actor=actor), held, shown, actor)
    if decision.correction is not None:
        shown = [decision.correction.study]
        held = notices.holders_of(shown)
        return _told(bool(studies.revert(decision.correction, actor=actor)), held, shown, actor)
    if decision.merge is None:
        return False
    parted = _went_along(decision.merge)
    held = notices.holders_of(parted)
    return _told(studies.part_patients(decision.merge, actor=actor), held, parted, actor)


def _told(is_done: bool, held: dict[int, list[User]], concerned: Iterable[Study], actor: Actor) -> bool:
    if is_done:
        notices.tell(held, concerned, actor=actor)
    return is_done


def _went_along(merge: PatientMerge) -> list[Study]:
    """The studies that are another patient's because of a merge."""
    made = Correction.objects.in_force().filter(group=merge.group).values("study")
    return list(Study.objects.filter(pk__in=made).select_related("patient"))
