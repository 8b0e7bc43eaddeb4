"""Text messages: to a file in a demo, to a gateway over HTTPS as its settings describe the call, and to nobody else."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.messaging import gateways, notices, selectors, sending, services
from accounts.messaging.models import OutgoingMessage, SmsBackend, SmsGatewaySettings
from accounts.models import OutboundHost
from tests.receivers import Receiver

pytestmark = pytest.mark.django_db

HERE = ["127.0.0.0/8", "::1"]
JSON = '{"to": ["{to}"], "text": "{text}", "from": "{sender}", "key": "{secret}", "priority": 1}'


@pytest.fixture
def gateway(receiver: Receiver) -> SmsGatewaySettings:
    """Settings that call the receiver, which is among the outbound hosts."""
    receiver.status = 200
    OutboundHost.objects.create(
        host="localhost", port=receiver.port, networks=HERE, certificates=receiver.certificate, purpose="text messages"
    )
    row = SmsGatewaySettings(pk=1, backend=SmsBackend.HTTP, address=receiver.address, body=JSON, sender="Hospital")
    services.set_secret(row, "s3cret")
    row.full_clean()
    row.save()
    return row


def owe(to: str = "06 12 34 56 78", code: str = "123456") -> OutgoingMessage:
    """Owe a code."""
    return services.owe(notices.CODE_BY_SMS, to=to, language="en", values={"code": code, "minutes": "10"})


def test_in_a_demo_a_message_is_a_line_of_a_file(tmp_path: Path, settings: Any) -> None:
    settings.DATA_DIR, settings.DEMO = tmp_path, True
    owe()
    owe(code="654321")
    assert sending.send_due() == 2
    path = gateways.demo_file()
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    assert [line[1] for line in lines] == ["+33612345678"] * 2
    assert "123456" in lines[0][2]
    assert "654321" in lines[1][2]
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_gateway_gets_json_in_which_a_message_cannot_break_out(gateway: Any, receiver: Receiver) -> None:
    owe(code='1"}{text}')
    assert sending.send_due() == 1
    (message,) = receiver.messages
    said = json.loads(message.body)
    assert said["to"] == ["+33612345678"]
    assert said["text"].startswith('1"}{text} is your code')
    assert (said["from"], said["key"], said["priority"]) == ("Hospital", "s3cret", 1)
    assert message.headers["content-type"] == "application/json"
    row = OutgoingMessage.objects.get()
    assert (row.state, row.sealed_words, row.recipient) == (OutgoingMessage.State.SENT, "", "+33612345678")


def test_a_gateway_gets_a_form_and_basic_credentials(gateway: SmsGatewaySettings, receiver: Receiver) -> None:
    gateway.body_format, gateway.body = "form", "To={digits}\nBody={text}\n"
    gateway.account, gateway.headers = "hospital", "Authorization: Basic {basic}\nX-Kind: code"
    gateway.full_clean()
    gateway.save()
    owe(code="1&To=+33699999999")
    assert sending.send_due() == 1
    (message,) = receiver.messages
    fields = parse_qs(message.body.decode())
    assert fields["To"] == ["33612345678"]
    assert fields["Body"][0].startswith("1&To=+33699999999 is your code")
    assert message.headers["authorization"] == f"Basic {base64.b64encode(b'hospital:s3cret').decode()}"


@pytest.mark.parametrize(
    ("status", "body", "is_sent"), [(200, b'{"status":"ok"}', 1), (200, b'{"status":"ko"}', 0), (202, b"", 0)]
)
def test_the_answer_says_whether_a_message_was_taken(
    gateway: SmsGatewaySettings, receiver: Receiver, status: int, body: bytes, is_sent: int
) -> None:
    gateway.statuses, gateway.expects = ["200"], '"status":"ok"'
    gateway.full_clean()
    gateway.save()
    receiver.status, receiver.body = status, body
    owe()
    assert sending.send_due() == is_sent


def test_a_gateway_that_refuses_is_asked_a_few_times_and_the_secret_is_in_no_row(
    gateway: SmsGatewaySettings, receiver: Receiver
) -> None:
    receiver.status = 500
    row = owe()
    while row.state == OutgoingMessage.State.OWED:
        OutgoingMessage.objects.update(due_at=timezone.now())
        assert sending.send_due() == 0
        row.refresh_from_db()
    assert len(receiver.messages) == sending.MOST_ATTEMPTS
    assert row.why == "The gateway for text messages refused the message."
    assert "s3cret" not in str(list(SmsGatewaySettings.objects.values()))


def test_a_secret_that_no_header_can_carry_is_told_as_such(gateway: SmsGatewaySettings, receiver: Receiver) -> None:
    gateway.headers = "Authorization: Bearer {secret}"
    services.set_secret(gateway, "clé\r\nX-Other: 1")
    gateway.save()
    row = owe()
    assert sending.send_due() == 0
    row.refresh_from_db()
    assert row.problem == "bad_settings"
    assert not receiver.messages


def test_a_gateway_that_is_away_is_waited_for(gateway: SmsGatewaySettings, receiver: Receiver) -> None:
    OutboundHost.objects.create(
        host="localhost", port=1, networks=HERE, certificates=receiver.certificate, purpose="away"
    )
    SmsGatewaySettings.objects.update(address="https://localhost:1/")
    row = owe()
    for _turn in range(10):
        OutgoingMessage.objects.update(due_at=timezone.now())
        assert sending.send_due() == 0
    row.refresh_from_db()
    assert (row.attempts, row.problem) == (0, "no_connection")
    SmsGatewaySettings.objects.update(address=receiver.address)
    OutgoingMessage.objects.update(due_at=timezone.now())
    assert sending.send_due() == 1


def test_a_gateway_that_was_taken_off_the_list_is_not_called(gateway: SmsGatewaySettings, receiver: Receiver) -> None:
    OutboundHost.objects.update(is_active=False)
    row = owe()
    assert sending.send_due() == 0
    row.refresh_from_db()
    assert row.why == "The gateway's host is not among the outbound hosts."
    assert not receiver.messages


def test_mail_goes_out_while_the_gateway_is_away(gateway: SmsGatewaySettings, mailoutbox: list[Any]) -> None:
    OutboundHost.objects.update(is_active=False)
    owe()
    code = {"code": "1", "minutes": "10"}
    services.owe(notices.CODE_BY_MAIL, to="a@clinic.example", language="en", values=code)
    assert sending.send_due() == 1
    assert len(mailoutbox) == 1


def test_without_a_gateway_nothing_is_owed_and_it_is_said(settings: Any) -> None:
    settings.DEMO = False
    assert not selectors.can_text()
    with pytest.raises(ValidationError, match="choose another way"):
        owe()
    SmsGatewaySettings.objects.create(pk=1, backend=SmsBackend.FILE)
    assert not selectors.can_text(), "a file is for a demo"


def test_no_more_than_so_many_are_owed_in_a_day(gateway: SmsGatewaySettings) -> None:
    SmsGatewaySettings.objects.update(most_per_day=2)
    owe()
    owe()
    with pytest.raises(ValidationError, match="limit of the hospital"):
        owe()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "ftp://x"}, "address"),
        ({"address": "https://user:pass@x/"}, "address"),
        ({"body": "{"}, "body"),
        ({"body": '{"to": "{to}"}'}, "body"),
        ({"body": '{"to": "{to}", "text": "{text}", "x": "{patient}"}'}, "body"),
        ({"body": "[" * 100_000}, "body"),
        ({"body_format": "form", "body": "no field"}, "body"),
        ({"method": "GET"}, "body_format"),
        ({"headers": "Host: other"}, "headers"),
        ({"headers": "X: a\x00b"}, "headers"),
        ({"headers": "X-Text: {text}"}, "headers"),
        ({"headers": "no header"}, "headers"),
        ({"statuses": ["302"]}, "statuses"),
        ({"sender": "x" * 12}, "sender"),
        ({"country": "fr"}, "country"),
    ],
)
def test_settings_of_which_no_call_can_be_made_are_refused(changes: dict[str, Any], field: str) -> None:
    row = SmsGatewaySettings(pk=1, backend=SmsBackend.HTTP, address="https://sms.example/", body=JSON)
    row.full_clean()
    for name, value in changes.items():
        setattr(row, name, value)
    with pytest.raises(ValidationError) as caught:
        row.full_clean()
    assert field in caught.value.message_dict
