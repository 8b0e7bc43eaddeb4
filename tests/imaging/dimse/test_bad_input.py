"""Hostile and broken input over a real socket: a status or a quarantine reason for each, and the next good object goes through."""

import contextlib
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from imaging.dimse.upper_layer import StreamingAssociation
from imaging.ingest.models import QuarantinedObject
from imaging.studies.models import Instance, Study
from tests.factories import arrivals
from tests.imaging.dimse import raw_peer
from tests.imaging.dimse.conftest import Door
from tests.imaging.dimse.raw_peer import CT_IMAGE, EXPLICIT, IMPLICIT, Aborted, RawPeer, encoded, values

UID = "1.2.826.0.1.3680043.10.1.77"
_UNDEFINED = b"\xff\xff\xff\xff"


def good_object_goes_through(door: Door) -> None:
    made = arrivals.dataset()
    with door.peer().associate() as peer:
        assert peer.store_dataset(made)[0] == 0
    assert door.drain().registered >= 1
    assert Instance.objects.filter(sop_instance_uid=made.SOPInstanceUID).exists()


def eventually(holds: Callable[[], bool], within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def sound(**changes: Any) -> bytes:
    return encoded(arrivals.dataset(SOPInstanceUID=UID, **changes))


def element(tag: int, vr: bytes, value: bytes, *, length: int | None = None) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    size = len(value) if length is None else length
    if vr in {b"OB", b"OW", b"SQ", b"UN", b"UT"}:
        return head + struct.pack("<HL", 0, size) + value
    return head + struct.pack("<H", size) + value


def nested(depth: int) -> bytes:
    head = b"\x40\x00\x30\xa7SQ\0\0" + _UNDEFINED + b"\xfe\xff\x00\xe0" + _UNDEFINED
    tail = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    return sound(PixelData=None) + head * depth + tail * depth


REFUSED: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 0xC000),
    "truncated in the header": (sound()[:150], 0xC000),
    "truncated within an element": (sound()[:301], 0xC000),
    "no study": (sound(StudyInstanceUID=None), 0xC000),
    "no series": (sound(SeriesInstanceUID=None), 0xC000),
    "no instance": (encoded(arrivals.dataset(SOPInstanceUID=None)), 0xC000),
    "another instance": (encoded(arrivals.dataset()), 0xA900),
    "another class": (sound(SOPClassUID="1.2.840.10008.5.1.4.1.1.4"), 0xA900),
    "a UID that is none": (
        sound(StudyInstanceUID="1.2.3.4.5.6.7.88").replace(b"1.2.3.4.5.6.7.88", b"../../etc/passwd"),
        0xC000,
    ),
    "an absurd length": (sound(PixelData=None) + element(0x00420011, b"OB", b"", length=0xFFFFFFF0), 0xC000),
    "ten thousand sequences deep": (nested(10_000), 0xC000),
    "noise": (bytes(range(256)) * 40, 0xC000),
    "a page": (b"<html><script>alert(1)</script></html>" * 20, 0xC000),
    "a whole file instead of a data set": (arrivals.encoded(arrivals.dataset(SOPInstanceUID=UID)), 0xC000),
}


