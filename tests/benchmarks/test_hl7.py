"""What the HL7 listener takes over in a second, how long a sender waits for its answer, and what a large report costs.

Every message registers a patient or changes one; each connection has patients of its own, as a hospital's engine shares them out.
Answers come after the commit, which reaches the disk.
"""

import base64
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from imaging.ehr.hl7.framing import Blocks, framed
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.reports.models import ReportVersion
from tests.benchmarks.timing import p95, verdict
from tests.factories import arrivals
from tests.imaging.dimse import processes
from tests.imaging.ehr.conftest import register
from tests.imaging.ehr.sent import adt, oru
from tests.ports import free_port
from tests.studies_in_archive import Archive

__all__ = ["register"]

pytestmark = pytest.mark.django_db(transaction=True)

LEAST_PER_SECOND = 200.0
LONGEST_ANSWER = 0.05
LONGEST_REPORT = 2.0
MOST_MEMORY = 200 * 2**20
_REPORT = 20 * 2**20
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


@contextmanager
def _listener(data_dir: Path) -> Iterator[tuple[int, int]]:
    """Port and process of a listener."""
    port = free_port()
    command = [sys.executable, "manage.py", "hl7", "--port", str(port), "--address", "127.0.0.1"]
    with subprocess.Popen(command, cwd=processes.ROOT, env=processes.environment(data_dir)) as process:
        try:
            assert processes.eventually(lambda: _listens(port))
            yield port, process.pid
        finally:
            process.terminate()


def _most_memory(pid: int) -> int:
    """The most that a process has held at once, in bytes (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_a_report_of_twenty_megabytes(data_dir: Path, register: Hl7Peer, archive: Archive) -> None:
    """A PDF of which the Base64 is 20 MB long; it is kept on disk before the answer comes."""
    register.may_report = True
    register.save()
    archive.receive(arrivals.dataset(AccessionNumber="A77"))
    waits = []
    with _listener(data_dir) as (port, pid), socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        blocks = Blocks(10_000)
        idle = _most_memory(pid)
        for number in range(5):
            text = base64.b64encode(b"%PDF-1.4\n" + os.urandom(_REPORT * 3 // 4)).decode()
            raw = oru(f"OBX|1|ED|PDF||^Application^PDF^Base64^{text}||||||F", status="C", control_id=f"BIG{number}")
            began = time.perf_counter()
            connection.sendall(framed(raw))
            found: list[bytes] = []
            while not found:
                found = blocks.feed(connection.recv(65536))
            waits.append(time.perf_counter() - began)
            assert b"MSA|AA|" in found[0]
        memory = _most_memory(pid) - idle
    assert ReportVersion.objects.count() == len(waits)
    print(f"\n{verdict(max(waits) <= LONGEST_REPORT)} report of 20 MB of Base64: slowest of 5 {max(waits):.2f} s")
    said = f"{memory / 2**20:.0f} MiB more than idle ({idle / 2**20:.0f} MiB)"
    print(f"{verdict(memory <= MOST_MEMORY)} most memory of the listener: {said}")


def test_messages_of_a_patient_register(data_dir: Path, register: Hl7Peer) -> None:
    with _listener(data_dir) as (port, _pid):
        began = time.perf_counter()
        with ThreadPoolExecutor(_CONNECTIONS) as threads:
            waits = [wait for found in threads.map(lambda n: _told(port, n), range(_CONNECTIONS)) for wait in found]
        seconds = time.perf_counter() - began
    rate, longest = len(waits) / seconds, p95(waits)
    print(f"\n{verdict(rate >= LEAST_PER_SECOND)} {len(waits)} messages on {_CONNECTIONS} connections: {rate:.0f}/s")
    print(f"{verdict(longest <= LONGEST_ANSWER)} answered after the commit: p95 {longest * 1000:.0f} ms")
    assert Hl7Message.objects.filter(state=Hl7Message.State.APPLIED).count() == len(waits)
