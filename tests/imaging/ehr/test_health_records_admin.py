"""Health records in the administration: what a new one begins with, what is refused, and that its token stays inside."""

import pytest
from django.test import Client

from accounts.models import IdentityProvider
from imaging.ehr.models import HealthRecord, Hl7Peer
from imaging.ehr.models.records import launch_scopes, reading_scopes
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
ADD = "/admin/imaging/healthrecord/add/"


@pytest.fixture
def client(client: Client) -> Client:
    """An administrator's browser."""
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def typed(register: Hl7Peer) -> dict[str, str]:
    """A record as somebody types it."""
    return {
        "name": "Hospital record",
        "slug": "record",
        "is_active": "on",
        "site": str(register.site_id),
        "address": "https://record.example/fhir",
        "patient_system": "",
        "provider": "",
        "scopes": "\n".join(launch_scopes()),
        "access": "none",
        "client_id": "",
        "reading_scopes": "\n".join(reading_scopes()),
        "token": "",
    }


def complaints(client: Client, typed: dict[str, str], **changes: str) -> dict[str, list[str]]:
    answer = client.post(ADD, {**typed, **changes})
    return dict(answer.context["adminform"].form.errors) if answer.status_code == 200 else {}


def test_a_new_record_begins_with_the_scopes_that_are_needed(client: Client, register: Hl7Peer) -> None:
    """The form showed none: a launch then asked for nobody's images."""
    page = client.get(ADD).content.decode()
    for scope in (*launch_scopes(), *reading_scopes()):
        assert scope in page


def test_what_was_typed_is_kept(client: Client, typed: dict[str, str]) -> None:
    provider = IdentityProvider.objects.create(name="P", slug="p", issuer="https://record.example", client_id="x")
    assert not complaints(client, typed, provider=str(provider.pk))
    row = HealthRecord.objects.get()
    assert (row.provider, row.scopes, row.system) == (provider, launch_scopes(), f"urn:oid:{row.site.issuer_oid}")
    page = client.get(f"/admin/imaging/healthrecord/{row.pk}/change/").content.decode()
    assert "/launch/record/callback" in page
    assert "/.well-known/jwks.json" in page


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "http://record.example/fhir"}, "address"),
        ({"address": "https://record.example/fhir?x=1"}, "address"),
        ({"address": "https://user:secret@record.example/fhir"}, "address"),
        ({"scopes": 'patient/Patient.r "quoted"'}, "scopes"),
        ({"patient_system": "no uri"}, "patient_system"),
        ({"access": "backend"}, "client_id"),
        ({"access": "token"}, "token"),
        ({"accepts_tokens": "on"}, "access"),
    ],
)
def test_what_cannot_work_is_refused_at_its_field(
    client: Client, typed: dict[str, str], changes: dict[str, str], field: str
) -> None:
    assert field in complaints(client, typed, **changes)
    assert not HealthRecord.objects.exists()


def test_a_token_goes_in_and_never_comes_out(client: Client, typed: dict[str, str]) -> None:
    assert not complaints(client, typed, access="token", token="a-secret-token")
    row = HealthRecord.objects.get()
    assert "a-secret-token" not in row.sealed_token
    assert row.sealed_token
    assert "a-secret-token" not in client.get(f"/admin/imaging/healthrecord/{row.pk}/change/").content.decode()
    client.post(f"/admin/imaging/healthrecord/{row.pk}/change/", {**typed, "access": "token", "name": "Renamed"})
    again = HealthRecord.objects.get()
    assert (again.name, again.sealed_token) == ("Renamed", row.sealed_token)
