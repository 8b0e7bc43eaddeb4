"""Administrators write texts that work, set up the gateway, try it; all of it is on record, and no secret comes out."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.messaging import services
from accounts.messaging.models import MessageTemplate, SmsBackend, SmsGatewaySettings
from accounts.models import OutboundHost, SignInPolicy
from tests.accounts.messaging.conftest import LINK, VALUES
from tests.factories.accounts import DepartmentFactory
from tests.receivers import Receiver

pytestmark = pytest.mark.django_db

TEXT = {"kind": LINK.name, "language": "fr", "department": "", "subject": "Images de {who}", "body": "Voici : {link}"}
ADD = "admin:accounts_messagetemplate_add"


def gateway(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    """The form of the gateway, as a browser would send it."""
    form = {
        "backend": "http",
        "country": "FR",
        "most_per_day": "300",
        "sender": "Hospital",
        "method": "POST",
        "address": receiver.address,
        "account": "",
        "secret": "s3cret",
        "headers": "X-Key: {secret}",
        "body_format": "json",
        "body": '{"to": "{to}", "text": "{text}"}',
        "statuses": "200 201",
        "expects": "",
    }
    return {**form, **changes}


def list_host(receiver: Receiver) -> None:
    OutboundHost.objects.create(
        host="localhost",
        port=receiver.port,
        networks=["127.0.0.0/8", "::1"],
        certificates=receiver.certificate,
        purpose="text messages",
    )


def test_a_text_is_written_shown_and_on_record(office: Client) -> None:
    page = office.get(reverse(ADD)).content.decode()
    assert "<code>{link}</code>" in page
    assert "{who} shares images." in page
    assert office.post(reverse(ADD), TEXT).status_code == 302
    row = MessageTemplate.objects.get()
    shown = office.get(reverse("admin:accounts_messagetemplate_preview", args=[row.pk])).content.decode()
    assert "Images de Dr Martin" in shown
    assert "<u>https://images.example/s/1/#x</u>" in shown
    event = AuditEvent.objects.get(action=Action.SETTING_CHANGED, subject_type="messagetemplate")
    assert event.subject_uid == str(row.pk)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"body": "{link} {patient}"}, "{patient} is not known here"),
        ({"body": "Hello"}, "lacks {link}"),
        ({"subject": ""}, "needs a subject"),
        ({"kind": "no.such"}, "not one of the available choices"),
        ({"language": "tlh"}, "not one of the available choices"),
    ],
)
def test_a_text_that_would_not_work_is_not_kept(office: Client, changes: dict[str, str], words: str) -> None:
    answer = office.post(reverse(ADD), {**TEXT, **changes})
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not MessageTemplate.objects.exists()


def test_there_is_one_text_for_a_kind_a_language_and_a_department(office: Client) -> None:
    radiology = DepartmentFactory.create()
    assert office.post(reverse(ADD), TEXT).status_code == 302
    assert "already" in office.post(reverse(ADD), TEXT).content.decode()
    assert office.post(reverse(ADD), {**TEXT, "department": radiology.pk}).status_code == 302
    assert MessageTemplate.objects.count() == 2


def test_a_text_of_a_kind_that_is_no_more_is_shown_as_unused(office: Client) -> None:
    row = MessageTemplate.objects.create(kind="gone", language="en", subject="<b>", body="{x}")
    answer = office.get(reverse("admin:accounts_messagetemplate_preview", args=[row.pk]))
    assert "the text is not used" in answer.content.decode()
    assert office.get(reverse("admin:accounts_messagetemplate_changelist")).status_code == 200


def test_the_gateway_is_set_up_its_secret_never_comes_out_and_a_trial_says_what_came_of_it(
    office: Client, receiver: Receiver
) -> None:
    list_host(receiver)
    answer = office.post(reverse("admin:accounts_smsgatewaysettings_add"), gateway(receiver))
    assert answer.status_code == 302
    page = reverse("admin:accounts_smsgatewaysettings_change", args=[1])
    assert office.post(page, gateway(receiver, secret="", expects="ok")).status_code == 302
    shown = office.get(page).content.decode()
    row = SmsGatewaySettings.objects.get()
    assert "s3cret" not in shown
    assert row.sealed_secret not in shown
    assert row.statuses == ["200", "201"]

    trial = reverse("admin:accounts_smsgatewaysettings_try")
    receiver.status, receiver.body = 200, b"ok"
    assert "The message was taken" in office.post(trial, {"number": "06 12 34 56 78"}).content.decode()
    receiver.body = b"no"
    assert "something else than was expected" in office.post(trial, {"number": "0612345678"}).content.decode()
    assert "takes no text messages" in office.post(trial, {"number": "01 42 34 56 78"}).content.decode()
    assert [message.headers["x-key"] for message in receiver.messages] == ["s3cret"] * 2
    assert AuditEvent.objects.filter(action=Action.MESSAGE_GATEWAY_TRIED).count() == 2
    assert AuditEvent.objects.filter(action=Action.SETTING_CHANGED, subject_type="smsgatewaysettings").count() == 2
    assert "s3cret" not in str(list(AuditEvent.objects.values()))


def test_a_gateway_on_a_host_that_nobody_listed_is_refused_in_words(office: Client, receiver: Receiver) -> None:
    answer = office.post(reverse("admin:accounts_smsgatewaysettings_add"), gateway(receiver))
    assert "not among the outbound hosts" in answer.content.decode()
    assert not SmsGatewaySettings.objects.exists()


def test_a_file_is_refused_outside_of_a_demo(office: Client, receiver: Receiver, settings: Any) -> None:
    settings.DEMO = False
    SignInPolicy.objects.create(mfa_roles=[], passkey_roles=[], passkey_acts=[])
    form = gateway(receiver, backend=SmsBackend.FILE)
    answer = office.post(reverse("admin:accounts_smsgatewaysettings_add"), form)
    assert "for a demo alone" in answer.content.decode()


def test_what_became_of_messages_is_listed_and_what_they_said_is_not(office: Client) -> None:
    row = services.owe(LINK, to="referrer@clinic.example", language="en", values=VALUES)
    listed = office.get(reverse("admin:accounts_outgoingmessage_changelist")).content.decode()
    one = office.get(reverse("admin:accounts_outgoingmessage_change", args=[row.pk])).content.decode()
    for page in (listed, one):
        assert "referrer@clinic.example" in page
        assert "#secret" not in page
        assert row.sealed_words not in page
    assert office.get(reverse("admin:accounts_outgoingmessage_add")).status_code == 403


@pytest.mark.parametrize(
    "name", ["smsgatewaysettings_try", "smsgatewaysettings_changelist", "outgoingmessage_changelist"]
)
def test_nobody_else_comes_in(client: Client, name: str) -> None:
    assert client.get(reverse(f"admin:accounts_{name}")).status_code in {302, 403}
