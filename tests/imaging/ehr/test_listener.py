"""The listener on a real socket, before other people's senders and before nonsense."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from imaging.ehr import listener
from imaging.ehr.hl7.framing import Blocks, framed
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.studies.models import Patient
from tests.conftest import _hang_up_on_threads
from tests.imaging.ehr.sent import adt
from tests.receivers import certificate

pytestmark = [pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parents[3]
Listening = Callable[..., listener.Server]


@pytest.fixture
def listening(register: Hl7Peer) -> Iterator[Listening]:
    """`listening()` serves on a free port of this machine."""
    running: list[tuple[listener.Server, threading.Thread]] = []

    def start(**options: Any) -> listener.Server:
        server = listener.Server("127.0.0.1", 0, **options)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.stop()
        thread.join(10)


def port_of(server: listener.Server) -> int:
    return int(server.server_address[1])


def connected(server: listener.Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port_of(server)), timeout=20)


def answers(connection: socket.socket, count: int) -> list[bytes]:
    blocks, found = Blocks(10_000), list[bytes]()
    while len(found) < count:
        data = connection.recv(65536)
        assert data, "the listener closed the connection"
        found += blocks.feed(data)
    return found


def test_several_messages_in_one_write_are_answered_in_order(listening: Listening) -> None:
    with connected(listening()) as connection:
        connection.sendall(b"".join(framed(adt("A04", control_id=f"C{n}")) for n in range(5)))
        found = answers(connection, 5)
    assert [f"MSA|AA|C{n}".encode() in answer for n, answer in enumerate(found)] == [True] * 5


def test_one_message_over_many_writes_is_one(listening: Listening) -> None:
    with connected(listening()) as connection:
        for byte in framed(adt("A04", control_id="SLOW")):
            connection.sendall(bytes([byte]))
        assert b"MSA|AA|SLOW" in answers(connection, 1)[0]


def test_half_a_message_then_silence_ends_the_connection_and_keeps_nothing(listening: Listening) -> None:
    """Pitfall 24."""
    with connected(listening(silence=0.2)) as connection:
        connection.sendall(framed(adt("A04"))[:60])
        assert connection.recv(10) == b""
    assert not Hl7Message.objects.exists()


def test_garbage_and_what_is_too_long_end_the_connection_and_nobody_elses(listening: Listening) -> None:
    server = listening(longest=10_000)
    with connected(server) as good:
        for nonsense in (b"GET / HTTP/1.1\r\n" * 6000, b"\x0b" + b"x" * 20_000):
            with connected(server) as bad:
                bad.settimeout(20)
                try:
                    bad.sendall(nonsense)
                    assert bad.recv(10) == b""
                except ConnectionError:
                    pass  # closed before all of it was sent
        good.sendall(framed(adt("A04", control_id="GOOD")))
        assert b"MSA|AA|GOOD" in answers(good, 1)[0]


def test_a_block_that_is_no_hl7_is_refused_in_hl7(listening: Listening) -> None:
    with connected(listening()) as connection:
        connection.sendall(framed(b"hello"))
        (answer,) = answers(connection, 1)
    assert b"MSA|AE" in answer
    assert b"|100^" in answer


def test_who_may_not_call_from_here_is_turned_away(listening: Listening, register: Hl7Peer) -> None:
    register.address = "192.0.2.7"
    register.save()
    with connected(listening()) as connection, contextlib.suppress(ConnectionResetError):
        assert connection.recv(10) == b""


def test_merges_told_on_several_connections_at_once_all_hold(listening: Listening) -> None:
    """Messages about the same patients wait for one another, whatever the order of the connections."""
    server = listening()

    def tell(worker: int) -> int:
        with connected(server) as connection:
            for number in range(10):
                mine = f"W{worker}N{number}^^^HOSPITAL^MR"
                connection.sendall(framed(adt("A40", pid="LAST^^^HOSPITAL^MR", mrg=mine)))
                connection.sendall(framed(adt("A08", pid="LAST^^^HOSPITAL^MR", name=f"Durand^{worker}{number}")))
            return sum(b"MSA|AA|" in answer for answer in answers(connection, 20))

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(tell, range(4))) == 80
    last = Patient.objects.get(patient_id="LAST")
    assert last.merged_here.count() == 40


def test_the_same_message_on_two_connections_at_once_has_one_effect(listening: Listening) -> None:
    server, raw = listening(), adt("A04", control_id="TWIN")

    def tell(_worker: int) -> bytes:
        with connected(server) as connection:
            connection.sendall(framed(raw))
            return answers(connection, 1)[0]

    with ThreadPoolExecutor(4) as threads:
        assert all(b"MSA|AA|TWIN" in answer for answer in threads.map(tell, range(4)))
    row = Hl7Message.objects.get()
    assert (row.times_sent, row.attempts) == (4, 1)


class TestTls:
    @pytest.fixture
    def own(self, tmp_path: Path) -> tuple[Path, Path]:
        """A certificate for localhost that signs itself, and its key."""
        chain, key = certificate("localhost")
        paths = (tmp_path / "own.pem", tmp_path / "own.key")
        for path, content in zip(paths, (chain, key), strict=True):
            path.write_bytes(content)
        return paths

    def test_messages_come_over_tls(self, listening: Listening, own: tuple[Path, Path]) -> None:
        server = listening(tls=listener.Tls(certificate=own[0], key=own[1]))
        context = ssl.create_default_context(cafile=str(own[0]))
        with context.wrap_socket(connected(server), server_hostname="localhost") as connection:
            connection.sendall(framed(adt("A04", control_id="SAFE")))
            assert b"MSA|AA|SAFE" in answers(connection, 1)[0]

    def test_a_sender_without_a_certificate_stays_outside(self, listening: Listening, own: tuple[Path, Path]) -> None:
        server = listening(tls=listener.Tls(certificate=own[0], key=own[1], clients_ca=own[0]))
        context = ssl.create_default_context(cafile=str(own[0]))

        def tell(words: bytes) -> bytes:
            with context.wrap_socket(connected(server), server_hostname="localhost") as connection:
                connection.sendall(framed(words))
                return answers(connection, 1)[0]

        with pytest.raises((ssl.SSLError, ConnectionError)):
            tell(adt("A04"))
        context.load_cert_chain(*own)
        assert b"MSA|AA|KNOWN" in tell(adt("A04", control_id="KNOWN"))

    def test_who_speaks_in_the_clear_is_not_heard(self, listening: Listening, own: tuple[Path, Path]) -> None:
        with connected(listening(tls=listener.Tls(certificate=own[0], key=own[1]))) as connection:
            connection.sendall(framed(adt("A04")))
            with contextlib.suppress(ConnectionError):
                assert b"MSA" not in connection.recv(100)
        assert not Hl7Message.objects.exists()


@pytest.mark.conformance
class TestOtherPeoplesSenders:
    def test_the_sender_of_the_python_library(self, listening: Listening, tmp_path: Path) -> None:
        path = tmp_path / "message.hl7"
        path.write_bytes(adt("A04", name="Lefèvre^Hélène", control_id="LIB"))
        command = [str(Path(sys.executable).parent / "mllp_send"), "--loose", "--port", str(port_of(listening()))]
        done = subprocess.run([*command, "--file", str(path), "127.0.0.1"], capture_output=True, timeout=60, check=True)
        assert b"MSA|AA|LIB" in done.stdout
        assert Patient.objects.get().patient_name == "Lefèvre^Hélène"

    def test_the_client_of_another_author_in_another_language(self, listening: Listening, register: Hl7Peer) -> None:
        register.character_set = "UNICODE UTF-8"  # it declares none
        register.save()
        script = ROOT / "tests" / "imaging" / "ehr" / "sender.mjs"
        node = Path(sys.executable).parent / "node"
        words = [str(node), str(script), str(port_of(listening())), str(ROOT / "static" / "node_modules")]
        done = subprocess.run(words, capture_output=True, timeout=60, check=False, text=True)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["code"] == "AA"
        assert Patient.objects.get().patient_name == "Lefèvre^Hélène"


def test_a_sender_goes_on_after_the_database_broke_its_connections(listening: Listening) -> None:
    """What was not kept is asked for again, and what was acknowledged has had its effect."""
    with connected(listening()) as connection:
        connection.sendall(framed(adt("A04", pid="P1^^^HOSPITAL^MR", control_id="ONE")))
        assert b"MSA|AA|ONE" in answers(connection, 1)[0]
        _hang_up_on_threads()
        connections["default"].close()
        raw = framed(adt("A04", pid="P2^^^HOSPITAL^MR", control_id="TWO"))
        connection.sendall(raw)
        first = answers(connection, 1)[0]
        if b"MSA|AA|TWO" not in first:
            assert b"MSA|AR|TWO" in first
            connection.sendall(raw)
            assert b"MSA|AA|TWO" in answers(connection, 1)[0]
    assert set(Patient.objects.values_list("patient_id", flat=True)) == {"P1", "P2"}
