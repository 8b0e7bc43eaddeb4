"""What other sites have a person's browser ask is refused; links, machines and our own pages go on; alerts are few."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.framing.models import FrameOrigin
from accounts.models import User

pytestmark = pytest.mark.django_db

#: What a browser says of an image, a script or a fetch of another site.
PART = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "no-cors", "HTTP_SEC_FETCH_DEST": "image"}
SISTER = {**PART, "HTTP_SEC_FETCH_SITE": "same-site", "HTTP_SEC_FETCH_DEST": "empty", "HTTP_SEC_FETCH_MODE": "cors"}
LINK = {"HTTP_SEC_FETCH_SITE": "cross-site", "HTTP_SEC_FETCH_MODE": "navigate", "HTTP_SEC_FETCH_DEST": "document"}
FRAME = {**LINK, "HTTP_SEC_FETCH_DEST": "iframe"}
OWN = {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_SEC_FETCH_MODE": "cors", "HTTP_SEC_FETCH_DEST": "empty"}


def alerts() -> list[dict[str, Any]]:
    """Details of the alerts on record."""
    return [event.detail for event in AuditEvent.objects.filter(action="security.alerted")]


@pytest.mark.parametrize("address", ["/", "/api/v1/studies", "/dicom-web/studies"])
def test_parts_of_other_sites_pages_get_nothing_with_a_persons_cookies(
    address: str, client: Client, alice: User
) -> None:
    client.force_login(alice)
    assert client.get(address, **OWN).status_code == 200
    assert client.get(address).status_code == 200, "an old browser"
    for headers in (PART, SISTER):
        assert client.get(address, **headers).status_code == 403
    assert client.get(address, **LINK).status_code == 200
    assert {detail["because"] for detail in alerts()} == {"part of another page"}


def test_a_frame_of_another_site_needs_a_listed_origin(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get("/", **FRAME).status_code == 403
    FrameOrigin.objects.create(origin="https://record.hospital.example", purpose="tests")
    assert client.get("/", **FRAME).status_code == 200
    assert client.get("/", **{**FRAME, "HTTP_SEC_FETCH_DEST": "embed"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        PART,
        SISTER,
        LINK,
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "http://testserver.evil.example"},
        {"HTTP_ORIGIN": "http://testserver:8080"},
        {"HTTP_ORIGIN": "http://testserver@evil.example"},
        {"HTTP_ORIGIN": "https://evil.example", "HTTP_X_HTTP_METHOD_OVERRIDE": "GET"},
    ],
)
@pytest.mark.parametrize("address", ["/account/theme/", "/api/v1/uploads", "/dicom-web/studies", "/language/"])
def test_other_sites_change_nothing(address: str, headers: dict[str, str], client: Client, alice: User) -> None:
    client.force_login(alice)
    before = User.objects.get(pk=alice.pk).theme
    answer = client.post(address, {"theme": "light", "language": "fr"}, **headers)
    assert answer.status_code == 403
    assert User.objects.get(pk=alice.pk).theme == before


def test_our_own_pages_change_what_they_change(client: Client, alice: User) -> None:
    client.force_login(alice)
    for headers in ({**OWN, "HTTP_ORIGIN": "http://testserver"}, {"HTTP_ORIGIN": "http://testserver"}, OWN, {}):
        assert client.post("/account/theme/", {"theme": "light"}, **headers).status_code == 302
    assert not alerts()


def test_without_a_token_nothing_is_changed_either(alice: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    asked = (
        ("/account/theme/", "application/x-www-form-urlencoded"),
        ("/api/v1/uploads", "application/dicom"),
        ("/api/v1/webhooks", "application/json"),
        ("/dicom-web/studies", 'multipart/related; type="application/dicom"; boundary=x'),
    )
    for method in ("post", "put", "patch", "delete"):
        for address, kind in asked:
            answer = getattr(strict, method)(address, data="{}", content_type=kind)
            assert answer.status_code in {403, 405}, (method, address)


def test_somebody_without_a_session_is_asked_to_sign_in_as_ever(client: Client) -> None:
    assert client.get("/", **PART).status_code == 302
    assert not alerts()


def test_knocking_does_not_fill_the_audit(client: Client, alice: User) -> None:
    client.force_login(alice)
    for _ in range(30):
        client.get("/", **PART)
    assert 1 <= len(alerts()) <= 6


def report(client: Client, sent: Any, **headers: str) -> int:
    body = sent if isinstance(sent, str) else json.dumps(sent)
    return client.post(
        "/account/policy-report/", body, content_type=headers.pop("type", "application/csp-report"), **headers
    ).status_code


VIOLATION = {
    "document-uri": "http://testserver/studies/1.2.3/?name=DUPONT",
    "violated-directive": "script-src-elem",
    "effective-directive": "script-src-elem",
    "blocked-uri": "inline",
    "script-sample": "alert('DUPONT')",
}


def test_a_violation_is_on_record_without_what_it_was_about(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert report(client, {"csp-report": VIOLATION}) == 204
    assert alerts() == [{"directive": "script-src-elem", "blocked": "inline", "route": "viewer:study"}]
    modern = [
        {
            "type": "csp-violation",
            "body": {"effectiveDirective": "img-src", "blockedURL": "https://evil.example/DUPONT"},
        }
    ]
    assert report(client, modern, type="application/reports+json") == 204
    assert {"directive": "img-src", "blocked": "address", "route": "viewer:study-list"} in alerts() or alerts()[-1][
        "blocked"
    ] == "address"
    assert "DUPONT" not in str(list(AuditEvent.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    "sent",
    ["", "{", "[" * 100_000, "null", '"x"', "[1]", '{"csp-report": 1}', '[{"body": 3}]', "x" * 20_000],
)
def test_what_is_no_report_is_nothing(sent: str, client: Client, alice: User) -> None:
    client.force_login(alice)
    assert report(client, sent) == 204
    assert not alerts()


def test_strangers_and_other_sites_report_nothing(client: Client, alice: User) -> None:
    assert report(client, {"csp-report": VIOLATION}) == 204
    client.force_login(alice)
    assert report(client, {"csp-report": VIOLATION}, HTTP_SEC_FETCH_SITE="cross-site") == 204
    assert report(client, {"csp-report": VIOLATION}, type="text/plain") == 204
    assert not alerts()


def test_what_is_said_to_people_is_in_no_cookie(settings: Any) -> None:
    assert settings.MESSAGE_STORAGE.endswith("session.SessionStorage")


def test_every_cookie_is_hidden_from_scripts_and_stays_at_home() -> None:
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.CSRF_COOKIE_HTTPONLY
    assert {settings.SESSION_COOKIE_SAMESITE, settings.CSRF_COOKIE_SAMESITE, settings.LANGUAGE_COOKIE_SAMESITE} == {
        "Lax"
    }
