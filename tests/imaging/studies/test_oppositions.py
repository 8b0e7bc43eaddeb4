"""An opposition to sharing between departments holds where studies are shared by rule, and never among those who treat."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.scope import Prior, scope_of_user
from imaging.studies import access, oppositions, priors
from imaging.studies import services as studies
from imaging.studies.models import Patient, Study
from tests.factories import arrivals

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(data_dir: Path, emergency: Department, orthopaedics: Department) -> tuple[Study, Study]:
    """A later study of orthopaedics, and an earlier one of emergency, of one patient."""
    found = []
    for department, day in ((orthopaedics, "20260304"), (emergency, "20260101")):
        made = arrivals.dataset(StudyDate=day)
        studies.register([arrivals.incoming(made, data_dir / "arrived", department)], actor=SYSTEM)
        found.append(Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID))
    return found[0], found[1]


@pytest.fixture
def oppose() -> Callable[[Patient], None]:
    """`oppose(patient)` records an opposition to sharing between departments."""

    def recorded(patient: Patient) -> None:
        oppositions.record_choice(
            patient,
            use="departments",
            answer="opposed",
            said_by="patient",
            said_on=dt.date(2026, 3, 5),
            evidence="form",
            actor=SYSTEM,
        )

    return recorded


def actor_of(user: User) -> Actor:
    return Actor(kind="user", id=str(user.pk), name=user.username, door="page")


def test_an_earlier_study_elsewhere_is_neither_told_nor_opened(
    bob: User, two: tuple[Study, Study], oppose: Callable[[Patient], None]
) -> None:
    later, earlier = two
    scope = scope_of_user(bob)
    assert len(priors.timeline_of(later, scope=scope)) == 2
    oppose(later.patient)
    assert len(priors.timeline_of(later, scope=scope)) == 1
    with pytest.raises(access.StudyNotVisible):
        access.open_prior(scope, later.study_instance_uid, earlier.study_instance_uid, actor=actor_of(bob))


def test_a_prior_that_was_opened_before_closes_at_once(
    bob: User, two: tuple[Study, Study], oppose: Callable[[Patient], None]
) -> None:
    later, earlier = two
    scope = scope_of_user(bob, priors=[Prior(earlier.study_instance_uid, later.study_instance_uid)])
    access.open_study(scope, earlier.study_instance_uid, actor=actor_of(bob), purpose=access.Purpose.OPEN)
    oppose(later.patient)
    with pytest.raises(access.StudyNotVisible):
        access.open_study(scope, earlier.study_instance_uid, actor=actor_of(bob), purpose=access.Purpose.OPEN)


def test_departments_that_treat_the_patient_see_what_they_saw(
    alice: User, two: tuple[Study, Study], oppose: Callable[[Patient], None]
) -> None:
    _later, earlier = two
    oppose(earlier.patient)
    access.open_study(
        scope_of_user(alice), earlier.study_instance_uid, actor=actor_of(alice), purpose=access.Purpose.OPEN
    )
