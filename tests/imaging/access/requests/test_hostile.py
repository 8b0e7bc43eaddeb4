"""Hostile words, posts of other sites, pages that nobody keeps."""

import uuid

import pytest
from django.test import Client

from accounts.models import Department, User
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.access.requests.conftest import (
    BORN,
    Desk,
    Register,
    ask_by_page,
)

pytestmark = pytest.mark.django_db


HOSTILE = '"><script>alert(1)</script>{{ 7919*7 }}\u202egpj'


def test_hostile_words_are_words(
    registered: Register, bob: User, marc: User, orthopaedics: Department, client: Client
) -> None:
    registered()
    client.force_login(bob)
    request = ask_by_page(client, orthopaedics, words=HOSTILE)
    client.post(f"/access/requests/{request.pk}/words", {"words": HOSTILE})
    client.force_login(marc)
    client.post(f"/access/requests/{request.pk}/words", {"words": HOSTILE})
    client.post(f"/access/requests/{request.pk}/decide", {"verdict": "deny", "note": HOSTILE})
    for user, address in (
        (bob, f"/access/requests/{request.pk}/"),
        (marc, f"/access/requests/{request.pk}/"),
        (bob, "/access/"),
        (marc, "/access/desk/?show=history"),
    ):
        client.force_login(user)
        text = client.get(address).content.decode()
        assert "<script>alert" not in text
        assert str(7919 * 7) not in text


def test_pages_of_requests_are_kept_by_nobody(registered: Register, bob: User, desk: Desk, client: Client) -> None:
    registered()
    request = desk.ask(bob)
    client.force_login(bob)
    for address in ("/access/", f"/access/requests/{request.pk}/"):
        assert "no-store" in client.get(address)["Cache-Control"]


def test_the_forms_take_no_post_of_another_site(registered: Register, bob: User, marc: User, desk: Desk) -> None:
    registered()
    request = desk.ask(bob)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(marc)
    assert strict.post(f"/access/requests/{request.pk}/decide", {"verdict": "approve"}).status_code == 403
    assert strict.post("/access/elsewhere", BORN).status_code == 403
    assert desk.sees(bob) == set()


def test_the_same_token_of_another_person_is_another_request(
    registered: Register, bob: User, orthopaedics: Department, desk: Desk
) -> None:
    registered()
    token = uuid.uuid4()
    other = UserFactory.create()
    MembershipFactory.create(user=other, department=orthopaedics)
    first, second = desk.ask(bob, token=token), desk.ask(other, token=token)
    assert first != second
    assert {first.requester, second.requester} == {bob, other}


def test_the_bar_shows_what_waits(registered: Register, bob: User, marc: User, desk: Desk, client: Client) -> None:
    registered()
    desk.ask(bob)
    client.force_login(marc)
    assert "1 waiting" in client.get("/").content.decode()
