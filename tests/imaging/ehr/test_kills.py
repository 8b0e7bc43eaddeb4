"""The listener is killed while messages come in: what was acknowledged is there, what is sent again has one effect."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imaging.ehr.hl7.framing import Blocks, framed
from imaging.ehr.models import Hl7Message, Hl7Peer
from imaging.studies.models import Patient
from tests.imaging.dimse import processes
from tests.imaging.ehr.sent import adt
from tests.ports import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

_MESSAGES = 90
_KILLED_AFTER = 30


@contextlib.contextmanager
def listening(data_dir: Path, port: int) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "manage.py", "hl7", "--port", str(port), "--address", "127.0.0.1"]
    with subprocess.Popen(command, cwd=processes.ROOT, env=processes.environment(data_dir)) as process:
        try:
            assert processes.eventually(lambda: _answers(port))
            yield process
        finally:
            process.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def told(port: int, messages: dict[str, bytes], *, kill: "subprocess.Popen[bytes] | None" = None) -> set[str]:
    """Send each message and wait for its answer; the control IDs of those that were acknowledged."""
    known: set[str] = set()
    with contextlib.suppress(ConnectionError), socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
        for control_id, raw in messages.items():
            blocks, found = Blocks(10_000), list[bytes]()
            sender.sendall(framed(raw))
            if kill is not None and len(known) == _KILLED_AFTER:
                os.kill(kill.pid, signal.SIGKILL)
            while not found:
                data = sender.recv(65536)
                if not data:
                    return known
                found = blocks.feed(data)
            assert f"MSA|AA|{control_id}".encode() in found[0]
            known.add(control_id)
    return known


def test_a_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing(data_dir: Path, register: Hl7Peer) -> None:
    """Pitfall 23."""
    port = free_port()
    messages = {
        f"K{number}": adt("A04", pid=f"P{number}^^^HOSPITAL^MR", control_id=f"K{number}") for number in range(_MESSAGES)
    }
    with listening(data_dir, port) as process:
        known = told(port, messages, kill=process)
    assert _KILLED_AFTER <= len(known) < _MESSAGES
    assert Hl7Message.objects.filter(control_id__in=known, state=Hl7Message.State.APPLIED).count() == len(known)

    with listening(data_dir, port):
        again = {control_id: raw for control_id, raw in messages.items() if control_id not in known}
        assert told(port, again) == set(again)
    assert Patient.objects.count() == Hl7Message.objects.count() == _MESSAGES
    assert not Hl7Message.objects.exclude(state=Hl7Message.State.APPLIED).exists()
