"""Every address answers with every header, whoever asks and however it ends: pages, fragments, pictures, errors, files."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.framing.models import FrameOrigin
from accounts.models import User
from portal import headers
from tests.architecture.test_every_url_is_scoped import OF_A_STUDY, address_of, routes
from tests.factories import arrivals
from tests.factories.accounts import UserFactory
from tests.studies_in_archive import Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

UID = "1.2.826.0.1.3680043.10.9"
VALUES = {"uid": UID, "apiuid": UID, "int": "1", "uuid": "00000000-0000-4000-8000-000000000007", "key": "1"}
VALUES |= {"fhirtype": "ImagingStudy", "fhirid": "1"}


def every_address() -> list[str]:
    """An address of every route of the portal, with made-up values where it wants some."""
    found = set()
    for path, _name in routes(get_resolver()):
        if path.startswith("^") or "(?P" in path:
            continue
        made = re.sub(r"<(?:(\w+):)?\w+>", lambda part: VALUES.get(part[1] or "str", "1"), path)
        found.add("/" + made)
    return sorted(found)


def check(answer: Any, address: str) -> None:
    """Assert what every answer carries."""
    for name, value in headers.ALWAYS.items():
        assert answer.headers.get(name) == value, (address, name)
    assert answer.headers["X-Content-Type-Options"] == "nosniff", address
    assert answer.headers["Referrer-Policy"] == "same-origin", address
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin", address
    assert answer.headers["X-Frame-Options"] == "DENY", address
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy, address
    assert "'unsafe-eval'" not in policy, address
    assert "default-src 'none'" in policy, address
    assert policy.startswith("sandbox") or "frame-ancestors 'none'" in policy, address
    assert "Access-Control-Allow-Origin" not in answer.headers, address
    kept = answer.headers["Cache-Control"]
    assert "public" not in kept, address
    if answer.headers.get("Content-Type", "").startswith(("text/html", "application/json", "application/dicom+json")):
        assert "no-store" in kept or address.startswith(("/help", "/api/docs", "/api/schema")), (address, kept)


def test_every_route_answers_with_every_header(client: Client, alice: User) -> None:
    administrator = UserFactory.create(is_staff=True, is_superuser=True)
    client.raise_request_exception = False
    for who in (None, alice, administrator):
        for address in every_address():
            if who is not None:
                client.force_login(who)
            check(client.get(address), address)
            check(client.post(address, content_type="text/plain", data="x"), address)


def test_what_is_answered_about_a_study_has_them_too(client: Client, archive: Archive, alice: User) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    client.force_login(alice)
    for name in sorted(OF_A_STUDY):
        address = address_of(name, addresses(made))
        answer = client.get(address)
        check(answer, address)
        answer.getvalue()


def test_what_is_not_there_and_what_is_a_file_of_ours(client: Client) -> None:
    for address in ("/nowhere", "/admin/nowhere", "/api/v1/nowhere", "/dicom-web/nowhere", "/robots.txt"):
        answer = client.get(address)
        assert answer.status_code in {302, 401, 404}
        check(answer, address)


def test_listed_origins_frame_pages_of_images_and_nothing_else(client: Client, alice: User) -> None:
    FrameOrigin.objects.create(origin="https://record.hospital.example", purpose="the health record")
    FrameOrigin.objects.create(origin="https://old.hospital.example", purpose="switched off", is_active=False)
    client.force_login(alice)
    page = client.get("/")
    assert "frame-ancestors https://record.hospital.example;" in page.headers["Content-Security-Policy"] + ";"
    assert "X-Frame-Options" not in page.headers
    for address in ("/account/login/", "/account/password/", "/admin/", "/api/docs/", "/dicom-web/studies"):
        answer = client.get(address)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], address
        assert answer.headers["X-Frame-Options"] == "DENY", address
    FrameOrigin.objects.all().delete()
    FrameOrigin.objects.create(origin="https://other.hospital.example", purpose="signals forget what is known")
    assert "https://other.hospital.example" in client.get("/").headers["Content-Security-Policy"]
