"""What may become of an exam request: pure rules, in one table.

A transition has a verb, the states it leaves, the state it reaches, what the person must be able to do, and which transition
takes it back. States follow the scheduled workflow (IHE RAD TF-1, section 3; FHIR ServiceRequest.status): nothing here knows of
a database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from accounts.roles import Capability


class State(StrEnum):
    """The values of ``ExamRequest.State``."""

    DRAFT = "draft"
    REQUESTED = "requested"
    RETURNED = "returned"
    REFUSED = "refused"
    VETTED = "vetted"
    SCHEDULED = "scheduled"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    REPORTED = "reported"
    ACKNOWLEDGED = "acknowledged"
    DISCONTINUED = "discontinued"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """The verbs."""

    SEND = "send"
    RETURN = "return"
    RECALL = "recall"
    ANSWER = "answer"
    REFUSE = "refuse"
    RECONSIDER = "reconsider"
    VET = "vet"
    UNVET = "unvet"
    SCHEDULE = "schedule"
    RESCHEDULE = "reschedule"
    UNSCHEDULE = "unschedule"
    ARRIVE = "arrive"
    UNARRIVE = "unarrive"
    START = "start"
    UNSTART = "unstart"
    COMPLETE = "complete"
    REOPEN_EXAM = "reopen_exam"
    RECEIVE = "receive"
    UNRECEIVE = "unreceive"
    REPORT = "report"
    UNREPORT = "unreport"
    ACKNOWLEDGE = "acknowledge"
    DISCONTINUE = "discontinue"
    RESUME = "resume"
    MISS = "miss"
    UNMISS = "unmiss"
    CANCEL = "cancel"
    UNCANCEL = "uncancel"
    REVIVE = "revive"


class Side(StrEnum):
    """In which department of a request the capability is asked."""

    REQUESTING = "requesting"
    PERFORMING = "performing"


@dataclass(frozen=True, slots=True)
class Rule:
    """One transition. ``side`` and ``capabilities`` say who; the system itself (a machine's report, a match) may do all.

    ``goes_back_to`` are the states to which a taking back may lead when the request came from there; else it ``reaches``.
    """

    step: Step
    leaves: frozenset[State]
    reaches: State
    side: Side
    capabilities: frozenset[Capability]
    needs_reason: bool = False
    undone_by: Step | None = None
    goes_back_to: frozenset[State] = frozenset()


class TransitionRefused(ValueError):
    """The request stands where this cannot follow; ``step`` and ``state`` say what and where."""

    def __init__(self, step: Step, state: State) -> None:
        """Keep both, for the words that a person gets."""
        super().__init__(f"{step} does not follow {state}")
        self.step = step
        self.state = state


class ReasonMissing(ValueError):
    """A refusal, a cancellation and the like are told with a reason."""


_S, _C = State, Capability
_ASK = frozenset({_C.REQUEST_EXAM})
_VET = frozenset({_C.VET_REQUEST})
_BOOK = frozenset({_C.SCHEDULE_EXAM})
_ACQUIRE = frozenset({_C.ACQUIRE})
_RECEIVE = _BOOK | _ACQUIRE
_READ = frozenset({_C.SIGN_REPORT})
#: Offered to nobody: images bring it about, or their being taken away (``orders.matching``).
_OF_ITSELF: Final[frozenset[Capability]] = frozenset()
_ASKING, _DOING = Side.REQUESTING, Side.PERFORMING


def _rule(
    step: Step,
    leaves: tuple[State, ...],
    reaches: State,
    side: Side,
    capabilities: frozenset[Capability],
    *,
    needs_reason: bool = False,
    undone_by: Step | None = None,
    goes_back_to: tuple[State, ...] = (),
) -> Rule:
    return Rule(step, frozenset(leaves), reaches, side, capabilities, needs_reason, undone_by, frozenset(goes_back_to))


#: A procedure that is not vetted may be booked as soon as it is asked for: ``may_follow`` knows.
RULES: Final[Mapping[Step, Rule]] = MappingProxyType(
    {
        rule.step: rule
        for rule in (
            _rule(Step.SEND, (_S.DRAFT,), _S.REQUESTED, _ASKING, _ASK, undone_by=Step.CANCEL),
            _rule(
                Step.RETURN,
                (_S.REQUESTED, _S.VETTED),
                _S.RETURNED,
                _DOING,
                _VET,
                needs_reason=True,
                undone_by=Step.RECALL,
            ),
            _rule(Step.RECALL, (_S.RETURNED,), _S.REQUESTED, _DOING, _VET, goes_back_to=(_S.REQUESTED, _S.VETTED)),
            _rule(Step.ANSWER, (_S.RETURNED,), _S.REQUESTED, _ASKING, _ASK),
            _rule(
                Step.REFUSE,
                (_S.REQUESTED, _S.RETURNED, _S.VETTED),
                _S.REFUSED,
                _DOING,
                _VET,
                needs_reason=True,
                undone_by=Step.RECONSIDER,
            ),
            _rule(
                Step.RECONSIDER,
                (_S.REFUSED,),
                _S.REQUESTED,
                _DOING,
                _VET,
                goes_back_to=(_S.REQUESTED, _S.RETURNED, _S.VETTED),
            ),
            _rule(Step.VET, (_S.REQUESTED,), _S.VETTED, _DOING, _VET, undone_by=Step.UNVET),
            _rule(Step.UNVET, (_S.VETTED,), _S.REQUESTED, _DOING, _VET),
            _rule(
                Step.SCHEDULE,
                (_S.VETTED, _S.REQUESTED, _S.NO_SHOW),
                _S.SCHEDULED,
                _DOING,
                _BOOK,
                undone_by=Step.UNSCHEDULE,
            ),
            _rule(Step.RESCHEDULE, (_S.SCHEDULED, _S.ARRIVED), _S.SCHEDULED, _DOING, _BOOK),
            _rule(Step.UNSCHEDULE, (_S.SCHEDULED,), _S.VETTED, _DOING, _BOOK),
            _rule(Step.ARRIVE, (_S.SCHEDULED, _S.NO_SHOW), _S.ARRIVED, _DOING, _RECEIVE, undone_by=Step.UNARRIVE),
            _rule(Step.UNARRIVE, (_S.ARRIVED,), _S.SCHEDULED, _DOING, _RECEIVE),
            _rule(Step.START, (_S.SCHEDULED, _S.ARRIVED), _S.IN_PROGRESS, _DOING, _ACQUIRE, undone_by=Step.UNSTART),
            # The machine had begun with somebody else's line of the worklist (MPPS, DCM 110514): who waits, waits again.
            _rule(Step.UNSTART, (_S.IN_PROGRESS,), _S.ARRIVED, _DOING, _OF_ITSELF, needs_reason=True),
            _rule(
                Step.COMPLETE,
                (_S.SCHEDULED, _S.ARRIVED, _S.IN_PROGRESS),
                _S.COMPLETED,
                _DOING,
                _ACQUIRE,
                undone_by=Step.REOPEN_EXAM,
            ),
            _rule(Step.REOPEN_EXAM, (_S.COMPLETED,), _S.IN_PROGRESS, _DOING, _ACQUIRE, needs_reason=True),
            # Images of an exam that was never booked, or of a patient who was given up: order after images.
            _rule(
                Step.RECEIVE,
                (_S.REQUESTED, _S.RETURNED, _S.VETTED, _S.NO_SHOW),
                _S.COMPLETED,
                _DOING,
                _OF_ITSELF,
                undone_by=Step.UNRECEIVE,
            ),
            _rule(Step.UNRECEIVE, (_S.COMPLETED,), _S.REQUESTED, _DOING, _OF_ITSELF, needs_reason=True),
            _rule(Step.REPORT, (_S.COMPLETED, _S.IN_PROGRESS), _S.REPORTED, _DOING, _READ, undone_by=Step.UNREPORT),
            _rule(Step.UNREPORT, (_S.REPORTED, _S.ACKNOWLEDGED), _S.COMPLETED, _DOING, _READ, needs_reason=True),
            _rule(Step.ACKNOWLEDGE, (_S.REPORTED,), _S.ACKNOWLEDGED, _ASKING, _ASK),
            _rule(
                Step.DISCONTINUE,
                (_S.ARRIVED, _S.IN_PROGRESS),
                _S.DISCONTINUED,
                _DOING,
                _ACQUIRE,
                needs_reason=True,
                undone_by=Step.RESUME,
            ),
            _rule(
                Step.RESUME,
                (_S.DISCONTINUED,),
                _S.IN_PROGRESS,
                _DOING,
                _ACQUIRE,
                goes_back_to=(_S.ARRIVED, _S.IN_PROGRESS),
            ),
            _rule(Step.MISS, (_S.SCHEDULED,), _S.NO_SHOW, _DOING, _RECEIVE, undone_by=Step.UNMISS),
            _rule(Step.UNMISS, (_S.NO_SHOW,), _S.SCHEDULED, _DOING, _RECEIVE),
            _rule(
                Step.CANCEL,
                (_S.DRAFT, _S.REQUESTED, _S.RETURNED, _S.VETTED, _S.SCHEDULED, _S.NO_SHOW),
                _S.CANCELLED,
                _ASKING,
                _ASK,
                needs_reason=True,
                undone_by=Step.UNCANCEL,
            ),
            # The place of a booked exam went with the cancelling: it waits for another one.
            _rule(
                Step.UNCANCEL,
                (_S.CANCELLED,),
                _S.VETTED,
                _ASKING,
                _ASK,
                goes_back_to=(_S.DRAFT, _S.REQUESTED, _S.RETURNED),
            ),
            # Who did not come, or whose exam was broken off, is expected again: booked anew, with its protocol.
            _rule(Step.REVIVE, (_S.DISCONTINUED, _S.NO_SHOW), _S.VETTED, _DOING, _VET | _RECEIVE),
        )
    }
)

#: What takes something back: the request is where it was, and so is the time at which it first came there.
TAKE_BACK: Final = frozenset(rule.undone_by for rule in RULES.values() if rule.undone_by) - {Step.CANCEL}
#: Nothing follows of itself any more.
ENDED: Final = frozenset({State.REFUSED, State.CANCELLED, State.DISCONTINUED, State.ACKNOWLEDGED})
#: What the requester may still change: the question, the side, the time wished for.
CHANGEABLE: Final = frozenset({State.DRAFT, State.REQUESTED, State.RETURNED})
#: The column of ``ExamRequest`` that tells when a state was last reached.
REACHED_AT: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.REQUESTED: "requested_at",
        State.VETTED: "vetted_at",
        State.SCHEDULED: "scheduled_at",
        State.ARRIVED: "arrived_at",
        State.IN_PROGRESS: "started_at",
        State.COMPLETED: "completed_at",
        State.REPORTED: "reported_at",
        State.ACKNOWLEDGED: "acknowledged_at",
        State.REFUSED: "ended_at",
        State.DISCONTINUED: "ended_at",
        State.NO_SHOW: "ended_at",
        State.CANCELLED: "ended_at",
    }
)

#: They lead to where a request waits for a place: requested, where its procedure is not vetted.
_WAITS_AGAIN: Final = frozenset({Step.UNSCHEDULE, Step.UNCANCEL, Step.REVIVE})


def may_follow(step: Step, state: State, *, needs_vetting: bool = True) -> bool:
    """Whether ``step`` may be taken where a request stands; without vetting it is booked straight from the request."""
    if step is Step.SCHEDULE and state is State.REQUESTED:
        return not needs_vetting
    return state in RULES[step].leaves


def reached(
    step: Step, state: State, *, reason: str = "", needs_vetting: bool = True, came_from: State | None = None
) -> State:
    """The state that a transition leads to; ``came_from`` is where the request stood before it came where it stands.

    Raises ``TransitionRefused``, or ``ReasonMissing`` where one has to be given.
    """
    if not may_follow(step, state, needs_vetting=needs_vetting):
        raise TransitionRefused(step, state)
    rule = RULES[step]
    if rule.needs_reason and not reason.strip() and state is not State.DRAFT:
        raise ReasonMissing(step)
    after = came_from if came_from is not None and came_from in rule.goes_back_to else rule.reaches
    if after is State.VETTED and step in _WAITS_AGAIN and not needs_vetting:
        return State.REQUESTED
    return after


def offered(
    state: State, *, asking: frozenset[Capability], doing: frozenset[Capability], needs_vetting: bool = True
) -> tuple[Step, ...]:
    """What a person may do now, who has these capabilities in the requesting and in the performing department."""
    held = {Side.REQUESTING: asking, Side.PERFORMING: doing}
    return tuple(
        step
        for step, rule in RULES.items()
        if may_follow(step, state, needs_vetting=needs_vetting) and rule.capabilities & held[rule.side]
    )
