"""The importer is killed while it registers, again and again: in the end every file is there exactly once."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from accounts.models import Department, User
from imaging.ingest.models import Import
from imaging.ingest.registrar import drain
from imaging.ingest.spool import Spool
from imaging.ingest.uploads import staging
from imaging.studies.models import Instance, InstanceVersion
from tests.factories import arrivals
from tests.imaging.dimse import processes
from tests.imaging.ingest.imports.deliveries import brought, confirmed, worked_on

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

_FILES = 500


def _start(data_dir: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "importer"], cwd=processes.ROOT, env=processes.environment(data_dir)
    )


def _wait(question: object, running: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not question():  # type: ignore[operator]
        assert running.poll() is None
        assert time.monotonic() < deadline


def test_a_killed_importer_loses_and_doubles_nothing(
    spool: Spool, data_dir: Path, alice: User, emergency: Department
) -> None:
    study = arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=study, InstanceNumber=number) for number in range(_FILES)]
    files = {f"IM{number:04}": arrivals.encoded(one) for number, one in enumerate(made)}
    delivery = confirmed(worked_on(brought(alice, emergency, files)))
    for enough in (50, 250):
        running = _start(data_dir)
        # Killed after some rows were written, and before the last one was.
        _wait(lambda least=enough: Instance.objects.count() >= least, running)
        running.kill()
        running.wait()
        delivery.refresh_from_db()
        if delivery.state == Import.State.DONE:
            break
        assert staging.folder_of(delivery.pk).exists()
    running = _start(data_dir)
    _wait(lambda: Import.objects.get(pk=delivery.pk).state == Import.State.DONE, running)
    running.terminate()
    assert running.wait(timeout=30) == 0
    drain(spool)
    assert Instance.objects.count() == InstanceVersion.objects.count() == _FILES
    assert set(Instance.objects.values_list("sop_instance_uid", flat=True)) == {one.SOPInstanceUID for one in made}
    assert set(delivery.files.values_list("state", flat=True)) == {"registered"}
    assert not spool.entries()
    assert not staging.folder_of(delivery.pk).exists()
