"""The background as it really runs: Celery workers and beat, Redis, the decoder pool; each of them killed under load."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from celery import current_app
from django.db import connection, transaction
from pydicom.dataset import Dataset

from imaging import queues
from imaging.events import services as events
from imaging.events.models import Event, Job
from imaging.rendering.models import Rendition
from imaging.studies.models import InstanceVersion, Study
from portal.embedded import addresses, redis
from tests.decoder_pools import Pool
from tests.factories import arrivals

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

Register = Callable[..., list[InstanceVersion]]


class Background:
    """Redis, workers and beat over the test's database, in processes of their own."""

    def __init__(self, data_dir: Path, pool: Pool) -> None:
        self.data_dir = data_dir
        self.pool = pool
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.commands: dict[str, list[str]] = {}
        (data_dir / "run").mkdir(mode=0o700, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        """What the processes are told."""
        database = connection.settings_dict
        host, user, password = (database[name] for name in ("HOST", "USER", "PASSWORD"))
        return {
            **os.environ,
            "DATA_DIR": str(self.data_dir),
            "DATABASE_URL": f"postgresql://{user}:{quote(password)}@/{database['NAME']}?host={host}",
            "BROKER_URL": addresses.broker_url(self.data_dir),
            "CACHE_URL": addresses.redis_url(self.data_dir),
            "DECODER_SOCKET": str(self.pool.path),
        }

    def start_redis(self) -> None:
        """Start the broker, or start it again."""
        redis.prepare(self.data_dir)
        self._start("redis", redis.command(self.data_dir))
        redis.await_ready(self.data_dir, lambda: self.processes["redis"].poll() is None)

    def start_celery(self) -> None:
        """Start workers and beat."""
        celery = [sys.executable, "-m", "celery", "--app", "portal", "--quiet"]
        worker = [*celery, "worker", "--queues", "short,long", "--concurrency", "2", "--without-mingle"]
        self._start("worker", worker)
        schedule = str(self.data_dir / "run" / "beat")
        self._start("beat", [*celery, "beat", "--schedule", schedule, "--pidfile", ""])

    def revive(self) -> None:
        """Start again what has ended by itself, as the supervisor does: Celery gives up when its broker dies under its hands."""
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                self._start(name, self.commands[name])

    def kill(self, name: str) -> None:
        """End a process and its children without a word."""
        process = self.processes.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)

    def stop(self) -> None:
        """End all that is left."""
        for name in list(self.processes):
            self.kill(name)

    def _start(self, name: str, command: list[str]) -> None:
        self.commands[name] = command
        with (self.data_dir / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )


@pytest.fixture
def background(data_dir: Path, own_pool: Callable[..., Pool], settings: Any) -> Iterator[Background]:
    pool = own_pool("--children", "2")
    settings.DECODER_SOCKET = pool.path
    background = Background(data_dir, pool)
    background.start_redis()
    before = current_app.conf.broker_url
    current_app.conf.broker_url = current_app.conf.broker_write_url = addresses.broker_url(data_dir)
    queues.forget_broker()
    try:
        yield background
    finally:
        current_app.conf.broker_url = current_app.conf.broker_write_url = before
        queues.forget_broker()
        background.stop()


def slices(count: int, **changes: Any) -> list[Dataset]:
    """CT slices of one series, large enough that drawing them takes a moment."""
    random = np.random.default_rng(7)
    common = {"StudyInstanceUID": arrivals.uid(), "SeriesInstanceUID": arrivals.uid(), "Rows": 512, "Columns": 512}
    pixels = random.integers(0, 4096, 512 * 512).astype("<u2")
    return [
        arrivals.dataset(**{**common, **changes}, InstanceNumber=number, PixelData=np.roll(pixels, number).tobytes())
        for number in range(1, count + 1)
    ]


def until(condition: Callable[[], bool], seconds: float, background: Background) -> float:
    """Wait for a condition; how long it took."""
    started = time.monotonic()
    while not condition():
        background.revive()
        if time.monotonic() - started > seconds:
            logs = {path.name: path.read_text()[-2000:] for path in background.data_dir.glob("*.log")}
            pytest.fail(f"not within {seconds} s: {list(Job.objects.values())} {logs}")
        time.sleep(0.05)
    return time.monotonic() - started


def drawn(kind: str = "thumbnail") -> int:
    return Rendition.objects.filter(kind=kind, state=Rendition.State.READY).count()


def test_what_arrives_is_drawn_and_settled_by_itself(register: Register, background: Background) -> None:
    background.start_celery()
    register(slices(8))

    until(lambda: drawn() == 8 and drawn("preview") == 8, 60, background)
    until(lambda: Study.objects.get().settled_at is not None, 30, background)
    assert Study.objects.get().thumbnail is not None
    assert not Event.objects.filter(drained_at=None).exists()


@pytest.mark.alone
def test_redis_killed_in_mid_flight_loses_no_picture(register: Register, background: Background) -> None:
    study_uid = arrivals.uid()
    background.start_celery()
    register(slices(40, StudyInstanceUID=study_uid))
    until(lambda: drawn() > 0, 60, background)

    background.kill("redis")
    started = time.monotonic()
    register(slices(9, StudyInstanceUID=study_uid, SeriesNumber=2), known=True)
    assert time.monotonic() - started < 5, "a dead broker holds nobody up"
    background.start_redis()

    until(lambda: drawn() == 49 and drawn("preview") == 1 + 9, 90, background)
    until(lambda: Study.objects.get().settled_at is not None, 30, background)


def test_work_of_killed_workers_is_taken_over(register: Register, background: Background) -> None:
    background.start_celery()
    register(slices(60))
    until(lambda: Job.objects.filter(step="thumbnails", state=Job.State.RUNNING).exists(), 60, background)

    background.kill("worker")
    background.kill("beat")
    background.start_celery()

    until(lambda: drawn() == 60, 60, background)
    until(lambda: not Job.objects.filter(state=Job.State.RUNNING).exists(), 60, background)
    assert not Job.objects.filter(state=Job.State.FAILED).exists()


def test_a_pool_killed_in_mid_flight_costs_no_picture(register: Register, background: Background) -> None:
    background.start_celery()
    register(slices(40))
    until(lambda: drawn() > 0, 60, background)

    background.pool.kill()
    background.pool.restart()

    until(lambda: drawn() == 40, 60, background)


@pytest.mark.alone
def test_a_broker_that_stands_still_holds_nobody_up_for_long(background: Background) -> None:
    os.kill(background.processes["redis"].pid, signal.SIGSTOP)
    started = time.monotonic()

    for number in range(20):
        with transaction.atomic():
            events.append(kind=Event.Kind.STUDY_CHANGED, subject_uid=f"1.{number}")

    assert time.monotonic() - started < 3
    assert Event.objects.count() == 20