@pytest.mark.parametrize(("data", "status"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_identified_is_refused_with_its_status_and_words(door: Door, data: bytes, status: int) -> None:
    started = time.monotonic()
    with door.peer().associate() as peer:
        code, comment = peer.store(data, sop_instance_uid=UID)
        assert (hex(code), bool(comment)) == (hex(status), True)
        # The association goes on.
        assert peer.store_dataset(arrivals.dataset())[0] == 0
    assert time.monotonic() - started < 10
    assert len(door.spool.entries()) == 1
    assert not list(door.spool.incoming.iterdir())
    good_object_goes_through(door)


QUARANTINED: dict[str, tuple[bytes, str, str]] = {
    "pixels that end early": (sound()[:-10], EXPLICIT, "truncated"),
    "rows x columns x frames overflow": (
        sound(Rows=65535, Columns=65535, NumberOfFrames="2147483647"),
        EXPLICIT,
        "pixel_overflow",
    ),
    "more pixels promised than there are": (sound(Rows=512, Columns=512), EXPLICIT, "truncated_pixels"),
    "native pixels in a compressed transfer syntax": (sound(), "1.2.840.10008.1.2.4.70", "encapsulation_mismatch"),
}


@pytest.mark.parametrize(("data", "syntax", "reason"), QUARANTINED.values(), ids=QUARANTINED)
def test_what_cannot_be_used_is_kept_in_quarantine_or_refused(
    door: Door, data: bytes, syntax: str, reason: str
) -> None:
    with door.peer().associate(contexts={1: (CT_IMAGE, [syntax])}) as peer:
        code, comment = peer.store(data, sop_instance_uid=UID)
    door.drain()
    if code:
        assert code == 0xC000
        assert reason in comment
    else:
        assert reason in QuarantinedObject.objects.get().detail
        assert QuarantinedObject.objects.get().reason == "unreadable"
    assert not Study.objects.exists()
    good_object_goes_through(door)


TOLERATED: dict[str, tuple[bytes, str]] = {
    "an unknown character set": (sound().replace(b"ISO_IR 192", b"ISO_IR 999"), EXPLICIT),
    "bytes that the character set does not know": (
        encoded(arrivals.dataset(SOPInstanceUID=UID, SpecificCharacterSet="ISO_IR 192")).replace(
            "Hélène".encode(), "Hélène".encode("latin-1") + b"  "
        ),
        EXPLICIT,
    ),
    "markup everywhere": (
        sound(
            PatientName="<script>alert(1)</script>",
            StudyDescription="<img src=x onerror=alert(1)>",
            SeriesDescription='"><svg/onload=alert(1)>',
            PatientID="<b>1</b>",
            AccessionNumber="';DROP TABLE--",
        ),
        EXPLICIT,
    ),
    "explicit bytes in an implicit transfer syntax": (sound(), IMPLICIT),
}


@pytest.mark.parametrize(("data", "syntax"), TOLERATED.values(), ids=TOLERATED)
def test_what_is_only_badly_written_is_kept_as_it_came(door: Door, data: bytes, syntax: str) -> None:
    with door.peer().associate(contexts={1: (CT_IMAGE, [syntax])}) as peer:
        assert peer.store(data, sop_instance_uid=UID)[0] == 0
    [entry] = door.spool.entries()
    assert entry.path.read_bytes().endswith(data)
    door.drain()
    assert Instance.objects.filter(sop_instance_uid=UID).exists() != QuarantinedObject.objects.exists()
    good_object_goes_through(door)


class TestCommands:
    def test_a_class_that_is_not_that_of_the_context(self, door: Door) -> None:
        with door.peer().associate() as peer:
            assert peer.store(sound(), sop_instance_uid=UID, sop_class_uid="1.2.840.10008.5.1.4.1.1.4")[0] == 0x0122
        good_object_goes_through(door)

    @pytest.mark.parametrize("uid", ["", "not a uid", "../../../tmp/x", "1" * 65])
    def test_an_instance_uid_that_is_none(self, door: Door, uid: str) -> None:
        with door.peer().associate() as peer:
            assert peer.store(sound(), sop_instance_uid=uid)[0] == 0x0117
        good_object_goes_through(door)

    def test_a_request_without_data_set(self, door: Door) -> None:
        with door.peer().associate() as peer:
            peer.send(values((1, 3, raw_peer.command(CT_IMAGE, UID, has_data=False))))
            assert peer.answer()[0] == 0xC000
            assert peer.store_dataset(arrivals.dataset())[0] == 0


Misbehave = Callable[[RawPeer], None]


def _says(*parts: bytes) -> Misbehave:
    def misbehave(peer: RawPeer) -> None:
        for part in parts:
            peer.send(part)

    return misbehave


_COMMAND = raw_peer.command(CT_IMAGE, UID)

BREACHES: dict[str, Misbehave] = {
    "a context that was not accepted": _says(values((99, 3, _COMMAND))),
    "a data set without a command": _says(values((1, 2, b"data"))),
    "a command within a data set": _says(values((1, 3, _COMMAND)), values((1, 0, b"da")), values((1, 3, _COMMAND))),
    "a data set in another context": _says(values((1, 3, _COMMAND)), values((3, 2, b"data"))),
    "a command set of noise": _says(values((1, 3, b"\xff" * 40))),
    "an endless command set": _says(*[values((1, 1, bytes(16000)))] * 3),
    "a command that does not exist": _says(values((1, 3, raw_peer.command(CT_IMAGE, UID, field=0x7777)))),
    "a value larger than its PDU": _says(raw_peer.pdu(0x04, struct.pack(">LBB", 0xFFFFFFFF, 1, 3))),
    "a value of length zero": _says(raw_peer.pdu(0x04, struct.pack(">LBB", 0, 1, 3))),
    "an empty P-DATA": _says(raw_peer.pdu(0x04, b"")),
    "a PDU of 4 GiB": _says(struct.pack(">BBL", 4, 0, 0xFFFFFFFF)),
    "a PDU type that does not exist": _says(raw_peer.pdu(0x55, b"hello")),
    "a second association request": _says(raw_peer.request("CT1", "NEGATOSCOPE", raw_peer.CT_CONTEXT)),
    "HTTP": _says(b"GET / HTTP/1.1\r\nHost: pacs\r\n\r\n"),
}


@pytest.mark.parametrize("misbehave", BREACHES.values(), ids=BREACHES)
def test_a_breach_of_the_protocol_ends_its_association_only(door: Door, misbehave: Misbehave) -> None:
    offered = {1: (CT_IMAGE, [EXPLICIT]), 3: (CT_IMAGE, [IMPLICIT])}
    with door.peer() as bystander, door.peer(patience=11.0).associate(contexts=offered) as peer:
        bystander.associate()
        # It may be gone before it has said everything.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            misbehave(peer)
        assert peer.is_closed()
        assert bystander.store_dataset(arrivals.dataset())[0] == 0
    assert not list(door.spool.incoming.iterdir())
    good_object_goes_through(door)


GARBAGE: dict[str, bytes] = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: pacs\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "an association request of 4 GiB": struct.pack(">BBL", 1, 0, 0xFFFFFFFF),
    "an association request of noise": raw_peer.pdu(0x01, b"\xff" * 200),
    "an empty association request": raw_peer.pdu(0x01, b""),
    "an item longer than its PDU": raw_peer.request("CT1", "NEGATOSCOPE", {})[:-4],
    "data before any association": values((1, 3, _COMMAND)),
    "a release before any association": raw_peer.pdu(0x05, bytes(4)),
}


@pytest.mark.alone
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_instead_of_an_association_is_put_down_within_ten_seconds(door: Door, garbage: bytes) -> None:
    started = time.monotonic()
    with door.peer(patience=11.0) as peer:
        peer.send(garbage)
        assert peer.is_closed()
    assert time.monotonic() - started < 10
    good_object_goes_through(door)


@pytest.mark.alone
def test_silent_and_half_open_peers_hold_nobody_up_and_are_put_down(door: Door) -> None:
    """One says nothing, one stops within a PDU, one within an object, one within a command."""
    started = time.monotonic()
    made = arrivals.dataset()
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(door.peer(patience=14.0)) for _ in range(5)]
        half = stack.enter_context(door.peer(patience=14.0))
        half.send(raw_peer.request("CT1", "NEGATOSCOPE", raw_peer.CT_CONTEXT)[:30])
        within_object = stack.enter_context(door.peer(patience=14.0)).associate()
        within_object.send(values((1, 3, raw_peer.command(CT_IMAGE, UID))) + values((1, 0, b"half")))
        within_pdu = stack.enter_context(door.peer(patience=14.0)).associate()
        within_pdu.send(values((1, 3, raw_peer.command(CT_IMAGE, UID)))[:20])
        with door.peer(patience=3.0).associate() as peer:
            assert peer.store_dataset(made)[0] == 0
        assert time.monotonic() - started < 4
        for peer in (*silent, half, within_object, within_pdu):
            assert peer.is_closed()
    assert time.monotonic() - started < 12
    assert not list(door.spool.incoming.iterdir())
    good_object_goes_through(door)


