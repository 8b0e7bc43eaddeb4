"""Pushing studies by C-STORE to DCMTK's storescp: what goes, what does not, and what happens when it is away."""

import datetime as dt
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.utils import timezone
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from accounts.actor import Actor
from accounts.models import AuditEvent, Notification, User
from imaging.dimse import storing
from imaging.events import jobs
from imaging.events.jobs import Outcome
from imaging.events.models import Job
from imaging.ingest.models import ApplicationEntity
from imaging.pipeline import partners, steps
from imaging.queues import LONG
from imaging.sharing.models import Partner, PartnerTransfer, TransferObject
from imaging.sharing.partners import sending, services
from imaging.studies import oppositions
from imaging.studies.correction import correcting
from imaging.studies.models import Patient, Placement, Study
from tests.factories import arrivals
from tests.imaging.dimse.conftest import Door, door, open_door
from tests.partner_archives import MakePartner, Push, StartElsewhere, due, now, work
from tests.ports import free_port
from tests.receivers import certificate
from tests.studies_in_archive import Archive

__all__ = ["door", "open_door"]

pytestmark = pytest.mark.django_db(transaction=True)
State = PartnerTransfer.State
ALICE = Actor("user", "1", "alice")


class _Killed(BaseException):
    """The process is gone: nothing is caught, nothing is tidied."""


def oppose(patient: Patient) -> None:
    oppositions.record_choice(
        patient,
        use="outside",
        answer="opposed",
        said_by="patient",
        said_on=dt.date(2026, 1, 1),
        evidence="",
        actor=ALICE,
    )


def test_a_study_arrives_and_is_on_record(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push
) -> None:
    lyon = elsewhere()
    transfer = push(slices, dimse_partner(lyon.port))
    assert transfer.state == State.WAITING
    work()
    done = now(transfer)
    assert (done.state, done.total, done.sent, done.refused) == (State.DONE, 5, 5, 0)
    assert done.octets > 0
    sent = [pydicom.dcmread(path) for path in lyon.files]
    assert {made.StudyInstanceUID for made in sent} == {slices.study_instance_uid}
    assert sorted(int(made.InstanceNumber) for made in sent) == [1, 2, 3, 4, 5]
    assert not TransferObject.objects.exists()
    told = list(AuditEvent.objects.filter(action__startswith="transfer.").order_by("id"))
    assert [event.action for event in told] == ["transfer.asked", "transfer.started", "transfer.done"]
    assert {event.subject_uid for event in told} == {slices.study_instance_uid}
    assert {event.detail["receiver"] for event in told} == {"CHU Lyon"}
    assert told[-1].detail["sent"] == 5
    assert not list((Path(lyon.folder).parent).glob("**/sending/*"))


def test_pressing_twice_sends_nothing_twice_and_a_lost_nudge_does_no_harm(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push
) -> None:
    lyon = elsewhere("-uf")
    transfer = push(slices, dimse_partner(lyon.port))
    work()
    for path in lyon.files:
        path.unlink()
    assert partners.send(transfer.key) is Outcome.DONE
    assert not lyon.files
    assert now(transfer).sent == 5


def test_what_the_partner_does_not_take_is_told_object_by_object(
    archive: Archive, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push, alice: User
) -> None:
    study = arrivals.uid()
    taken = arrivals.dataset(StudyInstanceUID=study, InstanceNumber=1)
    packed = arrivals.dataset(StudyInstanceUID=study, InstanceNumber=2)
    packed.file_meta = FileMetaDataset()
    packed.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    packed.compress(RLELossless, generate_instance_uid=False)
    archive.receive(taken, arrivals.encoded(packed, RLELossless))
    # Without options storescp takes what is not compressed, and nothing else.
    lyon = elsewhere()
    transfer = push(Study.objects.get(study_instance_uid=study), dimse_partner(lyon.port))
    work()
    failed = now(transfer)
    assert (failed.state, failed.problem) == (State.FAILED, "some_refused")
    assert (failed.sent, failed.refused) == (1, 1)
    left = TransferObject.objects.get(transfer=transfer)
    assert (left.state, left.problem) == ("refused", "syntax_not_taken")
    assert left.instance.sop_instance_uid == packed.SOPInstanceUID
    assert len(lyon.files) == 1
    assert Notification.objects.filter(user=alice, kind="transfer.failed").count() == 1
    assert AuditEvent.objects.get(action="transfer.failed").outcome == "failed"

    lyon.end()
    elsewhere("+xr", port=lyon.port)
    assert services.try_again(transfer)
    work()
    assert (now(transfer).state, now(transfer).sent, now(transfer).refused) == (State.DONE, 2, 0)


