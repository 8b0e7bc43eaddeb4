"""Messages on their way: to a receiver that others wrote, and to receivers that misbehave. Nothing is lost, nothing overtakes (HL-13)."""

import json
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection as db_connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.notifications.models import Notification
from accounts.roles import Role
from imaging.ehr import services
from imaging.ehr.hl7 import writing
from imaging.ehr.models import Hl7Destination, Hl7Message, Hl7Notice, Hl7Peer
from imaging.ehr.sending import connection, delivering, telling
from imaging.ehr.sending.policies import MOST_LATER
from imaging.events.jobs import Outcome
from imaging.events.models import Job
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.ehr.conftest import Tell
from tests.imaging.ehr.sending.conftest import Receiver
from tests.imaging.ehr.sent import adt
from tests.receivers import certificate

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[4]
Owe = Callable[..., list[Hl7Notice]]


@pytest.fixture
def owe() -> Owe:
    """`owe(destination, count)` keeps that many messages for it."""

    def kept(destination: Hl7Destination, count: int = 1, words: str = "Lefèvre") -> list[Hl7Notice]:
        rows = []
        for number in range(count):
            control_id = f"N{destination.pk}-{Hl7Notice.objects.count()}"
            header = writing.header(
                sender=("NEGATOSCOPE", "H"),
                receiver=("HIS", ""),
                at=timezone.now(),
                kind=("ORU", "R01", "ORU_R01"),
                control_id=control_id,
                processing="P",
                charset="UNICODE UTF-8",
            )
            raw = writing.message([header, f"PID|1||P{number}^^^H||{words}"], "UNICODE UTF-8")
            rows.append(
                Hl7Notice.objects.create(
                    destination=destination,
                    about="study",
                    subject_uid="1.2.3",
                    mark=control_id,
                    kind="ORU^R01",
                    control_id=control_id,
                    raw=raw,
                )
            )
        return rows

    return kept


@pytest.fixture
def machinist(emergency: Department) -> User:
    """Looks after machines."""
    user = UserFactory.create()
    MembershipFactory.create(user=user, department=emergency, role=Role.ADMINISTRATOR)
    return user


def states() -> list[str]:
    return list(Hl7Notice.objects.order_by("pk").values_list("state", flat=True))


def deliver(destination: Hl7Destination) -> Outcome:
    """What the job does, as soon as it may."""
    Hl7Destination.objects.filter(pk=destination.pk).update(next_attempt_at=None)
    return delivering.deliver(str(destination.pk))


