"""DCMTK's findscu, the reference implementation of others, asks our port: accents, wildcards, ranges, levels, cancelling."""

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
from imaging.ingest.models import ApplicationEntity
from tests import searched_archive
from tests.factories.accounts import DepartmentFactory
from tests.peers import Peer

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def port(data_dir: Path, settings: Any, transactional_db: None) -> Iterator[int]:
    """Our listener before an archive in which FINDSCU may search for emergency."""
    settings.SPOOL_RESERVE = lambda _total: 0
    emergency, elsewhere = DepartmentFactory.create(code="emergency"), DepartmentFactory.create(code="elsewhere")
    searched_archive.fill(data_dir, emergency, elsewhere)
    ApplicationEntity.objects.create(ae_title="FINDSCU", may_query=True).departments.set([emergency])
    admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
    admission.start()
    server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_address[1]
    server.stop(timedelta(seconds=5))
    admission.stop()


def find(peer: Peer, port: int, folder: Path, *options: str, level: str = "STUDY", **keys: str) -> list[int]:
    """The studies in the answers that findscu writes, by number."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    wanted = [f"QueryRetrieveLevel={level}", "StudyInstanceUID", *(f"{name}={value}" for name, value in keys.items())]
    named = [part for key in dict.fromkeys(wanted) for part in ("-k", key)]
    command = [peer("findscu"), "-S", "-v", "-X", "-od", str(folder), *options, "-aec", "NEGATOSCOPE", *named]
    done = subprocess.run(
        [*command, "127.0.0.1", str(port)], capture_output=True, text=True, timeout=60, check=False, errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = [pydicom.dcmread(path, force=True) for path in sorted(folder.glob("*.dcm"))]
    return sorted(int(str(one.StudyInstanceUID).rsplit(".", 1)[1]) for one in found)


def test_studies_are_found_as_dcmtk_asks_for_them(port: int, peer: Peer, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    unicode = "-k", "SpecificCharacterSet=ISO_IR 192"
    assert find(peer, port, folder, *unicode, PatientName="*HÉLÈNE*") == [2, 3]
    assert find(peer, port, folder, *unicode, PatientName="durand^h*") == [2, 3]
    assert find(peer, port, folder, PatientName="Garcia^*") == [5]
    assert find(peer, port, folder, PatientID="MRN01?") == list(range(10, 20))
    assert find(peer, port, folder, StudyDate="20260105-20260107") == [4, 5, 6]
    assert find(peer, port, folder, StudyDate="-20260103") == [0, 1, 2]
    assert find(peer, port, folder, ModalitiesInStudy="US", StudyDate="20260101-20260110") == [3, 7]
    assert find(peer, port, folder, StudyInstanceUID=f"{searched_archive.uid(3)}\\{searched_archive.uid(9)}") == [3, 9]
    assert find(peer, port, folder, PatientID="NOBODY") == []
    one = {"StudyInstanceUID": searched_archive.uid(7)}
    assert find(peer, port, folder, level="SERIES", SeriesNumber="2", **one) == [7]
    images = find(peer, port, folder, level="IMAGE", SeriesInstanceUID=f"{searched_archive.uid(7)}.1", **one)
    assert images == [7, 7]


def test_the_answers_can_be_read_with_their_accents(port: int, peer: Peer, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    assert find(peer, port, folder, "-k", "SpecificCharacterSet=ISO_IR 100", PatientName="", PatientID="MRN002") == [2]
    (answer,) = folder.glob("*.dcm")
    found = pydicom.dcmread(answer, force=True)
    assert (found.SpecificCharacterSet, str(found.PatientName)) == ("ISO_IR 100", "Durand^Hélène")


def test_a_search_that_is_cancelled_ends_early(port: int, peer: Peer, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("imaging.dimse.find_exchange._LOT", 2)
    assert len(find(peer, port, tmp_path / "answers", "--cancel", "3")) < 25
