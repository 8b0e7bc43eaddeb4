"""C-STORE and C-ECHO over a real socket."""

import errno
import os
import threading
from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import AuditEvent
from imaging.dicom import part10
from imaging.dimse import contexts, reception
from imaging.ingest.models import ApplicationEntity
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals
from tests.imaging.dimse import raw_peer
from tests.imaging.dimse.conftest import Door, OpenDoor
from tests.imaging.dimse.raw_peer import CT_IMAGE, EXPLICIT, IMPLICIT, Rejected, values

JPEG_LS = "1.2.840.10008.1.2.4.80"
BIG_ENDIAN = "1.2.840.10008.1.2.2"


def test_a_stored_object_is_found_again_bit_for_bit(door: Door) -> None:
    made = arrivals.dataset()
    with door.peer().associate() as peer:
        assert peer.store_dataset(made) == (0, "")
        [entry] = door.spool.entries()
        stored = entry.path.read_bytes()
        assert stored.endswith(raw_peer.encoded(made))
        assert part10.read_part10(entry.path).meta.source_ae_title == "CT1"
        assert peer.release()
    assert door.drain().registered == 1
    version = InstanceVersion.objects.get()
    assert storage.read(version.stored_object) == stored
    assert (version.door, version.sender, version.address) == ("dimse", "CT1", "127.0.0.1")


def test_many_objects_and_an_echo_share_one_association(door: Door) -> None:
    offered = {1: (raw_peer.CT_IMAGE, [EXPLICIT]), 3: (raw_peer.VERIFICATION, [IMPLICIT])}
    with door.peer().associate(contexts=offered) as peer:
        for _ in range(20):
            assert peer.store_dataset(arrivals.dataset())[0] == 0
        assert peer.echo(3) == 0
        assert peer.store_dataset(arrivals.dataset())[0] == 0
        assert peer.release()
    assert len(door.spool.entries()) == 21


@pytest.mark.parametrize("fragment", [1, 7, 1000, 100_000])
def test_fragments_of_any_size_give_the_same_object(door: Door, fragment: int) -> None:
    made = arrivals.dataset()
    data = raw_peer.encoded(made)
    with door.peer().associate() as peer:
        assert peer.store(data, sop_instance_uid=made.SOPInstanceUID, fragment=fragment)[0] == 0
    assert door.spool.entries()[0].path.read_bytes().endswith(data)


def test_command_and_data_may_share_a_pdu_and_a_command_may_come_in_pieces(door: Door) -> None:
    made = arrivals.dataset()
    command, data = raw_peer.command(raw_peer.CT_IMAGE, made.SOPInstanceUID), raw_peer.encoded(made)
    with door.peer().associate() as peer:
        peer.send(raw_peer.values((1, 1, command[:20]), (1, 3, command[20:]), (1, 0, data[:50]), (1, 2, data[50:])))
        assert peer.answer()[0] == 0


def test_every_storage_class_is_accepted_in_every_transfer_syntax(door: Door) -> None:
    classes = sorted(contexts.STORAGE_CLASSES)
    syntaxes = sorted(contexts.TRANSFER_SYNTAXES)
    assert len(classes) > 180
    assert len(syntaxes) > 50
    for start in range(0, len(classes), 100):
        offered = {
            2 * number + 1: (uid, [syntaxes[(start + number) % len(syntaxes)]])
            for number, uid in enumerate(classes[start : start + 100])
        }
        with door.peer().associate(contexts=offered) as peer:
            assert peer.accepted == {key: value[1][0] for key, value in offered.items()}
    with door.peer().associate(
        contexts={2 * number + 1: (raw_peer.CT_IMAGE, [syntax]) for number, syntax in enumerate(syntaxes)}
    ) as peer:
        assert sorted(peer.accepted.values()) == syntaxes


def test_the_sender_chooses_the_transfer_syntax_and_unknown_classes_are_left_out(door: Door) -> None:
    offered = {
        1: (raw_peer.CT_IMAGE, [JPEG_LS, EXPLICIT, IMPLICIT]),
        3: ("1.2.840.10008.5.1.4.1.1.4", [IMPLICIT, BIG_ENDIAN]),
        5: ("1.2.840.10008.5.1.4.1.2.2.2", [IMPLICIT]),
        7: ("1.3.6.1.4.1.99999.1", [IMPLICIT]),
        9: (raw_peer.CT_IMAGE, ["1.3.6.1.4.1.99999.2"]),
    }
    with door.peer().associate(contexts=offered) as peer:
        assert peer.accepted == {1: JPEG_LS, 3: IMPLICIT}


def test_an_implicit_data_set_is_kept_as_such(door: Door) -> None:
    made = arrivals.dataset()
    with door.peer().associate(contexts={1: (raw_peer.CT_IMAGE, [IMPLICIT])}) as peer:
        assert peer.store_dataset(made, IMPLICIT)[0] == 0
    assert part10.read_part10(door.spool.entries()[0].path).transfer_syntax_uid == IMPLICIT


