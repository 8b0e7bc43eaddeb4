"""Archives of other hospitals: DCMTK's storescp as one runs it, and pushes to them as the pipeline makes them."""

import contextlib
import datetime as dt
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Department, User
from imaging.ingest.models import ApplicationEntity
from imaging.pipeline import steps
from imaging.queues import LONG
from imaging.sharing.making.policies import Wish
from imaging.sharing.models import Partner, PartnerTransfer
from imaging.sharing.partners import services
from imaging.studies.models import Study
from tests import peers
from tests.factories import arrivals
from tests.imaging.dimse.processes import eventually
from tests.ports import free_port
from tests.shared_links import person
from tests.studies_in_archive import Archive


@dataclass
class Elsewhere:
    """A storescp: where it listens and what it was given."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def files(self) -> list[Path]:
        """What has arrived."""
        return sorted(self.folder.iterdir())

    def end(self) -> None:
        """Take it off the network."""
        self.process.terminate()
        self.process.wait(timeout=10)


StartElsewhere = Callable[..., Elsewhere]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[StartElsewhere]:
    """`elsewhere("+xi", port=…)` starts a storescp with these options; names and values of its environment may follow."""
    started: list[Elsewhere] = []

    def start(*options: str, port: int = 0, **environment: str) -> Elsewhere:
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        chosen = port or free_port()
        command = [peers.find("storescp"), "-od", str(folder), "-aet", "LYON", *options, str(chosen)]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env={**os.environ, **environment})
        started.append(Elsewhere(chosen, folder, process))
        assert eventually(lambda: _listens(chosen), within=20)
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.end()


MakePartner = Callable[..., Partner]


@pytest.fixture
def dimse_partner(emergency: Department) -> MakePartner:
    """`dimse_partner(port)` is the archive in Lyon, to which the emergency department sends."""

    def make(port: int, **values: Any) -> Partner:
        device = ApplicationEntity.objects.create(ae_title="LYON", host="127.0.0.1", port=port, may_store=False)
        made = Partner(name="CHU Lyon", kind=Partner.Kind.DIMSE, device=device, **values)
        made.full_clean()
        made.save()
        made.departments.set([emergency])
        return made

    return make


Push = Callable[..., PartnerTransfer]


@pytest.fixture
def push(alice: User, emergency: Department) -> Push:
    """`push(study, partner)`: Alice asks for it."""

    def ask(study: Study, partner: Partner, **changes: Any) -> PartnerTransfer:
        said = Wish((study.study_instance_uid,), may_download=True, **{"with_report": True, **changes})
        return services.ask(person(alice, emergency), said, partner)

    return ask


def work() -> None:
    """Do what the long queue holds now."""
    while steps.run_next(LONG):
        pass


def now(transfer: PartnerTransfer) -> PartnerTransfer:
    """A push as it stands now."""
    return PartnerTransfer.objects.get(pk=transfer.pk)


def due(transfer: PartnerTransfer) -> None:
    """Let its pause be over."""
    PartnerTransfer.objects.filter(pk=transfer.pk).update(next_attempt_at=timezone.now() - dt.timedelta(seconds=1))


@pytest.fixture
def slices(archive: Archive) -> Study:
    """A CT of five slices."""
    study, series = arrivals.uid(), arrivals.uid()
    made = [
        arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=number)
        for number in range(1, 6)
    ]
    archive.receive(*made)
    return Study.objects.get(study_instance_uid=study)
