"""The processes behind the port: bound once, replaced when they die, gone with their parent."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Department
from imaging.ingest.models import ApplicationEntity
from imaging.ingest.spool import Spool
from tests.factories import arrivals
from tests.imaging.dimse import processes, raw_peer
from tests.imaging.dimse.raw_peer import CT_IMAGE, Aborted, RawPeer, values

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def start(data_dir: Path, settings: Any, emergency: Department) -> Iterator[Callable[[], processes.Command]]:
    ApplicationEntity.objects.create(ae_title="CT1").departments.set([emergency])
    started: list[subprocess.Popen[str]] = []

    def run() -> processes.Command:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "dimse", "--port=0", "--address=127.0.0.1", "--processes=2", "--json"],
            cwd=processes.ROOT,
            env=processes.environment(data_dir),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        return processes.Command(process, port, Spool(data_dir / "spool", lambda _total: 0))

    yield run
    for process in started:
        process.kill()
        process.wait(60)
        if process.stdout is not None:
            process.stdout.close()


def stores(port: int) -> bool:
    try:
        with RawPeer(port).associate() as peer:
            return peer.store_dataset(arrivals.dataset())[0] == 0
    except (OSError, Aborted):
        return False


def test_a_killed_process_is_replaced_and_the_port_goes_on(start: Callable[[], processes.Command]) -> None:
    door = start()
    assert processes.eventually(lambda: len(door.children) == 2)
    assert stores(door.port)
    for victim in door.children:
        os.kill(victim, signal.SIGKILL)
        assert stores(door.port) or processes.eventually(lambda: stores(door.port))
    assert processes.eventually(lambda: len(door.children) == 2)
    assert processes.eventually(lambda: stores(door.port))


def test_told_to_stop_it_finishes_the_object_that_is_on_its_way(start: Callable[[], processes.Command]) -> None:
    door = start()
    made = arrivals.dataset()
    data = raw_peer.encoded(made)
    with RawPeer(door.port).associate() as busy, RawPeer(door.port).associate() as idle:
        busy.send(values((1, 3, raw_peer.command(CT_IMAGE, made.SOPInstanceUID))) + values((1, 0, data[:100])))
        assert processes.eventually(lambda: any(path.stat().st_size for path in door.spool.incoming.iterdir()))
        door.process.terminate()
        assert idle.is_closed()
        busy.send(values((1, 2, data[100:])))
        assert busy.answer() == (0, "")
        assert busy.is_closed()
    assert door.process.wait(60) == 0
    assert len(door.spool.entries()) == 1


def test_its_processes_die_with_it_even_when_it_is_killed(start: Callable[[], processes.Command]) -> None:
    door = start()
    assert processes.eventually(lambda: len(door.children) == 2)
    children = door.children
    door.process.kill()
    assert processes.eventually(lambda: not any(processes.is_alive(pid) for pid in children))
    with pytest.raises(ConnectionRefusedError):
        RawPeer(door.port)


def test_a_port_that_is_taken_is_one_sentence(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "dimse", f"--port={port}", "--address=127.0.0.1"],
            cwd=processes.ROOT,
            env=processes.environment(data_dir),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert done.stderr.strip() == (
        f"CommandError: The DICOM port {port} on 127.0.0.1 cannot be used: Address already in use."
    )
