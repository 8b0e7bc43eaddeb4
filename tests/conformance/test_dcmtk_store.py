"""DCMTK, the reference implementation of others, sends to our port: every object arrives as it was."""

import io
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file

from imaging.dicom import part10
from imaging.dimse import listener
from imaging.dimse.admission import Admission
from imaging.dimse.server import Server
from imaging.ingest import registrar, services
from imaging.ingest.models import ApplicationEntity
from imaging.storage import services as storage
from imaging.studies.models import InstanceVersion
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory
from tests.peers import Peer

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

#: File of pydicom's own test data, and the option with which storescu proposes its transfer syntax.
SAMPLES = {
    "CT_small.dcm": "--propose-little",
    "JPEG2000.dcm": "--propose-j2k-lossy",
    "SC_rgb_rle.dcm": "--propose-rle",
    "MR_small_bigendian.dcm": "--propose-big",
    "rtplan.dcm": "--propose-implicit",
}


@pytest.fixture
def port(data_dir: Path, settings: Any, transactional_db: None) -> Iterator[int]:
    """Our listener, which knows storescu and echoscu by their own titles."""
    settings.SPOOL_RESERVE = lambda _total: 0
    emergency = DepartmentFactory.create(code="emergency")
    for title in ("STORESCU", "ECHOSCU"):
        ApplicationEntity.objects.create(ae_title=title).departments.set([emergency])
    admission = Admission(ae_title="NEGATOSCOPE", is_demo=False)
    admission.start()
    server = Server(listener.bind("127.0.0.1", 0), ae_title="NEGATOSCOPE", admission=admission)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield server.server_address[1]
    server.stop(timedelta(seconds=5))
    admission.stop()


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)


def dataset_bytes(content: bytes) -> bytes:
    return content[part10.read_part10(io.BytesIO(content)).dataset_offset :]


def test_echo(port: int, peer: Peer) -> None:
    assert run(peer("echoscu"), "-aec", "NEGATOSCOPE", "localhost", str(port)).returncode == 0


def test_a_stranger_is_told_that_its_title_is_not_known(port: int, peer: Peer) -> None:
    done = run(peer("echoscu"), "-v", "-aet", "STRANGER", "-aec", "NEGATOSCOPE", "localhost", str(port))
    assert done.returncode != 0
    assert "Calling AE Title Not Recognized" in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "option"), SAMPLES.items())
def test_an_object_in_each_transfer_syntax_arrives_as_it_was(port: int, peer: Peer, name: str, option: str) -> None:
    path = Path(str(get_testdata_file(name, download=False)))
    done = run(peer("storescu"), "-v", option, "-aec", "NEGATOSCOPE", "localhost", str(port), path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert registrar.drain(services.spool()).registered == 1
    version = InstanceVersion.objects.select_related("instance", "stored_object").get()
    stored = storage.read(version.stored_object)
    # storescu reads and writes data sets anew: compared as values, and bit for bit where it had nothing to change.
    received, sent = pydicom.dcmread(io.BytesIO(stored)), pydicom.dcmread(path)
    assert received.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert received.SOPInstanceUID == version.instance.sop_instance_uid
    if "PixelData" in sent:
        assert received.PixelData == sent.PixelData


def test_many_objects_over_one_association(port: int, peer: Peer, tmp_path: Path) -> None:
    study = arrivals.uid()
    sent = {}
    for number in range(30):
        content = arrivals.encoded(arrivals.dataset(StudyInstanceUID=study, InstanceNumber=number))
        (tmp_path / f"{number}.dcm").write_bytes(content)
        sent[part10.read_part10(io.BytesIO(content)).meta.media_storage_sop_instance_uid] = dataset_bytes(content)
    files = [str(tmp_path / f"{number}.dcm") for number in range(30)]
    assert run(peer("storescu"), "-aec", "NEGATOSCOPE", "localhost", str(port), *files).returncode == 0
    assert registrar.drain(services.spool()).registered == 30
    for version in InstanceVersion.objects.select_related("instance", "stored_object"):
        assert dataset_bytes(storage.read(version.stored_object)) == sent[version.instance.sop_instance_uid]
