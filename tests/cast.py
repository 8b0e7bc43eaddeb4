"""The people of the tests: Alice in emergency, Bob in orthopaedics, Charlie nowhere, and a machine."""

import pytest

from accounts.models import Department, User
from accounts.roles import Role
from accounts.services import IssuedKey
from tests.factories.accounts import (
    DepartmentFactory,
    MembershipFactory,
    UserFactory,
    issue_machine_key,
)


@pytest.fixture
def emergency(db: None) -> Department:
    """The emergency department."""
    return DepartmentFactory.create(code="emergency", name="Emergency", name_fr="Urgences")


@pytest.fixture
def orthopaedics(db: None, emergency: Department) -> Department:
    """The orthopaedics department, of the same site."""
    return DepartmentFactory.create(code="orthopaedics", name="Orthopaedics", name_fr="Orthopédie", site=emergency.site)


@pytest.fixture
def alice(emergency: Department) -> User:
    """A clinician of the emergency department."""
    user = UserFactory.create(username="alice", display_name="Alice Martin")
    MembershipFactory.create(user=user, department=emergency, role=Role.CLINICIAN)
    return user


@pytest.fixture
def bob(orthopaedics: Department) -> User:
    """A clinician of orthopaedics."""
    user = UserFactory.create(username="bob", display_name="Bob Leroy")
    MembershipFactory.create(user=user, department=orthopaedics, role=Role.CLINICIAN)
    return user


@pytest.fixture
def charlie(db: None) -> User:
    """A person with an account and no department."""
    return UserFactory.create(username="charlie", display_name="Charlie Dubois")


@pytest.fixture
def machine(emergency: Department) -> IssuedKey:
    """A machine with every right at every machine door, for the emergency department."""
    return issue_machine_key(emergency, name="emergency-gateway")
