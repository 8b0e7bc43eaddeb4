"""Whatever is killed, and whenever: every object that was answered with success is found again, bit for bit.

KILL_ROUNDS sets how often; three by default.
"""

import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Department
from imaging.dicom import part10
from imaging.ingest import registrar
from imaging.ingest.models import ApplicationEntity, QuarantinedObject
from imaging.ingest.spool import Spool
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals
from tests.imaging.dimse import processes, raw_peer
from tests.imaging.dimse.raw_peer import Aborted, RawPeer, Rejected

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

_ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))
_SENDERS = 3


class Sender(threading.Thread):
    """A modality that never gives up, and remembers what was acknowledged."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.number = number
        self.stopping = threading.Event()
        self.acknowledged: dict[str, bytes] = {}

    def run(self) -> None:
        study = arrivals.uid()
        while not self.stopping.is_set():
            try:
                with RawPeer(self.port, patience=5).associate() as peer:
                    while not self.stopping.is_set():
                        made = arrivals.dataset(StudyInstanceUID=study, PatientID=f"K{self.number}")
                        if peer.store_dataset(made)[0] == 0:
                            self.acknowledged[str(made.SOPInstanceUID)] = raw_peer.encoded(made)
            except (OSError, Aborted, Rejected):
                time.sleep(0.02)


def _start(data_dir: Path, *command: str, **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *command],
        cwd=processes.ROOT,
        env=processes.environment(data_dir),
        stderr=subprocess.DEVNULL,
        text=True,
        **options,
    )


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_was_acknowledged_survives_every_kill(data_dir: Path, emergency: Department) -> None:
    ApplicationEntity.objects.create(ae_title="CT1").departments.set([emergency])
    listener = _start(data_dir, "dimse", "--port=0", "--address=127.0.0.1", "--json", stdout=subprocess.PIPE)
    assert listener.stdout is not None
    port = json.loads(listener.stdout.readline())["port"]
    registering = _start(data_dir, "registrar", stdout=subprocess.DEVNULL)
    senders = [Sender(port, number) for number in range(_SENDERS)]
    for sender in senders:
        sender.start()

    def progress() -> int:
        return sum(len(sender.acknowledged) for sender in senders)

    chosen = random.Random(7)
    for _ in range(_ROUNDS):
        reached = progress()
        assert processes.eventually(lambda: progress() > reached + 20, within=120)  # noqa: B023
        time.sleep(chosen.random() * 0.1)
        for victim in _children(listener.pid):
            os.kill(victim, signal.SIGKILL)
        reached = progress()
        assert processes.eventually(lambda: progress() > reached + 20, within=120)  # noqa: B023
        registering.kill()
        registering.wait(60)
        registering = _start(data_dir, "registrar", stdout=subprocess.DEVNULL)
    listener.kill()
    listener.wait(60)
    listener.stdout.close()
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join(10)
    registering.kill()
    registering.wait(60)

    spool = Spool(data_dir / "spool", lambda _total: 0)
    registrar.drain(spool)
    assert not spool.entries()
    assert not QuarantinedObject.objects.exists()
    kept = {
        version.instance.sop_instance_uid: version
        for version in InstanceVersion.objects.select_related("instance", "stored_object")
    }
    acknowledged = {uid: data for sender in senders for uid, data in sender.acknowledged.items()}
    assert len(acknowledged) > 40 * _ROUNDS
    assert set(acknowledged) <= set(kept)
    for uid, data in acknowledged.items():
        stored = storage.read(kept[uid].stored_object)
        assert stored[part10.read_part10(io.BytesIO(stored)).dataset_offset :] == data