def test_a_peer_that_vanishes_within_an_object_leaves_nothing(door: Door) -> None:
    def partial() -> bool:
        try:
            return any(path.stat().st_size for path in door.spool.incoming.iterdir())
        except FileNotFoundError:
            return True  # one went while it was looked at: look again

    with door.peer().associate() as peer:
        assert peer.store_dataset(arrivals.dataset())[0] == 0
        peer.send(values((1, 3, raw_peer.command(CT_IMAGE, UID))) + values((1, 0, sound()[:100])))
        assert eventually(partial)
    assert eventually(lambda: not partial())
    good_object_goes_through(door)


def test_an_abort_within_an_object_leaves_nothing(door: Door) -> None:
    with door.peer().associate() as peer:
        peer.send(values((1, 3, raw_peer.command(CT_IMAGE, UID))) + values((1, 0, sound()[:100])))
        peer.send(raw_peer.pdu(0x07, bytes(4)))
        with contextlib.suppress(Aborted):
            peer.receive()
        assert peer.is_closed()
    good_object_goes_through(door)
    assert not list(door.spool.incoming.iterdir())


def test_requests_beyond_what_is_answered_wait_with_the_peer_not_in_memory(door: Door) -> None:
    echo = values((1, 3, raw_peer.command(raw_peer.VERIFICATION, "", field=0x30, has_data=False)))
    deepest = 0
    with door.peer().associate(contexts={1: (raw_peer.VERIFICATION, [IMPLICIT])}) as peer:
        peer.socket.setblocking(False)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            with contextlib.suppress(BlockingIOError):
                peer.socket.send(echo * 100)
            with contextlib.suppress(BlockingIOError):
                peer.socket.recv(1 << 16)
            serving = [thread for thread in threading.enumerate() if isinstance(thread, StreamingAssociation)]
            deepest = max([deepest, *(association.dimse.msg_queue.qsize() for association in serving)])
    assert deepest <= 2
    good_object_goes_through(door)


@pytest.mark.alone
def test_a_stop_does_not_wait_for_a_request_that_will_not_come(door: Door) -> None:
    with door.peer() as talker, door.peer() as silent:
        talker.send(GARBAGE["HTTP"])
        assert talker.is_closed()
        assert eventually(lambda: len(door.server.active_associations) == 2)
        stopping = time.monotonic()
        door.server.stop()
        assert time.monotonic() - stopping < 4
        assert silent.is_closed()