def test_a_partner_that_is_away_is_tried_again_by_itself_and_gets_what_is_missing(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push
) -> None:
    port = free_port()
    transfer = push(slices, dimse_partner(port))
    work()
    paused = now(transfer)
    assert (paused.state, paused.problem, paused.failures) == (State.PAUSED, "no_connection", 1)
    assert paused.next_attempt_at is not None
    first = paused.next_attempt_at
    sending.offer()
    work()
    assert now(transfer).failures == 1, "not before its time"
    due(transfer)
    sending.offer()
    work()
    again = now(transfer)
    assert again.failures == 2
    assert again.next_attempt_at is not None
    assert again.next_attempt_at - timezone.now() > first - timezone.now()

    elsewhere(port=port)
    due(transfer)
    sending.offer()
    work()
    done = now(transfer)
    assert (done.state, done.sent, done.failures, done.problem) == (State.DONE, 5, 0, "")


def test_a_partner_that_stays_away_is_given_up_and_the_sender_is_told(
    slices: Study, dimse_partner: MakePartner, push: Push, alice: User
) -> None:
    transfer = push(slices, dimse_partner(free_port(), tries_hours=2))
    work()
    PartnerTransfer.objects.update(failing_since=timezone.now() - dt.timedelta(hours=2))
    due(transfer)
    sending.offer()
    work()
    assert (now(transfer).state, now(transfer).problem) == (State.FAILED, "no_connection")
    assert Notification.objects.filter(user=alice, kind="transfer.failed").count() == 1


def test_a_wrong_title_is_said_plainly_and_not_tried_again(
    slices: Study, archive: Archive, door: Door, dimse_partner: MakePartner, push: Push
) -> None:
    # Our own listener is a partner that knows neither this name of its own nor us.
    transfer = push(slices, dimse_partner(door.port))
    work()
    failed = now(transfer)
    assert (failed.state, failed.problem) == (State.FAILED, "its_title_unknown")
    ApplicationEntity.objects.filter(ae_title="LYON").update(ae_title="NEGATOSCOPE", is_active=False)
    assert services.try_again(transfer)
    work()
    assert (now(transfer).state, now(transfer).problem) == (State.FAILED, "our_title_unknown")


def test_stopping_ends_it_before_the_next_object_and_trying_again_sends_the_rest(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push, alice: User, monkeypatch: Any
) -> None:
    lyon = elsewhere("-uf")
    transfer = push(slices, dimse_partner(lyon.port))
    carry = storing.StoreLine.store
    seen: list[int] = []

    def stopped_after_two(line: Any, parcel: Any) -> Any:
        answer = carry(line, parcel)
        seen.append(1)
        if len(seen) == 2:
            assert services.stop(transfer, words="wrong hospital", user=alice, actor=ALICE)
        return answer

    monkeypatch.setattr(storing.StoreLine, "store", stopped_after_two)
    work()
    stopped = now(transfer)
    assert (stopped.state, stopped.sent, stopped.words) == (State.STOPPED, 2, "wrong hospital")
    assert len(seen) == len(lyon.files) == 2
    # At that moment the second was on its way, and nobody had said that it arrived.
    assert AuditEvent.objects.get(action="transfer.stopped").detail["sent"] == 1
    assert not services.stop(transfer, words="", user=alice, actor=ALICE), "it has ended"

    assert services.try_again(transfer)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.DONE, 5)
    assert len(seen) == len(lyon.files) == 5


