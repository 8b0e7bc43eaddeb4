"""Reception with an object store behind it: acknowledged at local speed, and a copier that stays small."""

import io
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accounts.models import Department
from imaging.ingest.models import ApplicationEntity
from imaging.storage import services as storage
from imaging.storage.models import CopyOrder, ObjectCopy
from imaging.studies.models import Instance
from tests import object_store
from tests.benchmarks.test_c_store import Running
from tests.factories import arrivals
from tests.imaging.dimse import processes
from tests.object_store import ObjectStore
from tests.peers import Peer

pytestmark = pytest.mark.django_db(transaction=True)

SHARE = 0.9
RSS_ANON = 300 * 1024
ROUNDS = int(os.environ.get("S3_ROUNDS", "5"))
SLICES = int(os.environ.get("S3_SLICES", "150"))
ASSOCIATIONS = 2


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ObjectStore]:
    started = ObjectStore(tmp_path / "seaweedfs")
    started.start()
    yield started
    started.kill()


def variables(store: ObjectStore, data_dir: Path) -> dict[str, str]:
    object_store.options(store.endpoint, data_dir)
    return {
        "STORAGE_S3_ENDPOINT": store.endpoint,
        "STORAGE_S3_BUCKET": object_store.BUCKET,
        "STORAGE_S3_ACCESS_KEY_FILE": str(data_dir / "access-key"),
        "STORAGE_S3_SECRET_KEY_FILE": str(data_dir / "secret-key"),
    }


def copier(data_dir: Path, chosen: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "copier"],
        cwd=processes.ROOT,
        env={**processes.environment(data_dir), **chosen},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def slices(folder: Path) -> list[Path]:
    """New CT studies of 512 x 512 x 16 bits, one folder for each association."""
    random = np.random.default_rng(5)
    pixels = random.normal(1000, 300, (512, 512)).clip(0, 4095).astype("<u2")
    folders = []
    for association in range(ASSOCIATIONS):
        place = folder / str(association)
        place.mkdir(parents=True)
        study, series = arrivals.uid(), arrivals.uid()
        for number in range(SLICES):
            made = arrivals.dataset(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                PatientID=f"B{association}",
                InstanceNumber=number,
                Rows=512,
                Columns=512,
                PixelData=np.roll(pixels, number * 7).tobytes(),
            )
            (place / f"{number:04}.dcm").write_bytes(arrivals.encoded(made))
        folders.append(place)
    return folders


def sent(running: Running, peer: Peer, folders: list[Path]) -> tuple[float, float]:
    """Objects each second: acknowledged, and registered."""
    total = sum(len(list(folder.iterdir())) for folder in folders)
    before = Instance.objects.count()
    started = time.monotonic()
    senders = [
        subprocess.Popen([peer("storescu"), "-aec", "NEGATOSCOPE", "+sd", "localhost", str(running.port), str(folder)])
        for folder in folders
    ]
    assert [sender.wait(300) for sender in senders] == [0] * len(senders)
    acknowledged = time.monotonic() - started
    assert processes.eventually(lambda: Instance.objects.count() == before + total, within=120)
    return total / acknowledged, total / (time.monotonic() - started)


def test_an_object_store_behind_it_does_not_slow_reception_down(
    data_dir: Path,
    store: ObjectStore,
    emergency: Department,
    peer: Peer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ApplicationEntity.objects.create(ae_title="STORESCU").departments.set([emergency])
    chosen = variables(store, data_dir)
    rates: dict[str, list[tuple[float, float]]] = {"local": [], "store": []}
    for number in range(ROUNDS * 2 + 2):
        # Either comes first in turn; the first round of each warms up and does not count.
        kind = ("local", "store", "store", "local")[number % 4]
        folders = slices(tmp_path / f"round-{number}")
        running = Running(data_dir, chosen if kind == "store" else None)
        copying = copier(data_dir, chosen) if kind == "store" else None
        try:
            rates[kind].append(sent(running, peer, folders))
        finally:
            running.stop()
            if copying is not None:
                copying.terminate()
                copying.wait(20)
    waiting, copied = CopyOrder.objects.count(), ObjectCopy.objects.filter(tier="tier-s3").count()
    last = copier(data_dir, chosen)
    started = time.monotonic()
    assert processes.eventually(lambda: not CopyOrder.objects.exists(), within=300)
    took = time.monotonic() - started
    last.terminate()
    last.wait(20)
    local, behind = ([median(rates[kind][1:], place) for place in (0, 1)] for kind in ("local", "store"))
    with capsys.disabled():
        print(
            f"\nC-STORE acknowledged: {local[0]:.0f}/s local, {behind[0]:.0f}/s with an object store on the same machine"
            f" ({behind[0] / local[0]:.0%}; target {SHARE:.0%}); registered: {local[1]:.0f}/s and {behind[1]:.0f}/s"
            f" ({behind[1] / local[1]:.0%}); copied and read back meanwhile: {copied}, after it {waiting} at"
            f" {waiting / max(took, 0.1):.0f}/s; median of {ROUNDS} interleaved rounds of {ASSOCIATIONS * SLICES} slices;"
            f" each: local {each(rates['local'])}, store {each(rates['store'])}"
        )
    assert behind[0] >= SHARE * local[0]


def each(rates: list[tuple[float, float]]) -> str:
    return " ".join(f"{rate[0]:.0f}" for rate in rates[1:])


def median(rates: list[tuple[float, float]], place: int) -> float:
    return statistics.median(rate[place] for rate in rates)


class Pattern(io.RawIOBase):
    """So many bytes that are made when they are read."""

    def __init__(self, length: int) -> None:
        self.left = length
        self.block = os.urandom(1024 * 1024)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.left, len(self.block))
        buffer[:count] = self.block[:count]
        self.left -= count
        return count


def test_an_object_of_two_gigabytes_is_copied_in_little_memory(
    data_dir: Path, store: ObjectStore, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.STORAGE_COPY_TIERS = ("tier-s3",)
    size = 2 * 1024**3
    storage.put(io.BufferedReader(Pattern(size)), kind="dicom")
    process = copier(data_dir, variables(store, data_dir))
    started, largest = time.monotonic(), 0
    try:
        while CopyOrder.objects.exists():
            assert time.monotonic() - started < 600
            assert process.poll() is None
            status = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            largest = max(largest, *(int(line.split()[1]) for line in status if line.startswith("RssAnon")))
            time.sleep(0.1)
    finally:
        process.terminate()
        process.wait(20)
    took = time.monotonic() - started
    with capsys.disabled():
        print(
            f"\n2 GiB to an object store on the same machine, and read back: {2 / took:.2f} GiB/s, largest RssAnon of"
            f" the copier {largest / 1024:.0f} MiB; target {RSS_ANON // 1024} MiB"
        )
    assert largest <= RSS_ANON
    assert ObjectCopy.objects.get(tier="tier-s3").state == "verified"
