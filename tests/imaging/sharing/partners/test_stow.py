"""Pushing studies by STOW-RS: to a real web server of ours, and to one that answers what it is told."""

import json
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.actor import Actor
from accounts.models import Department, User
from accounts.outbound.models import OutboundHost
from imaging.dicomweb import sending as stow
from imaging.ingest.models import Receipt
from imaging.sharing.models import Partner, PartnerTransfer, TransferObject
from imaging.sharing.partners import credentials, sending, services
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion, Study
from imaging.studies.reading import output
from tests.factories.accounts import issue_machine_key
from tests.partner_archives import Push, due, now, work
from tests.receivers import Receiver
from tests.web_servers import ServeWeb

pytestmark = pytest.mark.django_db(transaction=True)
State = PartnerTransfer.State


def partner_at(address: str, department: Department, *, secret: str = "", **values: Any) -> Partner:
    """A DICOMweb archive to which a department sends."""
    made = Partner(name="Clinique du Parc", kind=Partner.Kind.STOW, address=address, **values)
    if secret:
        credentials.keep_secret(made, secret)
    made.full_clean()
    made.save()
    made.departments.set([department])
    return made


@pytest.fixture
def park(receiver: Receiver, emergency: Department) -> Partner:
    """A server that takes everything, until a test tells it otherwise."""
    OutboundHost.objects.create(
        host="localhost",
        port=receiver.port,
        purpose="test",
        networks=["127.0.0.1/32", "::1/128"],
        certificates=receiver.certificate,
    )
    receiver.status = 200
    root = f"https://localhost:{receiver.port}/dicom-web"
    return partner_at(root, emergency, secret="s3cret", auth=Partner.Auth.BASIC, account="negatoscope")


def said(status: int, **items: Any) -> bytes:
    """A Store Instances Response of one failed or warned object."""
    tags = {"failed": ("00081198", "00081197"), "warned": ("00081199", "00081196")}
    found = {}
    for name, comment in items.items():
        sequence, reason = tags[name]
        item = {reason: {"vr": "US", "Value": [status]}, "00000902": {"vr": "LO", "Value": [comment]}}
        found[sequence] = {"vr": "SQ", "Value": [item]}
    return json.dumps(found).encode()


def test_a_study_arrives_at_a_real_server_byte_for_byte(
    slices: Study, push: Push, serve_web: ServeWeb, emergency: Department
) -> None:
    server = serve_web(workers=1, threads=2)
    OutboundHost.objects.create(
        host="localhost", port=server.port, purpose="test", networks=["127.0.0.1/32", "::1/128"]
    )
    key = issue_machine_key(emergency, name="gateway-of-others").plaintext
    partner = partner_at(f"{server.url}/dicom-web", emergency, secret=key, auth=Partner.Auth.BEARER)
    assert stow.probe(partner) == ""
    transfer = push(slices, partner)
    work()
    done = now(transfer)
    assert (done.state, done.sent, done.refused) == (State.DONE, 5, 0), (done.problem, done.problem_words)
    # It is the same archive: it knows each of them already, by the digest of its bytes.
    assert sum(Receipt.objects.filter(door="dicomweb").values_list("duplicate", flat=True)) == 5
    assert InstanceVersion.objects.count() == 5

    credentials.keep_secret(partner, "a token of yesterday")
    partner.save()
    assert stow.probe(partner) == "credentials_refused"


def test_each_object_is_one_streamed_request_with_the_credentials(
    slices: Study, push: Push, park: Partner, receiver: Receiver
) -> None:
    transfer = push(slices, park)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.DONE, 5)
    assert len(receiver.messages) == 5
    first = receiver.messages[0]
    assert first.path == "/dicom-web/studies"
    assert first.headers["authorization"] == "Basic bmVnYXRvc2NvcGU6czNjcmV0"
    assert first.headers["content-type"].startswith('multipart/related; type="application/dicom"')
    assert "transfer-encoding" not in first.headers
    version = InstanceVersion.objects.get(instance__instance_number=1)
    assert b"".join(output.file_of(version).read()) in first.body


def test_wrong_credentials_are_said_plainly_and_not_tried_for_ever(
    slices: Study, push: Push, park: Partner, receiver: Receiver
) -> None:
    receiver.status = 401
    transfer = push(slices, park)
    work()
    failed = now(transfer)
    assert (failed.state, failed.problem, failed.sent) == (State.FAILED, "credentials_refused", 0)
    assert len(receiver.messages) == 1
    assert failed.next_attempt_at is None

    receiver.status = 200
    assert services.try_again(transfer)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.DONE, 5)


@pytest.mark.parametrize(
    ("status", "body", "problem", "words"),
    [
        (409, said(0xA900, failed="SOP class differs"), "unlike_its_class", "SOP class differs"),
        (409, said(0xC122, failed=""), "syntax_not_taken", ""),
        (202, said(0x0122, failed=""), "class_not_taken", ""),
        (413, b"", "too_large", "HTTP 413"),
        (415, b"<html>", "form_not_taken", "HTTP 415"),
        (400, b"[[[[", "not_understood", "HTTP 400"),
    ],
)
def test_why_an_object_is_not_taken_is_kept_in_the_partners_words(
    slices: Study,
    push: Push,
    park: Partner,
    receiver: Receiver,
    status: int,
    body: bytes,
    problem: str,
    words: str,
) -> None:
    receiver.status, receiver.body = status, body
    transfer = push(slices, park)
    work()
    failed = now(transfer)
    assert (failed.state, failed.problem, failed.refused) == (State.FAILED, "some_refused", 5)
    assert {(row.problem, row.words) for row in TransferObject.objects.all()} == {(problem, words)}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"00081198": 5}',
        b'{"00081198": {"Value": [null, 3]}}',
        b"\xff\xfe",
        b"<a/>",
    ],
)
def test_an_odd_answer_to_what_was_taken_does_no_harm(
    slices: Study, push: Push, park: Partner, receiver: Receiver, body: bytes
) -> None:
    receiver.body = body
    transfer = push(slices, park)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.DONE, 5)


