"""What a person decides about quarantined objects, and its carrying out by the one way in (DESIGN 4, 5.2).

A decision is written first, with its audit, under locks: two people cannot decide about one object. Then the bytes go
through the spool and the registrar again. Whatever breaks in between is carried out later: doing it twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.roles import Right
from imaging.events import jobs
from imaging.ingest.desk import selectors
from imaging.ingest.desk.policies import STUDY_INSTANCE_UID, Decider, Person, Renewal, named_by, renewed
from imaging.ingest.desk.releasing import RELEASE_STEP, carry_out
from imaging.ingest.models import QuarantineDecision, QuarantinedObject
from imaging.queues import LONG
from imaging.studies import selectors as studies
from imaging.studies.correction import withdrawal
from imaging.studies.correction.withdrawal import OtherVersions
from imaging.studies.models import Study

State = QuarantinedObject.State
Kind = QuarantineDecision.Kind

#: So many are released while the person waits; more go on in the background.
AT_ONCE: Final = 500

_RELEASES: Final = frozenset({Kind.RELEASE, Kind.CORRECT})

_ACTIONS: Final = {
    Kind.RELEASE: audit.Action.QUARANTINE_RELEASED,
    Kind.CORRECT: audit.Action.QUARANTINE_RELEASED,
    Kind.REJECT: audit.Action.QUARANTINE_REJECTED,
    Kind.REOPEN: audit.Action.QUARANTINE_REOPENED,
    Kind.WITHDRAW: audit.Action.QUARANTINE_REOPENED,
}
#: The state that a decision starts from, and the one that it leads to at once.
_STEPS: Final = {
    Kind.RELEASE: (State.OPEN, State.RELEASING),
    Kind.CORRECT: (State.OPEN, State.RELEASING),
    Kind.REJECT: (State.OPEN, State.REJECTED),
    Kind.REOPEN: (State.REJECTED, State.OPEN),
    Kind.WITHDRAW: (State.RELEASED, State.OPEN),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants to happen, checked by the form; ``place_in`` is a department's key."""

    kind: str
    note: str = ""
    reason_code: str = ""
    place_in: int | None = None
    person: Person | None = None
    renewal: Renewal = Renewal.NOTHING


@dataclass(slots=True)
class Answer:
    """What became of a wish: how many objects it took, and why others were left as they are."""

    decision: QuarantineDecision | None = None
    taken: int = 0
    #: Objects that somebody decided about meanwhile, by that person's name.
    decided_by: dict[str, int] = field(default_factory=dict)
    #: Objects that would join a study in which this person may not add anything.
    foreign: int = 0
    #: Images that have another version waiting for a choice.
    other_versions: int = 0
    is_in_background: bool = False


def decide(decider: Decider, keys: Iterable[int], wish: Wish) -> Answer:
    """Write a decision about these objects, and carry it out: at once, or in the background when they are many.

    Idempotent, and safe for two people at once: who comes second is told who decided. What this person may not see is
    left out without a word.
    """
    try:
        answer = _take(decider, list(keys), wish)
    except OtherVersions:
        return Answer(other_versions=1)
    if answer.decision is not None and wish.kind in _RELEASES:
        if answer.taken > AT_ONCE:
            jobs.enqueue([jobs.Ask(RELEASE_STEP, str(answer.decision.pk), queue=LONG)])
            answer.is_in_background = True
        else:
            carry_out(answer.decision)
    return answer


@transaction.atomic
def _take(decider: Decider, keys: Sequence[int], wish: Wish) -> Answer:
    """Lock the objects and give those that are still in question their new state."""
    answer = Answer()
    rows = list(
        selectors.visible(decider.departments)
        .filter(pk__in=keys)
        .order_by("pk")
        .select_for_update(of=("self",), no_key=True)
    )
    before, after = _STEPS[Kind(wish.kind)]
    taken = [row for row in rows if row.state == before]
    _name_deciders(answer, [row for row in rows if row.state != before])
    if wish.kind in _RELEASES:
        mine = _without_foreign(decider, taken, wish)
        answer.foreign, taken = len(taken) - len(mine), mine
    if not taken:
        return answer
    decision = _decision(decider, wish)
    decision.objects_decided.add(*taken)
    if wish.kind == Kind.WITHDRAW:
        _withdraw(decider, taken)
    QuarantinedObject.objects.filter(pk__in=[row.pk for row in taken]).update(
        state=after,
        decision=None if after == State.OPEN else decision,
        decided_at=None if after == State.OPEN else decision.decided_at,
        **({"version": None, "outcome": ""} if after == State.OPEN else {}),
    )
    audit.record_many(_entry(decider, decision, row) for row in taken)
    answer.decision, answer.taken = decision, len(taken)
    return answer


