"""The audit, forwarded to a real syslog server over TLS: in order, nothing lost, going on after an outage."""

import base64
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone
from lxml import etree

from accounts import audit
from accounts.actor import SYSTEM, Actor
from accounts.audit import Action, forwarding, order, syslog_connection
from accounts.audit.models import AuditEvent, AuditReceiver
from tests.accounts.audit.syslog_servers import Authority, SyslogServer, rsyslog, uuids_of
from tests.peers import Peer
from tests.ports import free_port

ALICE = Actor(kind="user", id="7", name="alice", address="10.0.0.7", door="page")
SCHEMA = etree.RelaxNG(etree.parse(str(Path(__file__).with_name("dicom_audit_message.rng"))))

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.conformance]


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(peer: Peer, tmp_path: Path, authority: Authority, port: int) -> Iterator[SyslogServer]:
    with rsyslog(peer("rsyslogd"), tmp_path / "rsyslog", authority, port=port) as running:
        yield running


@pytest.fixture
def receiver(authority: Authority, port: int, data_dir: Path) -> AuditReceiver:
    row = AuditReceiver(
        name="repository", host="localhost", port=port, networks=["127.0.0.0/8", "::1"], certificates=authority.pem
    )
    row.full_clean()
    row.save()
    return row


def opened(count: int, *, first: int = 0) -> None:
    audit.record_many(
        audit.Entry(action=Action.STUDY_OPENED, actor=ALICE, subject_type="study", subject_uid=f"1.2.{first + number}")
        for number in range(count)
    )


def recorded() -> list[str]:
    rows = AuditEvent.objects.order_by("number").values_list("id", flat=True)
    return [base64.b64encode(str(row).encode()).decode() for row in rows]


def again(receiver: AuditReceiver) -> AuditReceiver:
    """Have the waiting time pass, and try once more."""
    AuditReceiver.objects.filter(pk=receiver.pk).update(next_attempt_at=None)
    forwarding.forward()
    receiver.refresh_from_db()
    return receiver


def test_events_arrive_in_order_as_the_standard_writes_them(server: SyslogServer, receiver: AuditReceiver) -> None:
    opened(2500)
    again(receiver)
    messages = server.messages(2500)
    assert uuids_of(messages) == recorded()
    assert messages[0].startswith(b"<85>1 ")
    for line in messages[:20]:
        assert SCHEMA.validate(etree.fromstring(line.partition(b"\xef\xbb\xbf")[2]))
    assert receiver.sent_through == order.last_number()
    assert receiver.sent_at is not None
    (standing,) = forwarding.standings()
    assert (standing.behind, standing.problem) == (0, "")
    again(receiver)
    assert len(server.messages(2500)) == 2500


def test_what_happened_during_an_outage_comes_after_it(
    peer: Peer, tmp_path: Path, authority: Authority, receiver: AuditReceiver
) -> None:
    opened(3)
    assert again(receiver).problem == "no_connection"
    assert (receiver.failures, receiver.sent_through) == (1, 0)
    assert receiver.next_attempt_at is not None
    forwarding.forward()  # before its time: nothing is tried
    receiver.refresh_from_db()
    assert receiver.failures == 1
    opened(3, first=3)
    folder = tmp_path / "rsyslog"
    with rsyslog(peer("rsyslogd"), folder, authority, port=receiver.port) as server:
        again(receiver)
        assert uuids_of(server.messages(6)) == recorded()
        assert (receiver.failures, receiver.failing_since, receiver.problem) == (0, None, "")
        (tmp_path / "rsyslog" / "messages").rename(tmp_path / "before")
    opened(1, first=6)
    again(receiver)
    with rsyslog(peer("rsyslogd"), folder, authority, port=receiver.port) as server:
        again(receiver)
        assert uuids_of(server.messages(1)) == recorded()[-1:]


