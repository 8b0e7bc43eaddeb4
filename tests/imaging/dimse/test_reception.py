"""Messages without sockets: whatever comes, the receiver answers, objects to it, or takes it for a breach of the protocol."""

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.dimse import command_set
from imaging.dimse.command_set import BadCommand, Command
from imaging.dimse.reception import Context, ProtocolError, Receiver
from imaging.dimse.status import Status
from imaging.ingest.source import Source
from tests.imaging.dimse import raw_peer
from tests.imaging.dimse.raw_peer import CT_IMAGE, EXPLICIT

CONTEXTS = {1: Context(CT_IMAGE, EXPLICIT), 3: Context(raw_peer.VERIFICATION, EXPLICIT)}


def receiver(forwarded: list[tuple[int, bytes]] | None = None) -> Receiver:
    kept = forwarded if forwarded is not None else []
    return Receiver(
        source=Source(door="dimse", sender="CT1"),
        # Nothing is written in these tests: what may not store is read and dropped.
        may_store=False,
        contexts=CONTEXTS,
        forward=lambda key, value: kept.append((key, value)),
    )


fragments = st.lists(
    st.tuples(
        st.sampled_from([1, 3, 5]),
        st.integers(0, 255),
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [
                    raw_peer.command(CT_IMAGE, "1.2.3"),
                    raw_peer.command(CT_IMAGE, "1.2.3", has_data=False),
                    raw_peer.command(raw_peer.VERIFICATION, "", field=0x30, has_data=False),
                ]
            ),
        ),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(fragments)
def test_no_sequence_of_fragments_breaks_the_receiver(parts: list[tuple[int, int, bytes]]) -> None:
    subject = receiver()
    for key, control, data in parts:
        try:
            answer = subject.receive(key, control, memoryview(data))
        except ProtocolError:
            break
        if answer is not None:
            assert command_set.parse(answer[1]).field == 0x8001
    subject.close()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_command_sets(data: bytes) -> None:
    with contextlib.suppress(BadCommand):
        command_set.parse(data)


def test_other_requests_go_to_the_library_as_they_came() -> None:
    forwarded: list[tuple[int, bytes]] = []
    echo = raw_peer.command(raw_peer.VERIFICATION, "", field=0x30, has_data=False)
    assert receiver(forwarded).receive(3, 3, memoryview(echo)) is None
    assert forwarded == [(3, b"\x03" + echo)]


def test_a_response_names_the_request_and_the_words_of_the_refusal() -> None:
    command = Command(0x0001, 4711, has_data_set=True, sop_class_uid=CT_IMAGE, sop_instance_uid="1.2.3")
    found = raw_peer.read_command(command_set.store_response(command, Status(0xC000, "truncated: " + "x" * 100)))
    assert int.from_bytes(found[0x0120], "little") == 4711
    assert found[0x0900] == b"\x00\xc0"
    assert len(found[0x0902]) == 64
    assert found[0x1000].rstrip(b"\0") == b"1.2.3"


@pytest.mark.parametrize("length", [1, 20, 50, 200])
def test_a_command_in_pieces_is_one_command(length: int) -> None:
    subject = receiver()
    encoded = raw_peer.command(CT_IMAGE, "1.2.3")
    answer: Any = None
    for start in range(0, len(encoded), length):
        last = 2 if start + length >= len(encoded) else 0
        answer = subject.receive(1, 1 | last, memoryview(encoded[start : start + length]))
    assert answer is None
    assert subject.is_busy
    key, response = subject.receive(1, 2, memoryview(b"data")) or (0, b"")
    assert key == 1
    assert raw_peer.read_command(response)[0x0900] == b"\x24\x01"
    assert not subject.is_busy