class TestAdmission:
    def test_an_unknown_application_entity_is_refused_and_audited(self, door: Door) -> None:
        with door.peer() as peer, pytest.raises(Rejected) as rejection:
            peer.associate(calling="STRANGER")
        assert rejection.value.codes == (1, 1, 3)
        door.written()
        event = AuditEvent.objects.get(action="association.refused")
        assert (event.actor_name, event.address, event.outcome) == ("STRANGER", "127.0.0.1", "refused")
        assert event.detail["reason"] == "calling AE title not recognised"

    def test_another_called_title_is_refused(self, door: Door) -> None:
        with door.peer() as peer, pytest.raises(Rejected) as rejection:
            peer.associate(called="ANY-SCP")
        assert rejection.value.codes == (1, 1, 7)

    def test_a_known_entity_at_another_address_is_refused(self, door: Door) -> None:
        ApplicationEntity.objects.filter(ae_title="CT1").update(address="10.1.2.3")
        with door.peer() as peer, pytest.raises(Rejected):
            peer.associate()

    def test_an_entity_that_was_switched_off_is_refused(self, door: Door) -> None:
        ApplicationEntity.objects.filter(ae_title="CT1").update(is_active=False)
        with door.peer() as peer, pytest.raises(Rejected):
            peer.associate()

    def test_an_entity_that_may_not_store_may_still_be_seen(self, door: Door) -> None:
        ApplicationEntity.objects.filter(ae_title="CT1").update(may_store=False)
        offered = {1: (raw_peer.CT_IMAGE, [EXPLICIT]), 3: (raw_peer.VERIFICATION, [IMPLICIT])}
        with door.peer().associate(contexts=offered) as peer:
            assert peer.echo(3) == 0
            assert peer.store_dataset(arrivals.dataset())[0] == 0x0124
        assert not door.spool.entries()

    def test_an_association_is_audited_and_the_entity_was_seen(self, door: Door) -> None:
        for _ in range(3):
            with door.peer().associate() as peer:
                peer.release()
        door.written()
        assert AuditEvent.objects.filter(action="association.accepted", actor_name="CT1").count() == 1
        assert ApplicationEntity.objects.get().last_seen_at is not None

    def test_the_demo_knows_every_sender_on_loopback_and_gives_it_no_department(self, open_door: OpenDoor) -> None:
        door = open_door(is_demo=True)
        with door.peer().associate(calling="STORESCU", called="ANY-SCP") as peer:
            assert peer.store_dataset(arrivals.dataset())[0] == 0
        [entry] = door.spool.entries()
        assert door.spool.source_of(entry).department_ids == ()


class TestResources:
    def test_a_full_disk_is_told_and_the_next_object_is_taken_when_there_is_room(
        self, door: Door, monkeypatch: Any
    ) -> None:
        made = arrivals.dataset()
        with door.peer().associate() as peer:
            with monkeypatch.context() as patch:
                patch.setattr(door.spool, "_reserve", lambda total: total)
                code, comment = peer.store_dataset(made)
            assert code == 0xA700
            assert "reserve" in comment
            assert not door.spool.entries()
            assert not list(door.spool.incoming.iterdir())
            assert peer.store_dataset(made)[0] == 0

    def test_success_is_not_said_when_the_disk_cannot_sync(self, door: Door, monkeypatch: Any) -> None:
        def broken(_fd: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        with door.peer().associate() as peer:
            assert peer.store_dataset(arrivals.dataset())[0] == 0
            with monkeypatch.context() as patch:
                patch.setattr(os, "fsync", broken)
                assert peer.store_dataset(arrivals.dataset())[0] == 0xA700
            assert peer.store_dataset(arrivals.dataset())[0] == 0
        assert len(door.spool.entries()) == 2


def test_while_the_database_is_away_known_senders_still_find_the_spool_open(door: Door, monkeypatch: Any) -> None:
    with door.peer().associate() as peer:
        assert peer.store_dataset(arrivals.dataset())[0] == 0

    def away() -> Any:
        raise OperationalError("away")

    monkeypatch.setattr("imaging.dimse.admission._WAIT", 0.5)
    monkeypatch.setattr("imaging.dimse.admission._FRESH", 0.0)
    monkeypatch.setattr("imaging.ingest.selectors.peers", away)
    with door.peer().associate() as peer:
        assert peer.store_dataset(arrivals.dataset())[0] == 0
    with door.peer() as peer, pytest.raises(Rejected):
        peer.associate(calling="STRANGER")
    assert len(door.spool.entries()) == 2


def test_an_object_that_has_just_begun_is_not_cut_off_by_a_stop(door: Door, monkeypatch: Any) -> None:
    begun, go_on = threading.Event(), threading.Event()
    begin = reception.ingest.begin

    def slowly(**told: Any) -> Any:
        begun.set()
        assert go_on.wait(30)
        return begin(**told)

    made = arrivals.dataset()
    data = raw_peer.encoded(made)
    monkeypatch.setattr(reception.ingest, "begin", slowly)
    with door.peer().associate() as busy, door.peer().associate() as idle:
        busy.send(values((1, 3, raw_peer.command(CT_IMAGE, made.SOPInstanceUID))))
        assert begun.wait(30)
        stop = threading.Thread(target=door.server.stop)
        stop.start()
        assert idle.is_closed()
        go_on.set()
        busy.send(values((1, 2, data)))
        assert busy.answer() == (0, "")
        assert busy.is_closed()
    stop.join()
    assert len(door.spool.entries()) == 1
