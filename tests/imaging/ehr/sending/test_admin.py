"""Receivers in the administration: made, tried, and what they are owed decided about."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.audit.models import AuditEvent
from accounts.models import Department
from imaging.ehr.models import Hl7Destination, Hl7Notice
from tests.factories.accounts import UserFactory
from tests.imaging.ehr.conftest import Tell
from tests.imaging.ehr.sending.conftest import Receiver

pytestmark = pytest.mark.django_db

LIST = "admin:imaging_hl7destination_changelist"
MESSAGES = "admin:imaging_hl7notice_changelist"
RAW = "MSH|^~\\&|NEGATOSCOPE\rPID|1||P77||Lefèvre^Hélène\r"


@pytest.fixture
def client() -> Client:
    """Somebody who looks after the machinery."""
    client = Client()
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def owed() -> Callable[..., Hl7Notice]:
    """`owed(destination, state)` is a message to it."""

    def made(destination: Hl7Destination, state: str = "waiting") -> Hl7Notice:
        number = f"N{Hl7Notice.objects.count()}"
        return Hl7Notice.objects.create(
            destination=destination, about="study", subject_uid="1.2.3", mark=number, kind="ORU^R01",
            control_id=number, raw=RAW.encode(), state=state, note="No such exam" if state == "refused" else "",
        )  # fmt: skip

    return made


def form(emergency: Department, **changes: Any) -> dict[str, Any]:
    """What the page of a new receiver sends."""
    known = {
        "name": "EHR",
        "is_active": "on",
        "site": emergency.site_id,
        "departments": [emergency.pk],
        "tells_reports": "on",
        "report_form": "both",
        "new_order": "SN",
        "host": "ehr.hospital.example",
        "port": "2575",
        "networks": "10.20.0.0/16",
        "sending_application": "NEGATOSCOPE",
        "processing": "P",
        "character_set": "UNICODE UTF-8",
    }
    return {**known, **changes}


def test_a_receiver_is_made_and_on_record(client: Client, emergency: Department) -> None:
    page = client.post(reverse("admin:imaging_hl7destination_add"), form(emergency), follow=True)
    made = Hl7Destination.objects.get()
    assert (made.networks, list(made.departments.all())) == (["10.20.0.0/16"], [emergency])
    assert AuditEvent.objects.filter(action="setting.changed", subject_uid=str(made.pk)).exists()
    assert "ehr.hospital.example" in page.content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networks": ""}, "Without TLS, write the address or network of the receiver."),
        ({"own_certificate": "us.pem"}, "Certificates are of use with TLS alone."),
        ({"own_certificate": "../us.pem", "uses_tls": "on"}, "Use letters, digits, . _ -"),
        ({"networks": "169.254.0.0/16"}, "can never be called"),
        ({"receiving_application": "A|B"}, "Without the separators of HL7"),
    ],
)
def test_what_would_leave_in_the_clear_or_nonsense_is_refused(
    client: Client, emergency: Department, changes: dict[str, str], said: str
) -> None:
    page = client.post(reverse("admin:imaging_hl7destination_add"), form(emergency, **changes))
    assert said in page.content.decode()
    assert not Hl7Destination.objects.exists()


def test_the_list_says_what_is_owed_since_when_and_what_stands_in_the_way(
    client: Client, destination: Tell, owed: Callable[..., Hl7Notice]
) -> None:
    there = destination(problem="no_connection")
    owed(there)
    owed(there)
    page = client.get(reverse(LIST)).content.decode()
    assert "Nobody listens there." in page
    assert '<td class="field-owed">2</td>' in page


def test_the_connection_is_tried_and_sending_goes_on(
    client: Client, destination: Tell, owed: Callable[..., Hl7Notice], receiver: Receiver
) -> None:
    there = destination(receiver.port, next_attempt_at=timezone.now())
    away = destination(name="Away", port=1)
    chosen = {"action": "try_connection", "_selected_action": [there.pk, away.pk]}
    page = client.post(reverse(LIST), chosen, follow=True).content.decode()
    assert "EHR was reached." in page
    assert "Away was not reached: Nobody listens there." in page
    assert AuditEvent.objects.filter(action="peer.tested").count() == 2
    assert receiver.messages == []

    page = client.post(reverse(LIST), {"action": "send_now", "_selected_action": [there.pk]}, follow=True)
    assert "What waits is being sent." in page.content.decode()
    there.refresh_from_db()
    assert there.next_attempt_at is None


def test_messages_show_no_patient_and_are_sent_again_or_skipped(
    client: Client, destination: Tell, owed: Callable[..., Hl7Notice]
) -> None:
    there = destination()
    refused, other = owed(there, "refused"), owed(there, "refused")
    page = client.get(reverse(MESSAGES)).content.decode()
    assert "2 messages wait for a person." in page
    one = client.get(reverse("admin:imaging_hl7notice_change", args=[refused.pk])).content.decode()
    assert "xxxxxxx^xxxxxx" in one
    assert "Lefèvre" not in one
    assert "P77" not in one

    for action, row, state in (("send_again", refused, "waiting"), ("skip", other, "skipped")):
        client.post(reverse(MESSAGES), {"action": action, "_selected_action": [row.pk]}, follow=True)
        row.refresh_from_db()
        assert (row.state, row.decided_by) == (state, "root")
    assert AuditEvent.objects.filter(action="hl7_message.decided").count() == 2
