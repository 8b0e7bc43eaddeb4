"""A real decoder pool, and studies that were really registered."""

import contextlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.actor import SYSTEM
from accounts.models import Department
from imaging.rendering.decoder import Client
from imaging.studies import services as studies
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals

DEMO = Path(__file__).resolve().parents[1] / "portal" / "demo" / "data"


class Pool:
    """A decoder pool in a process of its own."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self.options = options
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "imaging.rendering.decoder_pool", "--socket", str(self.path), *self.options],
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 30
        while not Client(self.path).ping():
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < until, "the pool does not answer"
            time.sleep(0.02)
        self.process = process
        while self.sockets() != 1 + len(self.children()):
            assert time.monotonic() < until, "the pool does not come to rest"
            time.sleep(0.02)
        return process

    def sockets(self) -> int:
        """How many sockets the supervisor holds: its own, one per child, one per client."""
        return sum(target.startswith("socket:") for target in self.descriptors().values())

    def descriptors(self) -> dict[str, str]:
        """What the supervisor's file descriptors are, by number."""
        found = {}
        for link in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                found[link.name] = str(link.readlink())
        return found

    def children(self) -> list[int]:
        """Process ids of the decoders."""
        tasks = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in tasks.read_text().split()]

    def kill(self) -> None:
        """End the pool without a word."""
        self.process.kill()
        self._reap()

    def restart(self) -> None:
        """Start again at the same place."""
        self.process = self._start()

    def stop(self) -> str:
        """End the pool as the supervisor does; what it logged."""
        self.process.terminate()
        return self._reap()

    def _reap(self) -> str:
        try:
            _out, log = self.process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return log


@pytest.fixture(scope="session")
def sockets() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="neg-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def shared_pool(sockets: Path) -> Iterator[Pool]:
    """The pool of the tests that do not hurt it."""
    pool = Pool(sockets / "shared.sock", "--children", "2")
    yield pool
    log = pool.stop()
    assert "Traceback" not in log
    assert pool.process.returncode == 0


@pytest.fixture
def own_pool(sockets: Path, tmp_path: Path) -> Iterator[Callable[..., Pool]]:
    """Start pools that a test may break."""
    with contextlib.ExitStack() as stack:

        def start(*options: str) -> Pool:
            pool = Pool(sockets / f"{tmp_path.name[-40:]}.sock", *options)
            stack.callback(lambda: pool.process.poll() is None and pool.stop())
            return pool

        yield start


@pytest.fixture
def pool(shared_pool: Pool, settings: Any) -> Pool:
    """The shared pool, as the settings name it."""
    settings.DECODER_SOCKET = shared_pool.path
    settings.SPOOL_RESERVE = lambda _total: 0
    return shared_pool


@pytest.fixture
def register(data_dir: Path, emergency: Department) -> Callable[..., list[InstanceVersion]]:
    """Register data sets or files (``known``: of studies that exist); their versions in the order given."""

    def run(sources: Sequence[Dataset | bytes | Path], *, known: bool = False) -> list[InstanceVersion]:
        contents = [source.read_bytes() if isinstance(source, Path) else source for source in sources]
        departments = [] if known else [emergency]
        batch = [arrivals.incoming(content, data_dir / "arrived", *departments) for content in contents]
        answers = studies.register(batch, actor=SYSTEM)
        assert all(answer.is_kept for answer in answers), [answer.detail for answer in answers]
        rows = InstanceVersion.objects.select_related("instance__series__study__patient", "stored_object").in_bulk(
            [answer.version_id for answer in answers if answer.version_id]
        )
        return [rows[answer.version_id] for answer in answers if answer.version_id]

    return run
