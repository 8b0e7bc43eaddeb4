"""What is kept of a message, how often it has its effect, and what happens to one that cannot be applied."""

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from accounts.actor import SYSTEM
from accounts.audit import Action
from accounts.audit.models import AuditEvent
from imaging.ehr import administration, services
from imaging.ehr.hl7.message import Message
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.studies.models import Patient
from tests.factories.accounts import SiteFactory
from tests.imaging.ehr.conftest import Send
from tests.imaging.ehr.sent import adt

pytestmark = pytest.mark.django_db

State = Hl7Message.State


def taken(raw: bytes, address: str = "127.0.0.1") -> str:
    (answer,) = services.receive(raw, address)
    return answer.decode("latin-1")


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own code fails at everybody named Poison."""
    apply = administration.apply

    def failing(message: Message, *others: Any) -> str:
        if "Poison" in message.text("PID", 5):
            raise ZeroDivisionError("Poison^Ivy is a patient's name")
        return apply(message, *others)

    monkeypatch.setattr(administration, "apply", failing)


class TestOnce:
    def test_the_same_bytes_get_the_same_answer_and_have_one_effect(self, register: Hl7Peer) -> None:
        """Pitfalls 22 and 23; HL-7."""
        raw = adt("A04", control_id="77")
        first = taken(raw)
        Patient.objects.update(patient_name="Changed^Since")

        assert taken(raw).split("MSA")[1] == first.split("MSA")[1]
        row = Hl7Message.objects.get()
        assert (row.times_sent, row.state) == (2, State.APPLIED)
        assert Patient.objects.get().patient_name == "Changed^Since"

    def test_a_refusal_is_repeated_word_for_word(self, register: Hl7Peer) -> None:
        raw = adt("A04", control_id="77", pid="")
        first = taken(raw)
        assert "101^" in first
        assert taken(raw).split("MSA")[1] == first.split("MSA")[1]

    def test_what_was_refused_is_taken_once_its_reason_is_gone(self, register: Hl7Peer) -> None:
        raw = adt("A04", pid="P1^^^CLINIC", control_id="77")
        assert "204^" in taken(raw)
        SiteFactory.create(issuer_of_patient_id="CLINIC")
        assert "MSA|AA|77" in taken(raw)

    def test_what_was_refused_can_be_put_right_here(self, register: Hl7Peer) -> None:
        taken(adt("A04", pid="P1^^^CLINIC", control_id="77"))
        row = services.retry(Hl7Message.objects.get(), actor=SYSTEM)
        assert row.state == State.REFUSED
        row = services.retry(row, actor=SYSTEM, edited=adt("A04", pid="P1", control_id="77").decode())
        assert row.state == State.APPLIED

    def test_a_used_control_id_with_other_words_is_applied_and_marked(self, register: Hl7Peer) -> None:
        """Pitfall 22."""
        taken(adt("A04", control_id="77"))
        taken(adt("A08", control_id="77", name="Petit^Anne"))
        assert Patient.objects.get().patient_name == "Petit^Anne"
        assert [row.is_reused_id for row in Hl7Message.objects.order_by("pk")] == [False, True]

    def test_what_was_kept_and_never_answered_is_applied_when_it_comes_again(self, register: Hl7Peer) -> None:
        raw = adt("A04", control_id="77")
        taken(raw)
        Patient.objects.update(patient_name="Lost^Effect")
        Hl7Message.objects.update(state=State.RECEIVED)
        assert "MSA|AA|77" in taken(raw)
        assert Patient.objects.get().patient_name == "Durand^Hélène"


class TestSenders:
    def test_an_application_that_nobody_knows_is_refused_and_its_message_kept(self, register: Hl7Peer) -> None:
        answer = taken(adt("A04", application="STRANGER"))
        assert "ERR||MSH^1^3|103^" in answer
        assert Hl7Message.objects.get().peer is None
        assert not Patient.objects.exists()

    def test_one_that_calls_from_elsewhere_is_not_believed(self, register: Hl7Peer) -> None:
        register.address = "192.0.2.7"
        register.save()
        assert "103^" in taken(adt("A04"))

    def test_one_that_was_switched_off_is_not_believed(self, register: Hl7Peer) -> None:
        register.is_active = False
        register.save()
        assert "103^" in taken(adt("A04"))

    @pytest.mark.parametrize("mark", ["T", "D"])
    def test_tests_stay_out_of_production(self, register: Hl7Peer, mark: str) -> None:
        """HL-9."""
        assert "ERR||MSH^1^11|202^" in taken(adt("A04", processing=mark))
        register.is_test = True
        register.save()
        assert "MSA|AA|" in taken(adt("A04", processing=mark))

    def test_a_system_that_knows_ar_alone_is_told_ar(self, send: Send, register: Hl7Peer) -> None:
        """HL-4."""
        register.refusal = Hl7Peer.Refusal.REJECT
        register.save()
        assert "MSA|AR|" in send("A04", pid="")


class TestHostile:
    def test_bytes_that_the_database_cannot_keep_as_text_do_not_stop_a_sender(self, register: Hl7Peer) -> None:
        raw = adt("A04", application="H\x00IS", control_id="N\x00UL", kind="ADT^A\x0004")
        assert "103^" in taken(raw)
        assert Hl7Message.objects.get().control_id == "N UL"

    def test_what_fails_before_it_is_kept_is_asked_for_again(
        self, register: Hl7Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(services, "_kept", None)
            assert "MSA|AR|77" in taken(adt("A04", control_id="77"))
        assert "MSA|AA|77" in taken(adt("A04", control_id="77"))


class TestWaiting:
    def test_one_poisoned_message_among_many_waits_and_stops_nobody(
        self, register: Hl7Peer, poison: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Pitfall 21; nothing of a patient goes to the log."""
        for number in range(20):
            name = "Poison^Ivy" if number == 7 else f"Durand^{'x' * number}"
            answer = taken(adt("A04", pid=f"P{number}^^^HOSPITAL^MR", name=name))
            assert ("MSA|AE|" in answer) == (number == 7)
        assert Patient.objects.count() == 19
        row = Hl7Message.objects.get(state=State.FAILED)
        assert row.error_code == "207"
        assert "Poison" not in caplog.text + row.note
        assert "ZeroDivisionError" in caplog.text

    def test_it_is_put_right_and_sent_in_again(self, register: Hl7Peer, poison: None) -> None:
        taken(adt("A04", name="Poison^Ivy"))
        row = Hl7Message.objects.get()
        raw = bytes(row.raw)

        services.retry(row, actor=SYSTEM, edited=raw.decode().replace("Poison^Ivy", "Lefèvre^Hélène"))

        row.refresh_from_db()
        assert (row.state, row.decided_by, bytes(row.raw)) == (State.APPLIED, "system", raw)
        assert Patient.objects.get().patient_name == "Lefèvre^Hélène"
        told = AuditEvent.objects.get(action=Action.HL7_MESSAGE_DECIDED)
        assert told.detail["decision"] == "edited"

    def test_an_edited_message_is_utf_8_whatever_its_header_says(self, register: Hl7Peer, poison: None) -> None:
        taken(adt("A04", name="Poison^Ivy", charset="8859/1", codec="latin-1"))
        row = Hl7Message.objects.get()
        services.retry(row, actor=SYSTEM, edited=bytes(row.raw).decode("latin-1").replace("Poison^Ivy", "Lefèvre^Œ"))
        assert Patient.objects.get().patient_name == "Lefèvre^Œ"

    def test_what_is_still_wrong_waits_on(self, register: Hl7Peer, poison: None) -> None:
        taken(adt("A04", name="Poison^Ivy"))
        row = Hl7Message.objects.get()
        services.retry(row, actor=SYSTEM)
        assert Hl7Message.objects.get().state == State.FAILED
        services.retry(row, actor=SYSTEM, edited=adt("A04", pid="").decode())
        row.refresh_from_db()
        assert (row.state, row.error_code, row.attempts) == (State.FAILED, "101", 3)

    def test_it_can_be_skipped_once(self, register: Hl7Peer, poison: None) -> None:
        taken(adt("A04", name="Poison^Ivy"))
        row = Hl7Message.objects.get()
        assert services.skip(row, actor=SYSTEM)
        assert not services.skip(row, actor=SYSTEM)
        assert Hl7Message.objects.get().state == State.SKIPPED

    @pytest.mark.parametrize("error", [OperationalError, InterfaceError])
    def test_while_the_database_is_away_the_sender_is_told_to_come_again(
        self, register: Hl7Peer, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
    ) -> None:
        raw = adt("A04", control_id="77")
        with monkeypatch.context() as away:

            def gone(*_args: Any, **_names: Any) -> None:
                raise error("gone")

            away.setattr(administration, "apply", gone)
            assert "MSA|AR|77" in taken(raw)
        assert not Patient.objects.exists()
        assert "MSA|AA|77" in taken(raw)
        assert Patient.objects.exists()
