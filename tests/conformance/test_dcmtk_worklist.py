"""DCMTK's findscu asks our port for the modality worklist, as modalities do: by station and day, by name, in its letters."""

import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest

from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.server import Server
from tests.factories.accounts import DepartmentFactory
from tests.factories.booked_steps import at, patient, room, station, step
from tests.peers import Peer

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

STEP = "ScheduledProcedureStepSequence[0]."


@pytest.fixture
def port(data_dir: Path, settings: Any, transactional_db: None) -> Iterator[int]:
    """Our listener, before three patients of one room."""
    settings.SPOOL_RESERVE = lambda _total: 0
    department = DepartmentFactory.create(code="emergency")
    place = room(department, station("FINDSCU", department))
    for day, name in enumerate(("Durand^Hélène", "Dupont^Jean", "García^José"), 1):
        step(place, at(day, 9, 30), of=patient(name))
    admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
    admission.start()
    server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_address[1]
    server.stop(timedelta(seconds=5))
    admission.stop()


def asked(peer: Peer, port: int, folder: Path, *options: str, title: str = "FINDSCU", **keys: str) -> list[str]:
    """The names in the answers that findscu writes."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    wanted = {
        "PatientName": "",
        "PatientID": "",
        "AccessionNumber": "",
        "StudyInstanceUID": "",
        f"{STEP}ScheduledStationAETitle": "",
        f"{STEP}ScheduledProcedureStepStartDate": "",
        f"{STEP}ScheduledProcedureStepStartTime": "",
        f"{STEP}Modality": "",
        **keys,
    }
    named = [part for name, value in wanted.items() for part in ("-k", f"{name}={value}")]
    command = [peer("findscu"), "-W", "-v", "-X", "-od", str(folder), *options, "-aet", title, "-aec", "NEGATOSCOPE"]
    done = subprocess.run(
        [*command, *named, "127.0.0.1", str(port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("*.dcm"))]
    return [str(one.PatientName) for one in found]


def test_the_worklist_is_answered_as_dcmtk_asks_for_it(port: int, peer: Peer, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    latin, unicode = (("-k", f"SpecificCharacterSet=ISO_IR {number}") for number in (100, 192))
    everyone = ["Durand^Hélène", "Dupont^Jean", "García^José"]
    assert asked(peer, port, folder) == everyone
    (_first, second, *_rest) = sorted(folder.glob("*.dcm"))
    told = pydicom.dcmread(second, force=True)
    assert told.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartTime == "093000"
    assert asked(peer, port, folder, **{f"{STEP}ScheduledProcedureStepStartDate": "20310102-20310103"}) == everyone[1:]
    assert asked(peer, port, folder, *latin, PatientName="garcia*") == everyone[2:]
    assert asked(peer, port, folder, *unicode, PatientName="*HÉL*") == everyone[:1]
    day = {f"{STEP}ScheduledProcedureStepStartDate": "20310101", f"{STEP}ScheduledStationAETitle": "FINDSCU"}
    assert asked(peer, port, folder, **day, **{f"{STEP}Modality": "CT"}) == everyone[:1]
    assert asked(peer, port, folder, **{f"{STEP}Modality": "MR"}) == []
