"""HL7 systems and messages in the administration: what is shown, what is masked, what can be decided."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from imaging.ehr import administration, services
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.studies.models import Patient
from tests.factories.accounts import UserFactory
from tests.imaging.ehr.conftest import Send
from tests.imaging.ehr.sent import adt

pytestmark = pytest.mark.django_db

LIST = "admin:imaging_hl7message_changelist"
PAGE = "admin:imaging_hl7message_change"


@pytest.fixture
def client() -> Client:
    """Somebody who looks after the machinery."""
    client = Client()
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def waiting(register: Hl7Peer, monkeypatch: pytest.MonkeyPatch) -> Hl7Message:
    """A message at which our side failed, once."""
    with monkeypatch.context() as broken:
        broken.setattr(administration, "apply", None)
        services.receive(adt("A04", name="Durand^Hélène", control_id="W1"), "127.0.0.1")
    return Hl7Message.objects.get(state=Hl7Message.State.FAILED)


def test_the_list_shows_no_patient_and_says_how_many_wait(client: Client, send: Send, waiting: Hl7Message) -> None:
    send("A04", name="Lefèvre^Jeanne")
    page = client.get(reverse(LIST)).content.decode()
    assert "1 message waits for a person." in page
    assert "ADT^A04" in page
    assert "Durand" not in page
    assert "Lefèvre" not in page


def test_a_message_that_is_done_with_is_masked_and_cannot_be_changed(client: Client, send: Send) -> None:
    send("A04", name="Lefèvre^Jeanne", control_id="D1")
    row = Hl7Message.objects.get()
    page = client.get(reverse(PAGE, args=[row.pk])).content.decode()
    assert "MSH|^~\\&amp;|HIS|DEMO HOSPITAL" in page
    assert "xxxxxxx^xxxxxx" in page
    assert "Lefèvre" not in page
    assert client.post(reverse(PAGE, args=[row.pk]), {"text": "MSH|^~\\&|"}).status_code == 403
    assert not AuditEvent.objects.filter(action=Action.HL7_MESSAGE_READ).exists()


def test_reading_one_that_waits_is_on_record_and_it_is_put_right(client: Client, waiting: Hl7Message) -> None:
    page = client.get(reverse(PAGE, args=[waiting.pk])).content.decode()
    assert "Durand^Hélène" in page
    assert AuditEvent.objects.get(action=Action.HL7_MESSAGE_READ).subject_uid == str(waiting.pk)

    text = adt("A04", name="Lefèvre^Jeanne", control_id="W1").decode().replace("\r", "\r\n")
    answer = client.post(reverse(PAGE, args=[waiting.pk]), {"text": text}, follow=True)

    assert "1 message was taken over." in answer.content.decode()
    assert Patient.objects.get().patient_name == "Lefèvre^Jeanne"
    waiting.refresh_from_db()
    assert (waiting.state, waiting.decided_by) == (Hl7Message.State.APPLIED, "root")
    assert "Durand" in bytes(waiting.raw).decode()


def test_what_is_no_message_is_not_sent_in(client: Client, waiting: Hl7Message) -> None:
    page = client.post(reverse(PAGE, args=[waiting.pk]), {"text": "hello"}).content.decode()
    assert "does not begin with MSH" in page
    waiting.refresh_from_db()
    assert waiting.edited is None


@pytest.mark.parametrize(
    ("action", "said", "state"),
    [
        ("send_in_again", "1 message was taken over.", Hl7Message.State.APPLIED),
        ("skip", "1 message is skipped.", Hl7Message.State.SKIPPED),
    ],
)
def test_those_that_wait_are_decided_about_from_the_list(
    client: Client, waiting: Hl7Message, action: str, said: str, state: str
) -> None:
    chosen = {"action": action, "_selected_action": [waiting.pk]}
    assert said in client.post(reverse(LIST), chosen, follow=True).content.decode()
    waiting.refresh_from_db()
    assert waiting.state == state
    assert AuditEvent.objects.filter(action=Action.HL7_MESSAGE_DECIDED).exists()


def test_markup_in_a_message_is_words(client: Client, register: Hl7Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(administration, "apply", None)
        evil = adt("A04", name="<script>alert(1)</script>", control_id="<b>X</b>")
        services.receive(evil, "127.0.0.1")
    row = Hl7Message.objects.get()
    for address in (reverse(LIST), reverse(PAGE, args=[row.pk])):
        page = client.get(address).content.decode()
        assert "<script>alert" not in page
        assert "<b>X</b>" not in page


def test_a_character_set_that_nobody_reads_is_refused(client: Client, register: Hl7Peer) -> None:
    address = reverse("admin:imaging_hl7peer_change", args=[register.pk])
    fields = {
        "name": "Register",
        "sending_application": "HIS",
        "sending_facility": "DEMO HOSPITAL",
        "site": register.site_id,
        "character_set": "KLINGON",
        "inverse_merge": "refuse",
        "most_merges": 100,
        "refusal": "AE",
        "is_active": "on",
    }
    assert "One of these: ASCII" in client.post(address, fields).content.decode()
    assert client.post(address, {**fields, "character_set": "8859/15"}).status_code == 302
    register.refresh_from_db()
    assert register.character_set == "8859/15"


@pytest.mark.parametrize("name", ["demo-adt-a04-utf8", "demo-adt-a04-latin1"])
def test_the_demos_messages_are_understood(register: Hl7Peer, name: str) -> None:
    site = register.site
    site.issuer_of_patient_id = "DEMO"
    site.save()
    raw = (Path(__file__).resolve().parents[3] / "portal" / "demo" / "data" / "hl7" / f"{name}.hl7").read_bytes()
    (answer,) = services.receive(raw, "127.0.0.1")
    assert b"MSA|AA|" in answer
    assert Patient.objects.get(patient_id="9RG1").patient_name == "Lefèvre^Hélène^^Mme"


def test_a_list_of_messages_loads_none_of_them(client: Client, send: Send, django_assert_max_num_queries: Any) -> None:
    """Each may hold a report of megabytes."""
    send("A04")
    with django_assert_max_num_queries(30) as queries:
        assert client.get(reverse(LIST)).status_code == 200
    assert not [query["sql"] for query in queries.captured_queries if '"imaging_hl7message"."raw"' in query["sql"]]


def test_a_message_of_megabytes_is_sent_in_again_or_skipped_but_not_edited(client: Client, waiting: Hl7Message) -> None:
    Hl7Message.objects.update(raw=bytes(waiting.raw) + b"\rNTE|1||" + b"x" * (1 << 20))
    page = client.get(reverse(PAGE, args=[waiting.pk])).content.decode()
    assert "<textarea" not in page
    client.post(reverse(LIST), {"action": "skip", "_selected_action": [waiting.pk]})
    waiting.refresh_from_db()
    assert waiting.state == Hl7Message.State.SKIPPED
