"""A record that launches: the stand-in, listed here as an administrator would, and a browser that goes there and back."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import ClaimRule, Department, IdentityProvider, OutboundHost
from accounts.roles import Role
from imaging.ehr.models import HealthRecord, Hl7Peer
from imaging.fhir.values import Resource
from tests.imaging.ehr.conftest import OID
from tests.stand_in_record.running import StandInRecord, running

CALLBACK = "http://testserver/launch/record/callback"
ANNA = {"preferred_username": "anna", "name": "Anna Weber", "groups": ["pacs-emergency"]}


@pytest.fixture(scope="session")
def _one_record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInRecord]:
    with running(tmp_path_factory.mktemp("record"), callback=CALLBACK) as found:
        yield found


@pytest.fixture
def there(_one_record: StandInRecord) -> Iterator[StandInRecord]:
    """The record's own side: it knows Anna, who is signed in there."""
    cache.clear()
    _one_record.forgets()
    _one_record.knows(people={"anna": ANNA}, signed_in="anna")
    yield _one_record
    cache.clear()


@pytest.fixture
def provider(there: StandInRecord, emergency: Department) -> IdentityProvider:
    """Its authorization server, believed for the group of the emergency department."""
    OutboundHost.objects.create(host="localhost", port=there.port, purpose="record", networks=["127.0.0.0/8", "::1"])
    row = IdentityProvider(
        name="The record",
        slug="record",
        issuer=there.issuer,
        client_id="negatoscope",
        client_authentication="private_key_jwt",
    )
    row.full_clean()
    row.save()
    ClaimRule.objects.create(
        provider=row, claim="groups", value="pacs-emergency", department=emergency, role=Role.CLINICIAN
    )
    return row


@pytest.fixture
def record(there: StandInRecord, provider: IdentityProvider, register: Hl7Peer) -> HealthRecord:
    """The record's row, of the site whose numbers the images bear."""
    row = HealthRecord(name="The record", slug="record", site=register.site, address=there.base, provider=provider)
    row.full_clean()
    row.save()
    return row


def patient(key: str, number: str, **more: Any) -> Resource:
    """A patient as the record has it."""
    return {"resourceType": "Patient", "id": key, "identifier": [{"system": f"urn:oid:{OID}", "value": number}], **more}


Opens = Callable[..., Any]


@pytest.fixture
def opens(there: StandInRecord, record: HealthRecord) -> Opens:
    """`opens(browser, patient="p1", fhirContext=[…])` launches from the record; the portal's answer to what came back."""

    def launched(browser: Client, *, begin: dict[str, str] | None = None, **context: Any) -> Any:
        there.knows(launches={"ticket-1": context, "standalone": context})
        asked = {"iss": there.base, "launch": "ticket-1"} if begin is None else begin
        away = browser.get("/launch", asked)
        assert away.status_code == 302, away.content.decode()
        with httpx.Client(follow_redirects=False) as window:
            address = away["Location"]
            for _step in range(8):
                if address.startswith(CALLBACK):
                    break
                answer = window.get(address)
                assert answer.is_redirect, answer.text
                address = str(answer.next_request.url) if answer.next_request else ""
        return browser.get(address.removeprefix("http://testserver"))

    return launched
