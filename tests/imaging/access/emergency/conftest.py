"""A privacy officer, a patient of emergency, and Bob of orthopaedics who opens the record."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Department, SignInPolicy, User
from accounts.roles import Role
from imaging.access.emergency.models import EmergencyAccess
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.emergency.opening import FORM, form
from tests.studies_in_archive import Addresses, Archive, addresses


@pytest.fixture(autouse=True)
def no_passkeys(db: None) -> None:
    """A hospital that asks for a fresh proof, and for no passkey: signing in a moment ago is one."""
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])


@pytest.fixture
def officer(emergency: Department) -> User:
    """A privacy officer."""
    user = UserFactory.create(username="officer", display_name="Odile Garde")
    MembershipFactory.create(user=user, department=emergency, role=Role.PRIVACY_OFFICER)
    return user


@pytest.fixture
def there(archive: Archive) -> Addresses:
    """A study of emergency, of patient P1, drawn by nobody."""
    made = arrivals.dataset(PatientName="Secret^Susan", PatientID="P1", PatientBirthDate="19700102")
    archive.receive(made)
    return addresses(made)


@pytest.fixture
def breaks(client: Client, bob: User) -> Callable[..., EmergencyAccess]:
    """`breaks()` is Bob opening patient P1; ``changes`` are fields of the form."""

    def open_it(**changes: str) -> EmergencyAccess:
        client.force_login(bob)
        answer = client.post(FORM, form(**changes))
        assert answer.status_code == 302, answer.content.decode()
        return EmergencyAccess.objects.get(pk=answer["Location"].split("/")[-2])

    return open_it
