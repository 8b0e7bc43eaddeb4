"""Import of a folder on the server: 10,000 files by `manage.py ingest`, and the same again as a no-op.

INGEST_FILES sets how many. Each is a CT slice of 128 x 128 in a study of 500.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from accounts.models import Department
from imaging.studies.models import Instance
from tests.factories import arrivals
from tests.imaging.dimse import processes

pytestmark = pytest.mark.django_db(transaction=True)

FILES = int(os.environ.get("INGEST_FILES", "10000"))
RATE = 200.0
RSS_ANON = 300 * 1024
_STUDY = 500


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder, as an export leaves it."""
    place = tmp_path / "export"
    pixels = np.random.default_rng(1).integers(0, 4096, 128 * 128, dtype="<u2").tobytes()
    for start in range(0, FILES, _STUDY):
        study, series = arrivals.uid(), arrivals.uid()
        inside = place / f"ST{start:06}"
        inside.mkdir(parents=True)
        for number in range(start, min(FILES, start + _STUDY)):
            made = arrivals.dataset(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                PatientID=f"P{start}",
                InstanceNumber=number,
                Rows=128,
                Columns=128,
                PixelData=pixels,
            )
            (inside / f"IM{number:06}").write_bytes(arrivals.encoded(made))
    return place


def ingest(folder: Path, data_dir: Path) -> tuple[dict[str, dict[str, int]], float, int]:
    """What the command said, the seconds it took, and its largest RssAnon in KiB."""
    began = time.monotonic()
    running = subprocess.Popen(
        [sys.executable, "manage.py", "ingest", str(folder), "--department", "emergency", "--json"],
        cwd=processes.ROOT,
        env=processes.environment(data_dir),
        stdout=subprocess.PIPE,
        text=True,
    )
    largest = 0
    ended = threading.Event()

    def watch() -> None:
        nonlocal largest
        while not ended.wait(0.1):
            largest = max(largest, _rss_anon(running.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    said, _nothing = running.communicate()
    ended.set()
    watcher.join()
    return json.loads(said), time.monotonic() - began, largest


def _rss_anon(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def test_a_folder_of_ten_thousand(
    data_dir: Path, emergency: Department, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, seconds, memory = ingest(folder, data_dir)
    assert said["outcomes"] == {"new": FILES}
    assert Instance.objects.count() == FILES
    again, seconds_again, _memory = ingest(folder, data_dir)
    assert again["outcomes"] == {"duplicate": FILES}
    rate = FILES / seconds
    with capsys.disabled():
        print(f"\nFolder of {FILES}: {rate:.0f} files/s; target {RATE:.0f}. Largest RssAnon {memory // 1024} MiB")
        print(f"The same again: {FILES / seconds_again:.0f} files/s")
    assert memory <= RSS_ANON
    assert rate >= RATE
