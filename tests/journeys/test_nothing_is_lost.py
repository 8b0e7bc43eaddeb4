"""Every process is killed in turn while images arrive by three doors, then the store and the supervisor: nothing is lost."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.journeys.doors import Desk
from tests.journeys.running_portal import Browser, RunningPortal, until
from tests.journeys.senders import Stowing, Uploading
from tests.journeys.sent_objects import data_set_bytes, send, slices
from tests.object_store import ObjectStore, environment_of
from tests.peers import Peer

pytestmark = pytest.mark.processes

# What each process's command line contains.
PROCESSES = [
    "manage.py dimse",
    "manage.py registrar",
    "manage.py importer",
    "manage.py copier",
    "granian",
    "worker --queues short",
    "worker --queues long",
    "beat --schedule",
    "decoder_pool",
    "redis-server",
    "postgres",
]
ROUNDS = int(os.environ.get("KILL_ROUNDS", "1"))
SENDER = "EMERGENCY_CT"
#: Bytes of the pixels of one of our slices.
PIXELS = 128 * 128 * 2


def _stored(portal: RunningPortal, path: Path, key: str) -> bytes:
    header = dcmread(path, specific_tags=["StudyInstanceUID", "SeriesInstanceUID"])
    answer = Browser(portal.url).get(
        f"/dicom-web/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}/instances/{path.stem}",
        Authorization=f"Bearer {key}",
        Accept="application/dicom; transfer-syntax=*",
    )
    return answer.body if answer.status == 200 else b""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    (tmp_path / "store").mkdir()
    running = ObjectStore(tmp_path / "store")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def portal(tmp_path: Path, store: ObjectStore) -> Iterator[RunningPortal]:
    """A portal whose contents are copied to an S3 store."""
    running = RunningPortal(tmp_path / "var", environment_of(store.endpoint, tmp_path))
    running.start()
    yield running
    running.stop()


def test_what_was_answered_with_success_survives_every_kill(
    portal: RunningPortal, store: ObjectStore, peer: Peer, tmp_path: Path
) -> None:
    storescu = peer("storescu")
    for round_number in range(ROUNDS):
        answered: set[Path] = set()
        stowing = Stowing(portal, slices(tmp_path / f"stow-{round_number}", count=600, patient_id=f"S{round_number}"))
        brought = slices(
            tmp_path / f"upload-{round_number}", count=300, patient_id=f"U{round_number}", name="Marchand^Zoé"
        )
        uploading = Uploading(Desk(portal), brought)
        for victim_number, victim in enumerate(PROCESSES):
            folder = tmp_path / f"round-{round_number}-{victim_number}"
            paths = slices(folder, count=40, patient_id=f"K{round_number}{victim_number}")
            until(portal.receives, seconds=40, what="nobody listens on the DICOM port")
            sending = send(storescu, paths, port=portal.dicom_port, calling=SENDER, log=folder.with_suffix(".log"))
            until(lambda s=sending: s.has_begun() or s.has_ended(), seconds=30, what="nothing is answered")
            for pid in portal.pids(victim)[:1]:
                os.kill(pid, 9)
            answered |= sending.answered_with_success()
            until(lambda v=victim: portal.pids(v), seconds=40, what=f"{victim} was not started again")
        store.kill()
        stowed, uploaded = stowing.stop(), uploading.stop()
        assert answered
        assert stowed
        assert uploaded
        portal.kill()
        portal.start()
        store.start()
        finished = uploading.desk.finish(uploading.key, 0)
        assert finished.status == 200, finished.text
        uploading.desk.confirm(uploading.key)
        key = portal.machine_key()
        for path in answered | stowed | uploaded:
            # What a person brought goes out with the issuer that was decided for it: its pixels are as they came, and
            # its stored bytes are compared by digest below.
            expected = data_set_bytes(path) if path not in uploaded else data_set_bytes(path)[-PIXELS:]
            until(
                lambda p=path, e=expected, k=key: _stored(portal, p, k).endswith(e),
                seconds=30,
                what=f"{path.name} was answered with success and is not retrievable bit-identical",
            )
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in stowed | uploaded}
        until(
            lambda d=digests: d <= {name.rpartition("/")[2] for name in store.names()},
            seconds=120,
            what="not everything that was acknowledged reached the store",
        )