def test_words_of_a_partner_are_kept_short_and_plain(
    slices: Study, push: Push, park: Partner, receiver: Receiver, alice: User
) -> None:
    receiver.status, receiver.body = 409, said(0xC000, failed="<script>\x00\x1b[31m" + "x" * 500)
    transfer = push(slices, park)
    work()
    kept = TransferObject.objects.first()
    assert kept is not None
    assert len(kept.words) <= 200
    assert kept.words.isprintable()
    browser = Client()
    browser.force_login(alice)
    page = browser.get(f"/shared/partners/{transfer.key}/").content.decode()
    assert "&lt;script&gt;" in page
    assert "<script>[31m" not in page


def test_a_warning_is_no_failure(slices: Study, push: Push, park: Partner, receiver: Receiver) -> None:
    receiver.status, receiver.body = 202, said(0xB000, warned="Patient ID replaced")
    transfer = push(slices, park)
    work()
    done = now(transfer)
    assert (done.state, done.sent, done.warned) == (State.DONE, 0, 5)
    assert {(row.state, row.status, row.words) for row in TransferObject.objects.all()} == {
        ("warned", 0xB000, "Patient ID replaced")
    }


def test_a_partner_without_room_is_tried_again(slices: Study, push: Push, park: Partner, receiver: Receiver) -> None:
    receiver.status, receiver.body = 409, said(0xA700, failed="disk full")
    transfer = push(slices, park)
    work()
    paused = now(transfer)
    assert (paused.state, paused.problem, paused.problem_words) == (State.PAUSED, "partner_full", "disk full")
    receiver.status, receiver.body = 200, b""
    due(transfer)
    sending.offer()
    work()
    assert now(transfer).state == State.DONE


def test_one_object_at_which_a_partner_fails_each_time_does_not_keep_back_the_rest(
    slices: Study, push: Push, park: Partner, receiver: Receiver, monkeypatch: Any
) -> None:
    receiver.status = 500
    transfer = push(slices, park)
    for _attempt in range(4):
        work()
        assert now(transfer).state == State.PAUSED
        due(transfer)
        sending.offer()
    store = stow.StowLine.store
    seen: list[int] = []

    def recovers(line: Any, parcel: Any) -> Any:
        receiver.status = 200 if seen else 500
        seen.append(1)
        return store(line, parcel)

    monkeypatch.setattr(stow.StowLine, "store", recovers)
    work()
    failed = now(transfer)
    assert (failed.state, failed.sent, failed.refused) == (State.FAILED, 4, 1)
    left = TransferObject.objects.get()
    assert (left.problem, left.words) == ("partner_error", "HTTP 500")


def test_an_object_that_cannot_be_read_here_is_told_and_the_others_go(
    slices: Study, push: Push, park: Partner, receiver: Receiver, monkeypatch: Any
) -> None:
    broken = Instance.objects.get(instance_number=2)
    read = output.OutputFile.read

    def damaged(file: Any, *args: Any, **names: Any) -> Any:
        if file._stored.pk == InstanceVersion.objects.get(instance=broken).stored_object_id:
            raise storage.ObjectDamaged("0" * 64)
        return read(file, *args, **names)

    monkeypatch.setattr(output.OutputFile, "read", damaged)
    transfer = push(slices, park)
    work()
    assert (now(transfer).sent, now(transfer).refused) == (4, 1)
    left = TransferObject.objects.get()
    assert (left.problem, left.instance_id) == ("unreadable_here", broken.pk)


def test_stopping_ends_it_in_the_middle_of_an_object(
    slices: Study, push: Push, park: Partner, receiver: Receiver, alice: User, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sending, "_ASKED_AGAIN", 0.0)
    transfer = push(slices, park)
    read = output.OutputFile.read

    def stopped(file: Any, *args: Any, **names: Any) -> Any:
        whole = b"".join(read(file, *args, **names))
        yield whole[:200]
        services.stop(transfer, words="", user=alice, actor=Actor("user", str(alice.pk), "alice"))
        yield whole[200:]

    monkeypatch.setattr(output.OutputFile, "read", stopped)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.STOPPED, 0)
    version = InstanceVersion.objects.get(instance__instance_number=1)
    whole = b"".join(read(output.file_of(version)))
    assert not any(whole in message.body for message in receiver.messages)


def test_a_host_that_nobody_listed_is_not_called(slices: Study, push: Push, emergency: Department) -> None:
    partner = partner_at("https://elsewhere.example/dicom-web", emergency)
    transfer = push(slices, partner)
    work()
    assert (now(transfer).state, now(transfer).problem) == (State.FAILED, "host_not_listed")


def test_what_a_partner_does_not_list_is_not_offered_to_it(
    slices: Study, push: Push, park: Partner, receiver: Receiver
) -> None:
    park.transfer_syntaxes = ["1.2.840.10008.1.2.4.90"]
    park.save()
    transfer = push(slices, park)
    work()
    assert (now(transfer).state, now(transfer).refused) == (State.FAILED, 5)
    assert not receiver.messages
    assert {row.problem for row in TransferObject.objects.all()} == {"syntax_not_listed"}


def test_a_partner_that_cannot_be_called_is_refused_while_it_is_typed(emergency: Department) -> None:
    with pytest.raises(ValidationError):
        partner_at("", emergency)
    with pytest.raises(ValidationError):
        Partner(name="x", kind=Partner.Kind.DIMSE).full_clean()
