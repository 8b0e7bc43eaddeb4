"""For a stranger nothing exists: every address answers as for a UID that nobody has. A right that is missing is 403."""

import re

import pytest
from django.test import Client

from accounts.models import Department, User
from accounts.roles import Role
from accounts.services import IssuedKey
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory, issue_machine_key
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = tuple(Addresses("1", "2", "3").all)
NOWHERE = Addresses("1.2.3.4.5", "1.2.3.4.6", "1.2.3.4.7")


@pytest.fixture
def there(archive: Archive) -> Addresses:
    """A study of emergency, with every address of it."""
    made = arrivals.dataset(PatientName="Secret^Susan", PatientID="S3CR3T")
    archive.receive(made)
    return addresses(made)


def _without_what_differs_anyway(body: bytes, address: str) -> bytes:
    """The address that was asked for, the reference of the request and the masked token are new each time."""
    text = body.decode()
    text = text.replace(address, "ADDRESS")
    text = re.sub(r"reference [0-9a-f-]+", "reference", text)
    return re.sub(r'(csrfmiddlewaretoken" value|data-csrf)="[^"]+"', "", text).encode()


@pytest.mark.parametrize("name", NAMES)
def test_for_strangers_a_study_looks_as_if_it_did_not_exist(
    name: str, there: Addresses, bob: User, charlie: User, client: Client
) -> None:
    for stranger in (bob, charlie):
        client.force_login(stranger)
        real, absent = client.get(there.all[name]), client.get(NOWHERE.all[name])
        assert (real.status_code, absent.status_code) == (404, 404)
        assert _without_what_differs_anyway(real.content, there.all[name]) == _without_what_differs_anyway(
            absent.content, NOWHERE.all[name]
        )
        assert b"Secret" not in real.content
        assert real.headers.get("Content-Type") == absent.headers.get("Content-Type")


@pytest.mark.parametrize("name", NAMES)
def test_nobody_without_signing_in_gets_anything(name: str, there: Addresses, client: Client) -> None:
    response = client.get(there.all[name])
    if there.all[name].startswith("/dicom-web/"):
        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert "Basic" not in response.headers["WWW-Authenticate"]
    else:
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/account/")


@pytest.mark.parametrize("name", ["retrieve study", "retrieve series", "retrieve instance"])
def test_who_may_look_but_not_download_is_told_so(
    name: str, there: Addresses, emergency: Department, client: Client
) -> None:
    trainee = UserFactory.create(username="trainee")
    MembershipFactory.create(user=trainee, department=emergency, role=Role.TRAINEE)
    client.force_login(trainee)
    assert client.get(there.all[name]).status_code == 403
    assert client.get(there.all["frame"]).status_code == 200


def test_who_may_not_write_may_not_retry(there: Addresses, alice: User, bob: User, client: Client) -> None:
    client.force_login(alice)
    assert client.post(f"/studies/{there.study_uid}/retry").status_code == 403
    client.force_login(bob)
    assert client.post(f"/studies/{there.study_uid}/retry").status_code == 404


def test_a_machine_of_the_department_reads_and_one_of_another_does_not(
    there: Addresses, machine: IssuedKey, orthopaedics: Department, client: Client
) -> None:
    other = issue_machine_key(orthopaedics, name="orthopaedics-gateway")
    metadata = there.all["instance metadata"]
    assert client.get(metadata, headers={"Authorization": f"Bearer {machine.plaintext}"}).status_code == 200
    assert client.get(metadata, headers={"Authorization": f"Bearer {other.plaintext}"}).status_code == 404
    assert client.get(metadata, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_study_is_not_reached_through_the_series_of_another(
    archive: Archive, there: Addresses, alice: User, client: Client
) -> None:
    other = arrivals.dataset()
    archive.receive(other)
    mixed = Addresses(other.StudyInstanceUID, there.series_uid, there.sop_uid)
    client.force_login(alice)
    for name in ("instance metadata", "frame", "series metadata", "instance preview", "headers"):
        assert client.get(mixed.all[name]).status_code == 404, name
