"""The one way out: listed hosts alone, at the address that was checked, over TLS that is believed."""

import time
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from accounts.outbound import policies, services
from accounts.outbound.errors import Failed, OutboundError, Refused
from accounts.outbound.models import OutboundHost, validate_certificates
from tests.receivers import Receiver, certificate

pytestmark = pytest.mark.django_db

HERE = ["127.0.0.0/8", "::1"]


def listed(receiver: Receiver, **changes: object) -> OutboundHost:
    """Put the receiver on the list."""
    values = {"host": "localhost", "port": receiver.port, "networks": HERE, "certificates": receiver.certificate}
    row: OutboundHost = OutboundHost.objects.create(purpose="tests", **{**values, **changes})
    return row


def why(address: str) -> str:
    """The code with which a call ends."""
    with pytest.raises(OutboundError) as caught:
        services.send("POST", address, body=b"{}")
    return caught.value.code


def test_a_listed_host_is_called_and_its_answer_comes_back(receiver: Receiver) -> None:
    listed(receiver)
    receiver.status, receiver.body, receiver.extra = 200, b"thanks", {"X-Seen": "yes"}

    answer = services.send("POST", receiver.address + "?a=b", body=b"news", headers={"Content-Type": "text/plain"})

    assert (answer.status, answer.body, answer.headers["x-seen"]) == (200, b"thanks", "yes")
    (message,) = receiver.messages
    assert (message.path, message.body) == ("/changes?a=b", b"news")
    assert message.headers["host"] == f"localhost:{receiver.port}"


def test_a_host_that_nobody_listed_is_not_called(receiver: Receiver) -> None:
    assert why(receiver.address) == "host_not_listed"
    listed(receiver, is_active=False)
    assert why(receiver.address) == "host_not_listed"
    assert not receiver.messages


def test_another_port_of_a_listed_host_is_not_called(receiver: Receiver) -> None:
    listed(receiver, port=receiver.port + 1)
    assert why(receiver.address) == "host_not_listed"


def test_a_name_that_points_inside_is_not_followed(receiver: Receiver) -> None:
    listed(receiver, networks=[])
    assert why(receiver.address) == "address_not_allowed"
    assert not receiver.messages


def test_a_certificate_that_nobody_vouches_for_is_not_believed(receiver: Receiver) -> None:
    listed(receiver, certificates="")
    assert why(receiver.address) == "not_trusted"
    OutboundHost.objects.update(certificates=certificate("localhost")[0].decode())
    assert why(receiver.address) == "not_trusted"


@pytest.mark.parametrize("text", ["é²", "²", "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="not a certificate"):
        validate_certificates(text)


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    listed(receiver)
    receiver.status, receiver.extra = 302, {"Location": "http://169.254.169.254/latest/meta-data/"}
    assert why(receiver.address) == "redirected"


def test_plain_http_is_for_this_machine_alone(receiver: Receiver) -> None:
    row = listed(receiver, networks=["10.0.0.0/8"])
    assert why(receiver.address.replace("https", "http")) == "not_https"
    row.networks = HERE
    row.save()
    # The port speaks TLS: the call is made, and understood by nobody.
    assert why(receiver.address.replace("https", "http")) == "broken_answer"


def test_an_answer_is_read_up_to_the_limit_only(receiver: Receiver) -> None:
    listed(receiver)
    receiver.status, receiver.body = 200, b"x" * 100_000
    assert len(services.send("POST", receiver.address, most_octets=1000).body) == 1000


def test_an_answer_that_drips_has_no_more_time_than_any_other(receiver: Receiver) -> None:
    listed(receiver)
    receiver.drips = True
    started = time.monotonic()
    with pytest.raises(Failed) as caught:
        services.send("POST", receiver.address, patience=1.0)
    receiver.drips = False
    assert caught.value.code == "took_too_long"
    assert time.monotonic() - started < 10


def test_the_environment_cannot_have_the_keys_of_a_call_written_down(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(receiver)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert services.send("POST", receiver.address).status == receiver.status
    assert not (tmp_path / "keys").exists()


def test_a_header_cannot_smuggle_a_second_one(receiver: Receiver) -> None:
    listed(receiver)
    with pytest.raises(Failed):
        services.send("POST", receiver.address, headers={"X-Name": "a\r\nX-Other: b"})
    assert not receiver.messages


def test_a_host_that_is_away_is_told_from_one_that_may_not_be_called(receiver: Receiver) -> None:
    listed(receiver, port=1)
    with pytest.raises(Failed):
        services.send("POST", "https://localhost:1/")
    OutboundHost.objects.create(host="nowhere.invalid", purpose="tests")
    assert why("https://nowhere.invalid/") == "no_such_host"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://user:password@localhost/",
        "https://localhost/#part",
        "https://localhost\\@elsewhere/",
        "https://local host/",
        "https://localhost/\nX: y",
        "https://hôpital.example/",
        "https://localhost:99999/",
        "https://[::1/",
        "https://" + "a" * 3000,
    ],
)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    with pytest.raises(Refused) as caught:
        policies.target_of(address)
    assert caught.value.code == "not_an_address"


@pytest.mark.parametrize(
    ("address", "networks", "encrypted", "allowed"),
    [
        ("93.184.216.34", [], True, True),
        ("2606:2800:220:1:248:1893:25c8:1946", [], True, True),
        ("93.184.216.34", ["0.0.0.0/1", "93.0.0.0/8"], False, False),
        ("64:ff9b:1::a00:1", [], True, False),
        ("::10.1.2.3", [], True, False),
        ("::ffff:0:10.1.2.3", [], True, False),
        ("::1", ["::1"], True, True),
        ("10.1.2.3", [], True, False),
        ("10.1.2.3", ["10.1.0.0/16"], True, True),
        ("10.2.2.3", ["10.1.0.0/16"], True, False),
        ("127.0.0.1", [], True, False),
        ("127.0.0.1", ["127.0.0.1"], False, True),
        ("::1", ["::1"], False, True),
        ("::ffff:127.0.0.1", [], True, False),
        ("::ffff:10.1.2.3", ["10.1.0.0/16"], True, True),
        ("169.254.169.254", ["169.254.0.0/16"], True, False),
        ("fe80::1%eth0", ["fe80::/10"], True, False),
        ("224.0.0.1", ["224.0.0.0/4"], True, False),
        ("0.0.0.0", ["0.0.0.0/8"], True, False),
        ("100.64.0.1", [], True, False),
        ("64:ff9b::a9fe:a9fe", [], True, False),
        ("2002:7f00:1::", [], True, False),
        ("fec0::1", [], True, False),
    ],
)
def test_an_address_is_judged_by_where_it_lies(
    address: str, networks: list[str], encrypted: bool, allowed: bool
) -> None:
    assert policies.is_allowed(address, networks=networks, encrypted=encrypted) is allowed