@pytest.mark.parametrize("reason", ["protected", "moved", "opposed", "closed"])
def test_images_that_may_not_go_any_more_stop_it(
    slices: Study,
    elsewhere: StartElsewhere,
    dimse_partner: MakePartner,
    push: Push,
    alice: User,
    monkeypatch: Any,
    reason: str,
) -> None:
    lyon = elsewhere("-uf")
    partner = dimse_partner(lyon.port)
    transfer = push(slices, partner)
    carry = storing.StoreLine.store

    def meanwhile(line: Any, parcel: Any) -> Any:
        answer = carry(line, parcel)
        if reason == "protected":
            Study.objects.filter(pk=slices.pk).update(sensitivity="staff")
            Placement.objects.filter(study=slices).update(sensitivity="staff")
        elif reason == "moved":
            Placement.objects.filter(study=slices).update(until=timezone.now())
        elif reason == "opposed":
            oppose(slices.patient)
        else:
            partner.departments.clear()
        return answer

    monkeypatch.setattr(storing.StoreLine, "store", meanwhile)
    monkeypatch.setattr(sending, "_ASKED_AGAIN", 0.0)
    work()
    stopped = now(transfer)
    expected = "partner_closed" if reason == "closed" else "withdrawn"
    assert (stopped.state, stopped.problem, stopped.sent) == (State.STOPPED, expected, 1)
    assert len(lyon.files) == 1
    assert Notification.objects.filter(user=alice, kind="transfer.stopped").count() == 1


def test_a_worker_that_died_is_followed_by_another_which_sends_the_rest(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push, monkeypatch: Any
) -> None:
    lyon = elsewhere("-uf")
    transfer = push(slices, dimse_partner(lyon.port))
    carry = storing.StoreLine.store
    seen: list[int] = []

    def dies_at_the_third(line: Any, parcel: Any) -> Any:
        seen.append(1)
        if len(seen) == 3:
            raise _Killed
        return carry(line, parcel)

    monkeypatch.setattr(storing.StoreLine, "store", dies_at_the_third)
    with pytest.raises(_Killed):
        steps.run_next(LONG)
    assert (now(transfer).state, now(transfer).sent) == (State.SENDING, 2)
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    jobs.sweep()
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.DONE, 5)
    assert len(lyon.files) == 5


def test_what_was_corrected_goes_out_corrected(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push
) -> None:
    lyon = elsewhere("-uf")
    correcting.correct(
        slices, {"00081030": {"vr": "LO", "Value": ["CT of the chest"]}}, actor=ALICE, reason="typed wrongly"
    )
    transfer = push(slices, dimse_partner(lyon.port))
    work()
    assert now(transfer).state == State.DONE
    assert {pydicom.dcmread(path).StudyDescription for path in lyon.files} == {"CT of the chest"}


def test_a_partner_is_called_over_tls_and_its_certificate_is_checked(
    slices: Study, elsewhere: StartElsewhere, dimse_partner: MakePartner, push: Push, tmp_path: Path
) -> None:
    chain, key = certificate("localhost")
    (tmp_path / "chain.pem").write_bytes(chain)
    (tmp_path / "key.pem").write_bytes(key)
    lyon = elsewhere("+tls", str(tmp_path / "key.pem"), str(tmp_path / "chain.pem"), "-ic")
    partner = dimse_partner(lyon.port, uses_tls=True)
    ApplicationEntity.objects.update(host="localhost")
    transfer = push(slices, partner)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.FAILED, 0)
    assert now(transfer).problem == "no_tls"

    Partner.objects.update(certificates=chain.decode())
    assert services.try_again(transfer)
    work()
    assert (now(transfer).state, now(transfer).sent) == (State.DONE, 5)
