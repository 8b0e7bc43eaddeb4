"""Which request a study answers, as a table of cases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from imaging.orders.matching.policies import (
    Basis,
    Candidate,
    Named,
    Person,
    Sign,
    Traits,
    Verdict,
    Why,
    judge,
    likeness,
    same_person,
    step_after_images,
    steps_without_images,
    waits_for_request,
)
from imaging.orders.workflow import RULES, State, Step

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
BORN = date(1970, 1, 2)
HELENE = Person(patient_id="P1", issuer_of_patient_id="H", patient_name="Durand^Hélène", birth_date=BORN)
STUDY = Named(study_instance_uid="1.2.3", accession_number="A100")


def typed(**values: object) -> Person:
    return Person(**{"is_typed": True, "patient_name": "DURAND^HELENE", "birth_date": BORN, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "is_same"),
    [
        (HELENE, True),
        (Person(patient_id="P1", issuer_of_patient_id="OTHER", patient_name="Durand^Hélène", birth_date=BORN), False),
        (Person(patient_id="P2", issuer_of_patient_id="H", patient_name="Durand^Hélène", birth_date=BORN), False),
        (typed(), True),
        (typed(birth_date=None), False),
        (typed(patient_name="MARTIN^PAUL"), False),
        (typed(patient_id="P1"), True),
        (typed(patient_id="P1", issuer_of_patient_id="OTHER"), False),
        (typed(patient_id="P1", patient_name="MARTIN^PAUL"), False),
        (typed(patient_id="P1", birth_date=date(1988, 5, 6)), False),
        (typed(patient_id="P1", patient_name="", birth_date=None), True),
        (typed(patient_id="P2"), False),
        (Person(is_typed=True), False),
    ],
)
def test_a_patient_is_the_same_when_the_number_says_so_and_nothing_speaks_against_it(
    asked: Person, is_same: bool
) -> None:
    assert same_person(asked, HELENE) is is_same


def candidate(request: int = 1, **values: object) -> Candidate:
    return Candidate(**{"request": request, "is_same_patient": True, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("named", "candidates", "verdict"),
    [
        (STUDY, [], Verdict(why=Why.NO_REQUEST)),
        (STUDY, [candidate(study_instance_uid="1.2.3")], Verdict(1, Basis.STUDY_UID)),
        (STUDY, [candidate(accession_number="A100")], Verdict(1, Basis.ACCESSION)),
        # The surest sign decides, and a lesser one does not overrule it.
        (
            STUDY,
            [candidate(1, accession_number="A100"), candidate(2, study_instance_uid="1.2.3")],
            Verdict(2, Basis.STUDY_UID),
        ),
        (
            STUDY,
            [candidate(1, accession_number="A100"), candidate(2, study_instance_uid="1.2.3", is_same_patient=False)],
            Verdict(why=Why.OTHER_PATIENT, candidate=2),
        ),
        (
            STUDY,
            [candidate(accession_number="A100", is_same_patient=False)],
            Verdict(why=Why.OTHER_PATIENT, candidate=1),
        ),
        (STUDY, [candidate(accession_number="A100", is_ended=True)], Verdict(why=Why.ENDED, candidate=1)),
        (
            STUDY,
            [candidate(1, accession_number="A100"), candidate(2, accession_number="A100")],
            Verdict(why=Why.SEVERAL, candidate=1),
        ),
        # Two exams under one number: the images name the step of one.
        (
            Named(study_instance_uid="1.2.3", accession_number="A100", step_ids=frozenset({"S2"})),
            [
                candidate(1, accession_number="A100", step_ids=frozenset({"S1"})),
                candidate(2, accession_number="A100", step_ids=frozenset({"S2"})),
            ],
            Verdict(2, Basis.ACCESSION),
        ),
        (
            Named(study_instance_uid="1.2.3", step_ids=frozenset({"S2"})),
            [candidate(step_ids=frozenset({"S2"}))],
            Verdict(1, Basis.STEP_ID),
        ),
        (Named(study_instance_uid="1.2.3", performed=frozenset({1})), [candidate()], Verdict(1, Basis.PERFORMED)),
        # The number of another issuer is another number.
        (
            Named(study_instance_uid="1.2.3", accession_number="A100", issuer_of_accession_number="X"),
            [candidate(accession_number="A100", issuer_of_accession_number="H")],
            Verdict(why=Why.NO_REQUEST),
        ),
        (Named(study_instance_uid="1.2.3"), [candidate(accession_number="")], Verdict(why=Why.NO_REQUEST)),
    ],
)
def test_the_surest_sign_that_fits_decides(named: Named, candidates: list[Candidate], verdict: Verdict) -> None:
    assert judge(named, candidates) == verdict


@pytest.mark.parametrize(
    ("state", "is_complete", "is_performing", "step"),
    [
        (State.SCHEDULED, False, False, Step.START),
        (State.ARRIVED, True, True, Step.START),
        (State.SCHEDULED, True, False, Step.COMPLETE),
        (State.IN_PROGRESS, True, False, Step.COMPLETE),
        (State.IN_PROGRESS, True, True, None),
        (State.IN_PROGRESS, False, False, None),
        (State.REQUESTED, True, False, Step.RECEIVE),
        (State.VETTED, False, False, None),
        (State.NO_SHOW, True, False, Step.RECEIVE),
        (State.COMPLETED, True, False, None),
        (State.REPORTED, True, False, None),
        (State.DISCONTINUED, True, False, None),
    ],
)
def test_images_take_a_request_as_far_as_the_machine_agrees(
    state: State, is_complete: bool, is_performing: bool, step: Step | None
) -> None:
    assert step_after_images(state, is_complete=is_complete, is_performing=is_performing) is step
    assert step is None or state in RULES[step].leaves


@pytest.mark.parametrize("was_booked", [True, False])
@pytest.mark.parametrize("state", list(State))
def test_what_images_made_of_a_request_can_be_taken_back_step_by_step(state: State, was_booked: bool) -> None:
    for step in steps_without_images(state, was_booked=was_booked):
        assert state in RULES[step].leaves
        state = RULES[step].reaches


def test_old_films_that_are_taken_over_wait_for_no_request_unless_a_number_speaks() -> None:
    old, now = NOON - timedelta(days=365 * 30), NOON
    assert not waits_for_request(Why.NO_REQUEST, study_at=old, received_at=now)
    assert waits_for_request(Why.OTHER_PATIENT, study_at=old, received_at=now)
    assert waits_for_request(Why.NO_REQUEST, study_at=now - timedelta(hours=1), received_at=now)


def test_a_pair_is_suggested_for_what_it_shares_and_the_signs_are_told() -> None:
    asked = Traits(person=HELENE, at=NOON, modalities=frozenset({"CT"}), accession_number="A100")
    shown = Traits(person=HELENE, at=NOON + timedelta(hours=2), modalities=frozenset({"CT", "SR"}))
    same = likeness(asked, shown)
    assert same.signs == (Sign.PATIENT, Sign.NAME, Sign.DAY, Sign.MODALITY)
    slip = likeness(asked, Traits(person=Person(patient_id="9"), at=NOON - timedelta(days=3), accession_number="A1000"))
    assert slip.signs == (Sign.NUMBER,)
    assert same.weight > slip.weight
    assert not likeness(asked, Traits(person=Person(), at=NOON, modalities=frozenset({"MR"}))).is_worth_telling
