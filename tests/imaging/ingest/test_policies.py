"""One person or two, and who may add to a study."""

from dataclasses import dataclass
from datetime import date

import pytest

from imaging.ingest import policies


@dataclass(frozen=True)
class Person:
    patient_name: str = "DURAND^HELENE"
    birth_date: date | None = date(1970, 1, 2)
    sex: str = "F"


@pytest.mark.parametrize(
    "name",
    [
        "Durand^Hélène",
        "DURAND HELENE",
        "Helene^Durand",
        "DURAND",
        "",
        "DURAND^H",
        "DURAND^HELENE^MARIE",
        "DURAND^HELENE^^DR",
        "DURAND-HELENE",
        "DURANDHELENE",
        "DURAND^HELENNE",
        "DURAND^HELENE=杜兰^海伦",
        "杜兰^海伦",
    ],
)
def test_ways_of_writing_a_name_are_one_person(name: str) -> None:
    assert policies.disagreement(Person(), Person(patient_name=name)) == ""


@pytest.mark.parametrize("name", ["MARTIN^HELENE", "DURAND^CLAIRE", "TEST^PHANTOM", "LEROY"])
def test_another_name_behind_the_same_identifier_is_a_conflict(name: str) -> None:
    assert "name" in policies.disagreement(Person(), Person(patient_name=name))


def test_a_slip_of_the_pen_counts_when_nothing_else_confirms_the_person() -> None:
    assert policies.disagreement(Person(birth_date=None), Person(patient_name="DURANT^HELENA")) == "the name differs"


def test_another_birth_date_is_a_conflict() -> None:
    assert policies.disagreement(Person(), Person(birth_date=date(1971, 1, 2))) == "the birth date differs"


def test_a_missing_birth_date_is_none() -> None:
    assert policies.disagreement(Person(), Person(birth_date=None)) == ""


@pytest.mark.parametrize(("sex", "found"), [("M", "the sex differs"), ("O", ""), ("", ""), ("F", "")])
def test_only_opposite_sexes_are_a_conflict(sex: str, found: str) -> None:
    assert policies.disagreement(Person(), Person(sex=sex)) == found


def test_everything_that_differs_is_named_and_nothing_of_the_patient() -> None:
    found = policies.disagreement(Person(), Person("LEROY^PAUL", date(1950, 5, 5), "M"))
    assert found == "the name differs, the birth date differs, the sex differs"


@pytest.mark.parametrize(
    ("departments", "is_creator", "may"),
    [((1,), False, True), ((2,), False, False), ((), False, False), ((), True, True), ((2, 3, 1), False, True)],
)
def test_a_study_is_joined_from_its_departments_or_by_who_began_it(
    departments: tuple[int, ...], is_creator: bool, may: bool
) -> None:
    found = policies.may_join(sender_department_ids=departments, study_department_ids=[1, 7], is_creator=is_creator)
    assert found is may