def test_both_ends_show_who_they_are(peer: Peer, tmp_path: Path, authority: Authority, receiver: AuditReceiver) -> None:
    opened(2)
    with rsyslog(peer("rsyslogd"), tmp_path / "rsyslog", authority, port=receiver.port, is_mutual=True) as server:
        assert again(receiver).sent_through == 0
        assert receiver.problem
        folder = syslog_connection.certificate_folder()
        folder.mkdir(parents=True)
        (folder / "portal.pem").write_text("".join(authority.signed("portal.hospital.example")))
        receiver.own_certificate = "portal.pem"
        receiver.save()
        assert again(receiver).problem == ""
        assert uuids_of(server.messages(2)) == recorded()
        receiver.own_certificate = "missing.pem"
        receiver.save()
        opened(1)
        assert again(receiver).problem == "own_certificate_unreadable"


def test_a_server_that_another_authority_signed_gets_nothing(server: SyslogServer, receiver: AuditReceiver) -> None:
    receiver.certificates = Authority().pem
    receiver.save()
    opened(1)
    assert again(receiver).problem == "not_trusted"
    assert server.messages(0) == []


def test_a_name_that_leads_inside_without_being_listed_is_not_followed(receiver: AuditReceiver) -> None:
    receiver.networks = []
    receiver.save()
    opened(1)
    assert again(receiver).problem == "address_not_allowed"


def test_a_receiver_may_want_some_events_only(server: SyslogServer, receiver: AuditReceiver) -> None:
    receiver.event_ids = ["110114"]
    receiver.save()
    opened(3)
    audit.record(Action.USER_SIGNED_IN, actor=ALICE)
    again(receiver)
    (message,) = server.messages(1)
    assert b'csd-code="110114"' in message
    assert receiver.sent_through == order.last_number()


def test_a_receiver_that_is_switched_off_keeps_its_place(receiver: AuditReceiver) -> None:
    receiver.is_active = False
    receiver.save()
    opened(1)
    assert again(receiver).failures == 0
    assert receiver.sent_through == 0


def test_an_outage_is_told_once(receiver: AuditReceiver, caplog: pytest.LogCaptureFixture) -> None:
    opened(1)
    for _attempt in range(10):
        again(receiver)
    assert AuditEvent.objects.filter(action=Action.AUDIT_FORWARDING_FAILED).count() == 1
    assert caplog.text.count("AUDIT ALARM") == 1
    assert receiver.next_attempt_at is not None
    assert receiver.next_attempt_at <= timezone.now() + timedelta(minutes=10)


def test_an_event_of_a_transaction_that_is_still_open_is_waited_for() -> None:
    """Number 1 commits after number 2: who reads up to 2 at once would never send 1."""
    is_drawn, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        try:
            with transaction.atomic():
                audit.record(Action.STUDY_OPENED, actor=SYSTEM, subject_uid="first")
                is_drawn.set()
                may_end.wait(20)
        finally:
            connection.close()

    thread = threading.Thread(target=slowly)
    thread.start()
    assert is_drawn.wait(20)
    audit.record(Action.STUDY_OPENED, actor=SYSTEM, subject_uid="second")
    with pytest.raises(order.NotSettled):
        order.settled_through(patience=0.2)
    may_end.set()
    thread.join(20)
    through = order.settled_through()
    assert through == order.last_number()
    found = [row.subject_uid for rows, _reached in order.pages(after=0, through=through) for row in rows]
    assert found == ["first", "second"]


def test_a_long_stretch_without_events_is_skipped(django_assert_max_num_queries: Callable[[int], object]) -> None:
    audit.record(Action.STUDY_OPENED, actor=SYSTEM, subject_uid="late")
    AuditEvent(action=Action.STUDY_OPENED, actor_kind="system", number=50_000_000).save()
    with django_assert_max_num_queries(40):  # type: ignore[attr-defined]
        pages = list(order.pages(after=1, through=50_000_000))
    assert [row.number for rows, _reached in pages for row in rows] == [50_000_000]
    assert pages[-1][1] == 50_000_000
