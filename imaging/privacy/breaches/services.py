"""Writes about breaches: recorded, followed step by step, closed."""

import datetime as dt

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import audit
from accounts.actor import Actor
from imaging.privacy.models import Breach, BreachStep
from imaging.privacy.officers import name_of


class AlreadyDone(Exception):
    """Somebody else was quicker: nothing was changed."""


class StepsMissing(ValueError):
    """The checklist has lines that nobody has decided."""


def record_breach(*, title: str, cause: str, aware_at: dt.datetime, account: str, actor: Actor) -> Breach:
    """Start the clock."""
    with transaction.atomic():
        made = Breach.objects.create(
            title=title, cause=cause, aware_at=aware_at, account=account, recorded_by=name_of(actor)
        )
        _record(audit.Action.BREACH_RECORDED, made, actor, cause=cause)
    return made


def take_step(breach: Breach, *, step: str, is_needed: bool, note: str, actor: Actor) -> BreachStep:
    """Tick a line of the checklist, with what was done or why it is not needed. Raises :class:`AlreadyDone`."""
    if breach.closed_at is not None:
        raise AlreadyDone
    try:
        with transaction.atomic():
            made = BreachStep.objects.create(
                breach=breach, step=step, is_needed=is_needed, note=note, by=name_of(actor)
            )
            _record(audit.Action.BREACH_CHANGED, breach, actor, step=step, needed=is_needed)
    except IntegrityError:
        raise AlreadyDone from None
    return made


def close(breach: Breach, *, conclusion: str, actor: Actor) -> None:
    """Close a breach of which every line is decided. Raises :class:`StepsMissing` and :class:`AlreadyDone`."""
    if breach.steps.count() < len(BreachStep.Step):
        raise StepsMissing
    with transaction.atomic():
        open_one = Breach.objects.filter(pk=breach.pk, closed_at=None)
        if not open_one.update(closed_at=timezone.now(), conclusion=conclusion):
            raise AlreadyDone
        _record(audit.Action.BREACH_CHANGED, breach, actor, closed=True)


def _record(action: audit.Action, breach: Breach, actor: Actor, **detail: object) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="breach",
        subject_uid=str(breach.pk),
        detail={"reference": breach.reference, **detail},
    )
