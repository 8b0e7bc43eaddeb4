"""Who may come to the desk, and what strangers are told."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Department, User
from accounts.roles import POWERS, Capability, Role
from imaging.privacy.models import DataSubjectRequest
from imaging.privacy.urls import urlpatterns
from tests.factories.accounts import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

#: For people who may correct an identity, not for the desk.
CORRECTORS = {"corrections", "correction-decide"}
SignedIn = Callable[[User], Client]


def address(name: str, pattern: str) -> str:
    if "uuid" in pattern:
        return reverse(f"privacy:{name}", args=[uuid4()])
    return reverse(f"privacy:{name}", args=[1] if "int" in pattern else [])


ROUTES = [(entry.name or "", str(entry.pattern)) for entry in urlpatterns]


@pytest.mark.parametrize("role", list(Role))
def test_only_people_with_the_capability_get_anything(role: Role, emergency: Department, signed_in: SignedIn) -> None:
    user = UserFactory.create()
    MembershipFactory.create(user=user, department=emergency, role=role)
    client = signed_in(user)
    held = POWERS[role].capabilities
    at_the_desk = bool(held & {Capability.READ_AUDIT, Capability.MANAGE_PRIVACY})
    for name, pattern in ROUTES:
        allowed = Capability.CORRECT_IDENTITY in held if name in CORRECTORS else at_the_desk
        for method in (client.get, client.post):
            status = method(address(name, pattern)).status_code
            assert status == 405 or (status == 403) is (not allowed), (role, name, status)


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    for name, pattern in ROUTES:
        response = client.get(address(name, pattern))
        assert response.status_code in {302, 405}, name
        if response.status_code == 302:
            assert "/account/login/" in response["Location"]


def test_what_does_not_exist_is_404_for_the_officer(desk: Client) -> None:
    for name in ("patient", "letter", "request", "breach", "choices", "request-new"):
        assert desk.get(reverse(f"privacy:{name}", args=[987654])).status_code == 404


def test_the_way_to_the_desk_is_shown_to_its_people_only(desk: Client, alice: User, signed_in: SignedIn) -> None:
    assert 'href="/privacy/"' in desk.get("/").content.decode()
    assert 'href="/privacy/"' not in signed_in(alice).get("/").content.decode()


def test_no_page_of_the_desk_is_kept_by_a_browser(desk: Client, asked: Callable[..., DataSubjectRequest]) -> None:
    request = asked()
    for page in (
        "/privacy/",
        f"/privacy/requests/{request.pk}/",
        "/privacy/requests/",
        "/privacy/seen/",
        "/privacy/reviews/",
    ):
        assert "no-store" in desk.get(page)["Cache-Control"]


@pytest.mark.parametrize("kind", DataSubjectRequest.Kind.values)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_kind_of_request_has_a_page(
    desk: Client, asked: Callable[..., DataSubjectRequest], kind: str, language: str
) -> None:
    response = desk.get(f"/privacy/requests/{asked(kind).pk}/", headers={"accept-language": language})
    assert response.status_code == 200


def test_the_register_shows_what_was_answered(desk: Client, asked: Callable[..., DataSubjectRequest]) -> None:
    request = asked()
    desk.post(f"/privacy/requests/{request.pk}/close", {"state": "refused", "answer": "Not the person."})
    assert request.reference not in desk.get("/privacy/requests/").content.decode()
    assert request.reference in desk.get("/privacy/requests/?show=closed").content.decode()


def test_days_and_moments_are_filled_in_as_browsers_read_them(
    desk: Client, asked: Callable[..., DataSubjectRequest]
) -> None:
    patient = asked().patient
    assert patient is not None
    new = desk.get(f"/privacy/patients/{patient.pk}/requests").content.decode()
    assert re.search(r'name="received_on" type="date" value="\d{4}-\d\d-\d\d"', new)
    breaches = desk.get("/privacy/breaches/").content.decode()
    assert re.search(r'name="aware_at" type="datetime-local" value="\d{4}-\d\d-\d\dT\d\d:\d\d"', breaches)
