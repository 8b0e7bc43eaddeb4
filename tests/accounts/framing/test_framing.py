"""An origin is a scheme and a host, written as a browser writes it; nothing else gets into a header."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.framing import selectors
from accounts.framing.models import MOST, FrameOrigin, validate_origin
from accounts.models import SignInPolicy
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("origin", ["https://record.hospital.example", "https://ehr:8443", "https://a-b.example:444"])
def test_an_origin_is_taken(origin: str) -> None:
    validate_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        *("", "*", "https://*", "https://*.example.org", "http://record.example.org", "https:", "https://", "data:"),
        *("https://record.example.org/", "https://record.example.org/path", "https://record.example.org?x"),
        *("https://user@record.example.org", "https://RECORD.example.org", "https://record.example.org:443"),
        *(
            "https://record.example.org; script-src *",
            "https://a.example https://b.example",
            "'self'",
            "'unsafe-inline'",
        ),
        *("https://record.example.org\r\nX: y", "https://[::1]", "https://rec,ord.example", "https://-a.example"),
        *(
            "https://a..example",
            "https://récord.example",
            "https://a.example:99999",
            "https://a.example:",
            "//a.example",
        ),
    ],
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError):
        validate_origin(origin)


def test_an_administrator_lists_one_and_it_is_on_record(client: Client) -> None:
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    selectors.forget()
    assert selectors.origins() == ()
    form = {"origin": " https://record.hospital.example/ ", "purpose": "the health record", "is_active": "on"}
    refused = client.post(
        "/admin/accounts/frameorigin/add/", {**form, "origin": "https://record.example; script-src *"}
    )
    assert refused.status_code == 200
    assert not FrameOrigin.objects.exists()
    assert client.post("/admin/accounts/frameorigin/add/", form).status_code == 302
    assert selectors.origins() == ("https://record.hospital.example",)
    event: Any = AuditEvent.objects.get(action="setting.changed")
    assert event.subject_type == "frameorigin"
    selectors.forget()


def test_a_header_never_carries_more_than_it_can() -> None:
    FrameOrigin.objects.bulk_create(
        FrameOrigin(origin=f"https://r{number}.example", purpose="tests") for number in range(MOST + 5)
    )
    selectors.forget()
    assert len(selectors.origins()) == MOST
    selectors.forget()
