"""The people around a share of Alice's: a colleague, the manager of her department, the privacy officer."""

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.shared_links import Made, Sharing


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


def _works(department: Department, role: Role, username: str, name: str) -> User:
    user = UserFactory.create(username=username, display_name=name)
    MembershipFactory.create(user=user, department=department, role=role)
    return user


@pytest.fixture
def colleague(emergency: Department) -> User:
    """Another clinician of emergency."""
    return _works(emergency, Role.CLINICIAN, "nadia", "Nadia Benali")


@pytest.fixture
def manager(emergency: Department) -> User:
    """The manager of emergency, who allows its shares."""
    return _works(emergency, Role.DEPARTMENT_MANAGER, "marc", "Marc Vidal")


@pytest.fixture
def other_manager(orthopaedics: Department) -> User:
    """The manager of orthopaedics."""
    return _works(orthopaedics, Role.DEPARTMENT_MANAGER, "odile", "Odile Renard")


@pytest.fixture
def administrator(emergency: Department) -> User:
    """Who runs emergency in the portal, and sees nothing clinical."""
    return _works(emergency, Role.ADMINISTRATOR, "adele", "Adèle Roux")


@pytest.fixture
def officer(orthopaedics: Department) -> User:
    """The privacy officer."""
    return _works(orthopaedics, Role.PRIVACY_OFFICER, "petra", "Petra Lang")


@pytest.fixture
def made(sharing: Sharing, chest: Study) -> Made:
    """Alice's share of the chest film, whose second proof is on the letter."""
    return sharing(chest, factor=Factor.PRINTED)


def signed_in(user: User) -> Client:
    """A browser of somebody's."""
    client = Client()
    client.force_login(user)
    return client
