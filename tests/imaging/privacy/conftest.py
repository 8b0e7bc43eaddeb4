"""A privacy officer, and patients whose studies came in by the real way."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts.actor import SYSTEM, Actor
from accounts.models import Department, User
from accounts.roles import Role
from accounts.scope import scope_of_user
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.requests import services as requests
from imaging.studies import access
from imaging.studies import services as studies
from imaging.studies.models import Patient, Study
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory

Register = Callable[..., Study]
SignedIn = Callable[[User], Client]


@pytest.fixture
def officer(emergency: Department) -> User:
    """A privacy officer of the hospital."""
    user = UserFactory.create(username="olga", display_name="Olga Petit")
    MembershipFactory.create(user=user, department=emergency, role=Role.PRIVACY_OFFICER)
    return user


@pytest.fixture
def acting(officer: User) -> Actor:
    """The officer, as services know her."""
    return Actor(kind="user", id=str(officer.pk), name=officer.username, door="page")


@pytest.fixture
def signed_in() -> SignedIn:
    """`signed_in(user)` is a browser in which that person has just signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def desk(officer: User, signed_in: SignedIn) -> Client:
    """The officer's browser."""
    return signed_in(officer)


@pytest.fixture
def registered(data_dir: Path, emergency: Department) -> Register:
    """`registered(**changes)` is a study of emergency, of patient P1 unless told otherwise."""

    def register(department: Department | None = None, **changes: str) -> Study:
        made = arrivals.dataset(**changes)
        studies.register([arrivals.incoming(made, data_dir / "arrived", department or emergency)], actor=SYSTEM)
        return Study.objects.select_related("patient").get(study_instance_uid=made.StudyInstanceUID)

    return register


@pytest.fixture
def study(registered: Register) -> Study:
    """A study of P1."""
    return registered()


@pytest.fixture
def patient(study: Study) -> Patient:
    """P1."""
    return study.patient


@pytest.fixture
def look() -> Callable[..., None]:
    """`look(user, study)` opens a study as that person, by the one door for reading."""

    def looked(user: User, study: Study, purpose: access.Purpose = access.Purpose.OPEN) -> None:
        actor = Actor(kind="user", id=str(user.pk), name=user.username, door="page", address="10.0.0.9")
        access.open_study(scope_of_user(user), study.study_instance_uid, actor=actor, purpose=purpose)

    return looked


@pytest.fixture
def asked(patient: Patient, acting: Actor) -> Callable[..., DataSubjectRequest]:
    """`asked(kind)` is an open request of P1."""

    def ask(kind: str = "access", **changes: object) -> DataSubjectRequest:
        terms: dict[str, object] = {
            "kind": kind,
            "asked_by": "self",
            "identity_checked": "identity card",
            "wish": "I want to know.",
            "received_on": arrivals.NOON.date(),
            **changes,
        }
        return requests.record_request(patient, actor=acting, **terms)  # type: ignore[arg-type]

    return ask