def _name_deciders(answer: Answer, rows: Sequence[QuarantinedObject]) -> None:
    decided = QuarantineDecision.objects.select_related("decided_by").in_bulk(
        {row.decision_id for row in rows if row.decision_id}
    )
    for row in rows:
        decision = decided.get(row.decision_id) if row.decision_id else None
        name = decision.decided_by.get_full_name() or decision.decided_by.get_username() if decision else ""
        answer.decided_by[name] = answer.decided_by.get(name, 0) + 1


def _without_foreign(decider: Decider, rows: Sequence[QuarantinedObject], wish: Wish) -> list[QuarantinedObject]:
    """Leave out what would join a study in which this person may not add anything: nobody lends out a right they lack."""
    targets = {row.pk: _target(row, wish) for row in rows}
    known = studies.known_studies(targets.values())
    writable = set(
        Study.objects.visible_to(decider.scope, Right.WRITE)
        .filter(study_instance_uid__in=known)
        .values_list("study_instance_uid", flat=True)
    )
    # A study of which everything was withdrawn is seen by nobody, and yet it has its departments.
    writable |= set(
        Study.objects.filter(study_instance_uid__in=known, instance_count=0).values_list(
            "study_instance_uid", flat=True
        )
    ) & {uid for uid, study in known.items() if study.department_ids & decider.writable}
    return [row for row in rows if targets[row.pk] not in known or targets[row.pk] in writable]


def _target(row: QuarantinedObject, wish: Wish) -> str:
    """The study that an object will be part of."""
    return target_of(row, wish.renewal)


def target_of(row: QuarantinedObject, renewal: str) -> str:
    """The Study Instance UID under which an object would be registered."""
    series_uid = str(row.header.get("series", {}).get("series_instance_uid", ""))
    new = renewed(renewal, study_uid=row.study_instance_uid, series_uid=series_uid, sop_uid=row.sop_instance_uid)
    return named_by(new, STUDY_INSTANCE_UID, row.study_instance_uid)


def _decision(decider: Decider, wish: Wish) -> QuarantineDecision:
    return QuarantineDecision.objects.create(
        kind=wish.kind,
        reason_code=wish.reason_code,
        note=wish.note,
        place_in_id=wish.place_in,
        attributes=wish.person.attributes() if wish.person else {},
        renewed=wish.renewal.value,
        decided_by_id=int(decider.actor.id),
        decided_at=timezone.now(),
    )


def _withdraw(decider: Decider, rows: Sequence[QuarantinedObject]) -> None:
    """Reject what the releases had added; what was in the archive already before stays."""
    added = [row.version_id for row in rows if row.version_id is not None and row.outcome in {"new", "conflict"}]
    withdrawal.withdraw(added, actor=decider.actor, reason="release from quarantine undone")


def _entry(decider: Decider, decision: QuarantineDecision, row: QuarantinedObject) -> audit.Entry:
    return audit.Entry(
        action=_ACTIONS[Kind(decision.kind)],
        actor=decider.actor,
        subject_type="quarantined_object",
        subject_uid=str(row.pk),
        patient_id=str(row.header.get("patient", {}).get("patient_id", "")),
        issuer_of_patient_id=str(row.header.get("patient", {}).get("issuer_of_patient_id", "")),
        detail={
            "decision": decision.pk,
            "kind": str(decision.kind),
            "reason": decision.reason_code or row.reason,
            "study_instance_uid": row.study_instance_uid,
            "sop_instance_uid": row.sop_instance_uid,
            "corrected": sorted(decision.attributes),
            "renewed": decision.renewed,
        },
    )


def undo(decider: Decider, decision: QuarantineDecision) -> Answer:
    """Take a decision back for the objects that are as it left them: they wait again."""
    kind = Kind.REOPEN if decision.kind == Kind.REJECT else Kind.WITHDRAW
    keys = selectors.in_force(decider, decision).values_list("pk", flat=True)
    return decide(decider, list(keys), Wish(kind=kind))
