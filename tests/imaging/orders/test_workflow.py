"""The table of what may become of a request: every step leads somewhere, and what is taken back goes where it came from."""

import pytest

from accounts.roles import Capability
from imaging.orders.requesting.facts import STEPS
from imaging.orders.workflow import RULES, TAKE_BACK, ReasonMissing, State, Step, TransitionRefused, offered, reached

NOBODY: frozenset[Capability] = frozenset()


@pytest.mark.parametrize("step", list(Step))
def test_every_step_has_a_rule_and_words_and_leads_from_states_to_another(step: Step) -> None:
    rule = RULES[step]
    assert rule.leaves
    assert rule.reaches not in rule.leaves or step is Step.RESCHEDULE
    assert not rule.goes_back_to & rule.leaves
    assert STEPS[step.value]


@pytest.mark.parametrize(
    ("step", "state", "came_from", "after"),
    [
        (Step.RECONSIDER, State.REFUSED, State.VETTED, State.VETTED),
        (Step.RECONSIDER, State.REFUSED, State.RETURNED, State.RETURNED),
        (Step.RECONSIDER, State.REFUSED, None, State.REQUESTED),
        (Step.RECALL, State.RETURNED, State.VETTED, State.VETTED),
        (Step.RESUME, State.DISCONTINUED, State.ARRIVED, State.ARRIVED),
        (Step.RESUME, State.DISCONTINUED, State.IN_PROGRESS, State.IN_PROGRESS),
        (Step.UNCANCEL, State.CANCELLED, State.DRAFT, State.DRAFT),
        (Step.UNCANCEL, State.CANCELLED, State.RETURNED, State.RETURNED),
        (Step.UNCANCEL, State.CANCELLED, State.SCHEDULED, State.VETTED),
        (Step.UNCANCEL, State.CANCELLED, State.NO_SHOW, State.VETTED),
        (Step.UNMISS, State.NO_SHOW, State.SCHEDULED, State.SCHEDULED),
        (Step.REVIVE, State.NO_SHOW, State.SCHEDULED, State.VETTED),
    ],
)
def test_what_is_taken_back_goes_where_it_came_from(
    step: Step, state: State, came_from: State | None, after: State
) -> None:
    assert reached(step, state, came_from=came_from) is after


@pytest.mark.parametrize("step", [Step.REVIVE, Step.UNCANCEL, Step.UNSCHEDULE])
def test_without_vetting_a_request_waits_for_its_place_as_requested(step: Step) -> None:
    [state, *_rest] = RULES[step].leaves
    assert reached(step, state, needs_vetting=False) is State.REQUESTED


def test_each_end_can_be_taken_back_but_a_report_that_was_read_only_by_withdrawing_it() -> None:
    ends = {State.REFUSED, State.CANCELLED, State.DISCONTINUED, State.NO_SHOW}
    assert ends == {state for state in ends if any(state in RULES[step].leaves for step in TAKE_BACK)}
    assert [step for step in TAKE_BACK if State.ACKNOWLEDGED in RULES[step].leaves] == [Step.UNREPORT]


def test_nothing_is_offered_to_who_can_nothing_and_nothing_follows_what_it_cannot() -> None:
    for state in State:
        assert offered(state, asking=NOBODY, doing=NOBODY) == ()
        for step in set(Step) - {step for step in Step if state in RULES[step].leaves}:
            with pytest.raises(TransitionRefused):
                reached(step, state, reason="why")


def test_the_requester_takes_back_the_cancelling_and_radiology_the_refusal() -> None:
    asks, vets = frozenset({Capability.REQUEST_EXAM}), frozenset({Capability.VET_REQUEST})
    assert Step.UNCANCEL in offered(State.CANCELLED, asking=asks, doing=NOBODY)
    assert Step.UNCANCEL not in offered(State.CANCELLED, asking=NOBODY, doing=vets)
    assert offered(State.REFUSED, asking=asks, doing=NOBODY) == ()
    assert offered(State.REFUSED, asking=NOBODY, doing=vets) == (Step.RECONSIDER,)


def test_who_refuses_returns_or_breaks_off_says_why() -> None:
    for step in (Step.REFUSE, Step.RETURN, Step.DISCONTINUE, Step.CANCEL):
        [state, *_rest] = RULES[step].leaves - {State.DRAFT}
        with pytest.raises(ReasonMissing):
            reached(step, state, reason="  ")
