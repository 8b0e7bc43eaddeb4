"""What the command palette finds: the reader's own studies and lists, and no name in any address."""

import pytest
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.viewer import palette
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def ask(client: Client, text: str) -> str:
    answer = client.post("/palette", {"q": text})
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    return answer.content.decode()


def test_it_finds_by_half_a_name_without_accents_and_by_number(archive: Archive, alice: User, client: Client) -> None:
    made = arrivals.dataset(PatientName="Lefèvre^Camille", PatientID="0048 2913", AccessionNumber="ACC77")
    archive.receive(made, arrivals.dataset(PatientName="Other^Person", PatientID="X"))
    client.force_login(alice)
    for text in ("lefev", "camille lef", "ACC77", "0048"):
        found = ask(client, text)
        assert f"/viewer/{made.StudyInstanceUID}/" in found, text
        assert "OTHER" not in found, text


def test_it_finds_nothing_of_other_departments(archive: Archive, bob: User, charlie: User, client: Client) -> None:
    archive.receive(arrivals.dataset(PatientName="Secret^Susan"))
    for person in (bob, charlie):
        client.force_login(person)
        assert 'role="option"' not in ask(client, "secret")


def test_one_letter_and_nothing_search_no_study(archive: Archive, alice: User, client: Client) -> None:
    archive.receive(arrivals.dataset())
    client.force_login(alice)
    assert "/viewer/" not in ask(client, "d")
    lists = ask(client, "")
    assert "/viewer/" not in lists
    assert "/?from=today" in lists


def test_many_results_lead_to_the_list(archive: Archive, alice: User, client: Client) -> None:
    archive.receive(*(arrivals.dataset(PatientID=f"M{number}") for number in range(9)))
    client.force_login(alice)
    found = ask(client, "durand")
    assert found.count("data-page=") == 8
    assert 'data-href="/?q=durand"' in found


@pytest.mark.parametrize("text", ["%" * 128, "x" * 10_000, "\x00", "'; DROP TABLE", "ا" * 128, "a\u0301" * 64, "* ?"])
def test_hostile_texts_find_nothing_and_break_nothing(text: str, archive: Archive, alice: User, client: Client) -> None:
    archive.receive(arrivals.dataset())
    client.force_login(alice)
    assert "/viewer/" not in ask(client, text)


def test_it_is_asked_by_post_with_the_token_and_by_people_who_signed_in(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/palette", {"q": "durand"}).status_code == 403
    client.force_login(alice)
    assert client.get("/palette?q=durand").status_code == 405
    assert client.post("/palette", {"q": "durand"}).status_code == 403
    stranger = Client()
    answer = stranger.post("/palette", {"q": "durand"}, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 401
    assert answer["X-Sign-In"].startswith("/account/login/")


def test_a_search_is_on_record_with_its_words_in_the_palette_as_in_the_list(alice: User, client: Client) -> None:
    client.force_login(alice)
    client.post("/palette", {"q": " Secret  susan "})
    client.get("/?q=Secret+susan")
    client.get("/?q=Other")
    client.get("/")
    found = AuditEvent.objects.filter(action="studies.queried", actor_id=str(alice.pk))
    assert sorted(event.detail["keys"]["search"] for event in found) == ["Other", "Secret susan"]


def test_who_searches_without_end_is_asked_to_wait_and_nobody_else_is(
    archive: Archive, alice: User, bob: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.receive(arrivals.dataset())
    monkeypatch.setattr(palette, "MOST_A_MINUTE", 3)
    client.force_login(alice)
    for _search in range(3):
        ask(client, "durand")
    refused = client.post("/palette", {"q": "durand"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 120
    assert AuditEvent.objects.filter(action="studies.queried").count() == 1
    ask(client, "")
    client.force_login(bob)
    ask(client, "durand")
