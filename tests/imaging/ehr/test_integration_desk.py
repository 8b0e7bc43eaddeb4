"""The integration desk: every system on one page, when it was heard, how much, what waits for a person, and a test by a press."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from imaging.ehr.models import HealthRecord, Hl7Destination, Hl7Message, Hl7Notice, Hl7Peer
from tests.factories.accounts import UserFactory
from tests.imaging.ehr.conftest import Send, Tell

pytestmark = pytest.mark.django_db
DESK = "/admin/integration/"


@pytest.fixture
def client(client: Client) -> Client:
    """An administrator's browser."""
    client.force_login(UserFactory.create(is_staff=True, is_superuser=True))
    return client


def line(client: Client, name: str) -> str:
    """What the line of a system says."""
    page = client.get(DESK)
    assert page.status_code == 200
    rows = page.content.decode().split("<tr>")
    return next(" ".join(row.split()) for row in rows if name in row)


def test_a_sender_tells_when_it_was_heard_and_how_much(client: Client, register: Hl7Peer, send: Send) -> None:
    send("A08")
    send("A08", name="Durand^Anne")
    assert Hl7Message.objects.count() == 2
    Hl7Message.objects.order_by("pk").filter(pk=Hl7Message.objects.earliest("pk").pk).update(
        received_at=timezone.now() - timedelta(hours=3)
    )
    told = line(client, "Register")
    assert "in order" in told
    assert '<td class="num" data-label="Last hour">1</td>' in told
    assert '<td class="num" data-label="Last 24 hours">2</td>' in told


def test_what_waits_for_a_person_is_said_first_and_leads_to_it(client: Client, register: Hl7Peer, send: Send) -> None:
    send("A08")
    Hl7Message.objects.update(state=Hl7Message.State.FAILED)
    told = line(client, "Register")
    assert "1 message waits for a person." in told
    address = told.split('<a href="')[2].split('"')[0].replace("&amp;", "&")
    assert client.get(address).status_code == 200
    assert "state__exact=failed" in address


def test_a_receiver_that_is_away_says_why_and_what_it_is_owed(client: Client, destination: Tell) -> None:
    row = destination()
    Hl7Destination.objects.filter(pk=row.pk).update(failing_since=timezone.now(), problem="no_connection")
    Hl7Notice.objects.create(destination=row, about="report", subject_uid="1", mark="1", control_id="c1", raw=b"x")
    told = line(client, row.name)
    assert "Nobody listens there." in told
    assert "1 message waits." in told


def test_a_system_is_tested_by_a_press(client: Client, destination: Tell) -> None:
    row = destination()
    told = line(client, row.name)
    action = told.split('name="action" value="')[1].split('"')[0]
    answer = client.post("/admin/imaging/hl7destination/", {"action": action, "_selected_action": row.pk}, follow=True)
    assert row.name in answer.content.decode()


def test_a_record_says_what_it_does(client: Client, register: Hl7Peer) -> None:
    HealthRecord.objects.create(
        name="Hospital record", slug="record", site=register.site, address="https://record.example/fhir", access="open"
    )
    assert "is read beside images" in line(client, "Hospital record")


def test_no_name_of_a_patient_is_on_it(client: Client, register: Hl7Peer, send: Send) -> None:
    send("A08", name="Verysecret^Name")
    assert "Verysecret" not in client.get(DESK).content.decode()


def test_who_may_open_none_of_the_lists_is_refused_and_sees_no_entry(register: Hl7Peer) -> None:
    person: User = UserFactory.create(is_staff=True)
    browser = Client()
    browser.force_login(person)
    assert browser.get(DESK).status_code == 403
    person.user_permissions.add(Permission.objects.get(codename="view_hl7peer"))
    page = browser.get(DESK).content.decode()
    assert "Register" in page
    assert "Machines on the DICOM network" not in page


def test_more_systems_ask_no_more_questions(
    client: Client, register: Hl7Peer, django_assert_max_num_queries: Callable[..., object]
) -> None:
    client.get(DESK)
    for number in range(30):
        Hl7Peer.objects.create(name=f"Peer {number}", sending_application=f"A{number}", site=register.site)
    with django_assert_max_num_queries(30):
        client.get(DESK)