def test_another_makers_server_understands_what_we_send(destination: Tell, owe: Owe) -> None:
    script = Path(__file__).with_name("receiver.mjs")
    words = [str(Path(sys.executable).parent / "node"), str(script), str(ROOT / "static" / "node_modules")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        # Its version 2.5 reads the first message of a connection again in place of the second.
        there = destination(json.loads(node.stdout.readline())["port"], new_connection_each=True)
        first, second = owe(there, 2, words="Lefèvre^Hélène")
        delivering.deliver(str(there.pk))
        heard = [json.loads(node.stdout.readline()) for _ in range(2)]
        node.stdin.close()
    assert [each["MSH.10"] for each in heard] == [first.control_id, second.control_id]
    assert heard[0]["MSH.9.1"] == "ORU"
    assert heard[0]["PID.3.1"] == "P0"
    assert "Lefèvre^Hélène" in heard[0]["text"]
    assert states() == ["taken", "taken"]


def test_messages_go_in_the_order_in_which_they_became_owed(destination: Tell, owe: Owe, receiver: Receiver) -> None:
    there = destination(receiver.port)
    rows = owe(there, 5)
    assert deliver(there) is Outcome.DONE
    assert [text.split("|")[9] for text in receiver.messages] == [row.control_id for row in rows]
    assert receiver.connections == 1
    assert set(states()) == {"taken"}
    there.refresh_from_db()
    assert there.last_taken_at is not None


def test_a_receiver_that_hangs_up_after_each_answer_is_called_again_at_once(
    destination: Tell, owe: Owe, receiver: Receiver
) -> None:
    there = destination(receiver.port)
    receiver.closes_after_each = True
    owe(there, 3)
    deliver(there)
    assert set(states()) == {"taken"}
    assert (len(receiver.messages), receiver.connections) == (3, 3)
    there.refresh_from_db()
    assert there.failures == 0


def test_what_is_refused_is_laid_aside_with_the_answer_and_the_next_one_goes(
    destination: Tell, owe: Owe, receiver: Receiver, machinist: User
) -> None:
    there = destination(receiver.port)
    receiver.answers = ["AE", "AA"]
    refused, _taken = owe(there, 2)
    deliver(there)
    assert states() == ["refused", "taken"]
    refused.refresh_from_db()
    assert (refused.code, refused.note) == ("AE", "No such exam")
    assert Notification.objects.get(user=machinist).kind == "hl7.refused"

    assert telling.send_again(refused, actor=SYSTEM)
    assert Job.objects.filter(step=delivering.STEP, subject_uid=str(there.pk)).exists()
    deliver(there)
    assert states() == ["taken", "taken"]
    assert receiver.messages[0] == receiver.messages[2]


def test_a_receiver_that_asks_for_patience_gets_the_same_message_again_before_all_others(
    destination: Tell, owe: Owe, receiver: Receiver
) -> None:
    there = destination(receiver.port)
    receiver.answers = ["AR", "AR"]
    first, _second = owe(there, 2)
    deliver(there)
    there.refresh_from_db()
    assert (states(), there.problem, there.failures) == (["waiting", "waiting"], "asked_to_wait", 1)
    assert there.next_attempt_at is not None
    assert delivering.deliver(str(there.pk)) is Outcome.DONE, "it waits"
    assert len(receiver.messages) == 1
    deliver(there)
    deliver(there)
    assert states() == ["taken", "taken"]
    assert [text.split("|")[9] for text in receiver.messages[:3]] == [first.control_id] * 3


def test_a_message_that_is_put_off_for_ever_does_not_keep_back_the_others(
    destination: Tell, owe: Owe, receiver: Receiver
) -> None:
    there = destination(receiver.port)
    receiver.answers = ["AR"] * MOST_LATER
    owe(there, 2)
    for _attempt in range(MOST_LATER):
        deliver(there)
    assert states() == ["refused", "taken"]


@pytest.mark.parametrize("answer", ["hangs_up", "nonsense"])
def test_without_an_acknowledgement_the_same_bytes_go_again(
    destination: Tell, owe: Owe, receiver: Receiver, answer: str
) -> None:
    there = destination(receiver.port)
    receiver.answers = [answer]
    owe(there)
    deliver(there)
    assert states() == ["waiting"]
    deliver(there)
    assert states() == ["taken"]
    assert receiver.messages[0] == receiver.messages[1]


def test_a_receiver_that_says_nothing_is_not_waited_for_for_ever(
    destination: Tell, owe: Owe, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PATIENCE", 0.2)
    there = destination(receiver.port)
    receiver.answers = ["silent"]
    owe(there)
    deliver(there)
    there.refresh_from_db()
    assert (states(), there.problem) == (["waiting"], "took_too_long")


def test_an_answer_to_another_message_is_not_taken_for_ours(destination: Tell, owe: Owe, receiver: Receiver) -> None:
    there = destination(receiver.port)
    receiver.answers = ["other"]
    owe(there)
    deliver(there)
    assert states() == ["taken"]


def test_nothing_is_lost_while_a_receiver_is_away_and_people_are_told_once(
    destination: Tell, owe: Owe, receiver: Receiver, machinist: User
) -> None:
    there = destination(receiver.port)
    port, there.port = there.port, 1
    there.save()
    rows = owe(there, 2)
    deliver(there)
    assert not Notification.objects.exists()
    long_ago = timezone.now() - timedelta(minutes=20)
    Hl7Destination.objects.update(failing_since=long_ago)
    for _attempt in range(3):
        deliver(there)
    there.refresh_from_db()
    assert (there.problem, there.failures, states()) == ("no_connection", 4, ["waiting", "waiting"])
    assert [row.kind for row in Notification.objects.filter(user=machinist)] == ["hl7.late"]
    assert delivering.reach(there) == "no_connection"

    Hl7Destination.objects.update(port=port)
    there.refresh_from_db()
    assert delivering.reach(there) == ""
    delivering.resume(there, actor=SYSTEM)
    deliver(there)
    assert [text.split("|")[9] for text in receiver.messages] == [row.control_id for row in rows]
    there.refresh_from_db()
    assert (there.problem, there.failing_since, there.told_at) == ("", None, None)


def test_in_the_clear_only_listed_addresses_are_called(destination: Tell, owe: Owe, receiver: Receiver) -> None:
    there = destination(receiver.port, networks=["10.20.0.0/16"])
    owe(there)
    deliver(there)
    there.refresh_from_db()
    assert there.problem == "address_not_allowed"
    assert receiver.connections == 0


def test_over_tls_both_sides_show_who_they_are(
    destination: Tell, owe: Owe, receiver: Receiver, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    folder = connection.certificate_folder()
    folder.mkdir(parents=True)
    ours, key = certificate("portal.hospital.example")
    (folder / "portal.pem").write_bytes(ours + key)
    theirs, their_key = certificate("localhost")
    (tmp_path / "server.pem").write_bytes(theirs + their_key)
    receiver.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    receiver.context.load_cert_chain(tmp_path / "server.pem")
    receiver.context.verify_mode = ssl.CERT_REQUIRED
    receiver.context.load_verify_locations(cadata=ours.decode())
    there = destination(receiver.port, uses_tls=True)
    owe(there)
    deliver(there)
    there.refresh_from_db()
    assert there.problem == "not_trusted"

    Hl7Destination.objects.update(certificates=theirs.decode(), own_certificate="portal.pem")
    deliver(there)
    assert states() == ["taken"]


def test_a_receiver_that_acknowledges_the_wrong_message_has_taken_nothing(
    destination: Tell, owe: Owe, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PATIENCE", 0.2)
    there = destination(receiver.port)
    receiver.answers = ["wrong"]
    owe(there)
    deliver(there)
    there.refresh_from_db()
    assert (states(), there.problem) == (["waiting"], "other_answer")


def test_what_is_owed_is_offered_to_who_need_not_wait(destination: Tell, owe: Owe) -> None:
    owe(destination(name="Waits", next_attempt_at=timezone.now() + timedelta(minutes=5)))
    owe(destination(name="Off", is_active=False))
    due = destination(name="Due")
    owe(due)
    destination(name="Nothing owed")
    delivering.offer()
    assert set(Job.objects.filter(step=delivering.STEP).values_list("subject_uid", flat=True)) == {str(due.pk)}


def test_old_messages_are_forgotten_but_those_that_wait(
    destination: Tell, owe: Owe, register: Hl7Peer, data_dir: Path
) -> None:
    _waiting, refused, taken = owe(destination(), 3)
    long_ago = timezone.now() - timedelta(days=100)
    Hl7Notice.objects.update(owed_at=long_ago)
    Hl7Notice.objects.filter(pk=taken.pk).update(state="taken", ended_at=long_ago)
    Hl7Notice.objects.filter(pk=refused.pk).update(state="refused")
    assert delivering.prune() == 1
    assert [bytes(row.raw) != b"" for row in Hl7Notice.objects.order_by("pk")] == [True, True, False]
    assert delivering.prune() == 0

    for _number in range(3):
        services.receive(adt("A04"), "127.0.0.1")
    kept, old, stuck = Hl7Message.objects.order_by("pk")
    Hl7Message.objects.filter(pk__in=[old.pk, stuck.pk]).update(received_at=long_ago)
    Hl7Message.objects.filter(pk=stuck.pk).update(state="failed")
    with CaptureQueriesContext(db_connection) as queries:
        assert services.prune() == 1
    assert not [query for query in queries if '"raw"' in query["sql"]], (
        "a report of megabytes is not read to be forgotten"
    )
    assert set(Hl7Message.objects.all()) == {kept, stuck}
