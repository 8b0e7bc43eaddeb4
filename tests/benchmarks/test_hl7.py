"""What the HL7 listener takes over in a second, and how long a sender waits for its answer: four connections, each message once.

Every message registers a patient or changes one; each connection has patients of its own, as a hospital's engine shares them out.
Answers come after the commit, which reaches the disk.
"""

import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imaging.ehr.hl7.framing import Blocks, framed
from imaging.ehr.models import Hl7Message, Hl7Peer
from tests.benchmarks.timing import p95, verdict
from tests.imaging.dimse import processes
from tests.imaging.ehr.conftest import register
from tests.imaging.ehr.sent import adt
from tests.ports import free_port

__all__ = ["register"]

pytestmark = pytest.mark.django_db(transaction=True)

LEAST_PER_SECOND = 200.0
LONGEST_ANSWER = 0.05
_CONNECTIONS = 4
_MESSAGES = 1000


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _told(port: int, worker: int) -> list[float]:
    """Seconds from each message to its answer."""
    waits = []
    blocks = Blocks(10_000)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for number in range(_MESSAGES):
            pid, name = f"W{worker}N{number // 2}^^^HOSPITAL^MR", f"Durand^{number % 2}"
            message = framed(adt("A08", pid=pid, name=name))
            began = time.perf_counter()
            connection.sendall(message)
            found: list[bytes] = []
            while not found:
                found = blocks.feed(connection.recv(65536))
            waits.append(time.perf_counter() - began)
            assert b"MSA|AA|" in found[0]
    return waits


def test_messages_of_a_patient_register(data_dir: Path, register: Hl7Peer) -> None:
    port = free_port()
    command = [sys.executable, "manage.py", "hl7", "--port", str(port), "--address", "127.0.0.1"]
    with subprocess.Popen(command, cwd=processes.ROOT, env=processes.environment(data_dir)) as process:
        try:
            assert processes.eventually(lambda: _listens(port))
            began = time.perf_counter()
            with ThreadPoolExecutor(_CONNECTIONS) as threads:
                waits = [wait for found in threads.map(lambda n: _told(port, n), range(_CONNECTIONS)) for wait in found]
            seconds = time.perf_counter() - began
        finally:
            process.terminate()
    rate, longest = len(waits) / seconds, p95(waits)
    print(f"\n{verdict(rate >= LEAST_PER_SECOND)} {len(waits)} messages on {_CONNECTIONS} connections: {rate:.0f}/s")
    print(f"{verdict(longest <= LONGEST_ANSWER)} answered after the commit: p95 {longest * 1000:.0f} ms")
    assert Hl7Message.objects.filter(state=Hl7Message.State.APPLIED).count() == len(waits)
