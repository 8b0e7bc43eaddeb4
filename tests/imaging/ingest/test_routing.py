"""Where new studies land, and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.ingest import routing
from imaging.ingest.routing import Facts, Rule

CT_IN_EMERGENCY = Facts(
    door="dimse",
    calling_ae_title="EMERGENCY_CT",
    station_name="CT-1",
    institutional_department_name="Urgences",
    modality="CT",
    requesting_service="Réanimation",
)


def plan(
    *rules: Rule, facts: Facts = CT_IN_EMERGENCY, departments: tuple[int, ...] = ()
) -> list[tuple[int, str, str, str]]:
    found = routing.plan(facts, rules=rules, sender="EMERGENCY_CT", sender_department_ids=departments)
    return [(item.department_id, item.kind, item.reason_code, item.reason_detail) for item in found]


def test_the_first_rule_that_matches_wins() -> None:
    rules = (
        Rule(name="MR", owner_id=1, modality="MR"),
        Rule(name="CT", owner_id=2, modality="CT"),
        Rule(name="all CT", owner_id=3, modality="C*"),
    )
    assert plan(*rules) == [(2, "owner", "rule", "CT")]


def test_a_rule_places_in_further_departments_and_in_each_once() -> None:
    rule = Rule(name="night", owner_id=1, also_ids=(2, 1, 3, 2), door="dimse")
    assert plan(rule) == [
        (1, "owner", "rule", "night"),
        (2, "requesting", "rule", "night"),
        (3, "requesting", "rule", "night"),
    ]


def test_every_condition_of_a_rule_has_to_fit() -> None:
    assert plan(Rule(name="both", owner_id=1, modality="CT", station_name="CT-2")) == []


def test_a_rule_without_conditions_is_the_default() -> None:
    assert plan(Rule(name="rest", owner_id=9), departments=(4,)) == [(9, "owner", "default", "rest")]


def test_without_a_rule_the_departments_of_the_sender_get_the_study() -> None:
    assert plan(departments=(4, 2, 4)) == [
        (4, "owner", "sender", "EMERGENCY_CT"),
        (2, "requesting", "sender", "EMERGENCY_CT"),
    ]


def test_a_sender_for_no_department_has_no_plan() -> None:
    assert plan() == []


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [
        ("", "anything", True),
        ("ct*", "CT-1", True),
        ("*-1", "CT-1", True),
        ("CT-?", "CT-1", True),
        ("CT-?", "CT-12", False),
        ("C[TR]", "CT", False),
        ("C[TR]", "c[tr]", True),
        ("*", "", True),
        ("?", "", False),
        ("a.c", "abc", False),
        ("Réa*", "RÉANIMATION", True),
        ("CT", " CT ", True),
    ],
)
def test_patterns_know_stars_and_question_marks_only(pattern: str, value: str, fits: bool) -> None:
    assert routing.fits(pattern, value) is fits


@given(st.text(max_size=64), st.text(max_size=64))
def test_no_pattern_and_no_value_break_the_matching(pattern: str, value: str) -> None:
    routing.fits(pattern, value)


def test_a_hostile_pattern_is_answered_at_once() -> None:
    assert not routing.fits("*" * 30 + "x", "a" * 64)
