"""Asking for copies without identity, deciding about what is held, stopping them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from accounts.models import User
from imaging.events import jobs
from imaging.events.models import Job
from imaging.queues import LONG
from imaging.sharing import secrets
from imaging.sharing.copies import pixels, pseudonyms, selectors
from imaging.sharing.models import CopiedStudy, Deidentification, HeldObject
from imaging.sharing.models.choices import Kept
from imaging.studies.models import Study

#: The step of the pipeline that makes a copy; its subject is the copy's key.
STEP: Final = "copies without identity"
#: Areas that a person may have made black in one object.
MOST_AREAS: Final = 500

_State = CopiedStudy.State
_Ruling = HeldObject.State


class AlreadyDecided(Exception):
    """Somebody else has decided meanwhile: nothing was changed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A study of which a copy is wanted, or named parts of it (primary keys)."""

    study: Study
    series: Sequence[int] = field(default=())
    instances: Sequence[int] = field(default=())


def begin(user: User, options: Iterable[str]) -> Deidentification:
    """Make what the copies of one share or collection are made with: a secret of its own, and what stays."""
    known = [option for option in Kept.values if option in set(options)]
    return Deidentification.objects.create(made_by=user, options=known)


def prepare(
    deidentification: Deidentification, wanted: Iterable[Wanted], *, actor: Actor, runs: bool = True
) -> list[CopiedStudy]:
    """Have copies made of studies; of one that has a copy in this use already, that one. Nothing is shown before it is ready.

    Without ``runs`` they only wait: ``run`` begins them.
    """
    made = []
    with transaction.atomic():
        held = Deidentification.objects.select_for_update().get(pk=deidentification.pk)
        for each in wanted:
            pseudonyms.give(held, each.study.patient)
            copied, is_new = CopiedStudy.objects.get_or_create(
                deidentification=held,
                source=each.study,
                defaults={
                    "key": secrets.new_key(),
                    "series": sorted(each.series),
                    "instances": sorted(each.instances),
                },
            )
            if is_new:
                _record(audit.Action.COPY_ASKED, copied, actor, options=held.options)
            made.append(copied)
        if runs:
            run(held)
    return made


def run(deidentification: Deidentification) -> None:
    """Begin the copies that wait."""
    keys = deidentification.copies.filter(state=_State.WAITING).values_list("key", flat=True)
    jobs.enqueue([jobs.Ask(STEP, key, "", LONG) for key in keys])


def stop(deidentification_id: int) -> None:
    """Make no more copies for a use: what is under way ends at its next objects."""
    CopiedStudy.objects.filter(deidentification=deidentification_id).exclude(state__in=selectors.ENDED).update(
        state=_State.STOPPED
    )


def give_up() -> int:
    """Say of copies whose work has failed for good that they did; how many."""
    failed = Job.objects.filter(step=STEP, subject_uid=OuterRef("key"), state=Job.State.FAILED)
    under_way = CopiedStudy.objects.filter(Exists(failed), state__in=[_State.WAITING, _State.RUNNING])
    return under_way.update(state=_State.FAILED)


def try_again(copied: CopiedStudy) -> bool:
    """Begin a copy anew that failed or was stopped. False when it is under way or ready."""
    again = CopiedStudy.objects.filter(pk=copied.pk, state__in=[_State.FAILED, _State.STOPPED])
    with transaction.atomic():
        if not again.update(state=_State.WAITING, problem=""):
            return False
        jobs.enqueue([jobs.Ask(STEP, copied.key, "", LONG)])
    return True


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person decided about one held object: its copy goes with these areas made black, or it is left out."""

    held_id: int
    is_released: bool
    areas: Sequence[Sequence[int]] = field(default=())


def decide(copied: CopiedStudy, rulings: Iterable[Ruling], *, user: User, actor: Actor) -> int:
    """Decide about held objects, and go on with the copy as soon as nothing is left to decide. How many were decided.

    Raises ``AlreadyDecided`` when one of them is not held any more.
    """
    count = 0
    with transaction.atomic():
        locked = CopiedStudy.objects.select_for_update(of=("self",)).get(pk=copied.pk)
        for ruling in rulings:
            areas = [[int(number) for number in area] for area in ruling.areas[:MOST_AREAS]]
            changed = locked.held.filter(pk=ruling.held_id, state=_Ruling.HELD).update(
                state=_Ruling.RELEASED if ruling.is_released else _Ruling.LEFT_OUT,
                areas=[pixels.as_row(area) for area in pixels.areas_of(areas)],
                decided_by=user,
                decided_at=timezone.now(),
            )
            if not changed:
                raise AlreadyDecided
            count += 1
        if count:
            _record(audit.Action.COPY_DECIDED, locked, actor, decided=count, **selectors.counts(locked))
        if locked.state == _State.HELD and not locked.held.filter(state=_Ruling.HELD).exists():
            CopiedStudy.objects.filter(pk=locked.pk).update(state=_State.WAITING)
            jobs.enqueue([jobs.Ask(STEP, locked.key, "", LONG)])
    return count


def _record(action: audit.Action, copied: CopiedStudy, actor: Actor, **detail: object) -> None:
    source = copied.source
    audit.record(
        action,
        actor=actor,
        subject_type="study",
        subject_uid=source.study_instance_uid,
        patient_id=source.patient.patient_id,
        issuer_of_patient_id=source.patient.issuer_of_patient_id,
        detail={"copy": copied.key, **detail},
    )
