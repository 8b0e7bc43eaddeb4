"""A zip that a link gave, read by what other hospitals have: DCMTK and pydicom from its DICOMDIR, and an archive it is sent into."""

import io
import subprocess
import zipfile
from pathlib import Path

import pydicom
import pytest
from django.test import Client
from pydicom.fileset import FileSet

from imaging.sharing.models.choices import Factor
from imaging.studies.models import Instance, Study
from tests import memories
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.partner_archives import StartElsewhere
from tests.peers import Peer
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import DEMO, Archive

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def head(archive: Archive, decoders: Pool) -> Study:
    """A CT of the demo hospital, beside a study of somebody else."""
    files = sorted((DEMO / "ct-head").rglob("*.dcm"))[:8]
    archive.receive(*files, arrivals.dataset())
    archive.draw(archive.uid_of(files[0]))
    return archive.study(archive.uid_of(files[0]))


@pytest.fixture
def disc(head: Study, sharing: Sharing, outside: Client, tmp_path: Path) -> Path:
    """What a recipient downloaded, unpacked."""
    memories.forget()
    made = sharing(head, factor=Factor.PRINTED, may_download=True)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    answer = outside.get(f"/s/{made.share.key}/download")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as found:
        assert found.testzip() is None
        found.extractall(tmp_path / "disc")
    return tmp_path / "disc"


def shared(head: Study) -> set[str]:
    return set(Instance.objects.filter(study=head).values_list("sop_instance_uid", flat=True))


def test_pydicom_finds_by_its_index_every_image_that_was_shared(disc: Path, head: Study) -> None:
    there = FileSet(disc / "DICOMDIR")
    loaded = {str(entry.SOPInstanceUID): str(entry.load().SOPInstanceUID) for entry in there}
    there._stage["t"].cleanup()  # pydicom leaves that to the end of the process, with a warning
    assert loaded == {uid: uid for uid in shared(head)}


def test_dcmtk_reads_its_index(disc: Path, head: Study, peer: Peer) -> None:
    shown = subprocess.run([peer("dcmdump"), "DICOMDIR"], cwd=disc, capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert head.study_instance_uid in shown.stdout


def test_dcmtk_decodes_its_images(disc: Path, peer: Peer, tmp_path: Path) -> None:
    for file in _images(disc):
        decoded = tmp_path / f"{file.name}.raw.dcm"
        subprocess.run([peer("dcmdjpeg"), str(file), str(decoded)], check=True, capture_output=True)
        image = pydicom.dcmread(decoded)
        assert len(image.PixelData) == image.Rows * image.Columns * image.BitsAllocated // 8


def test_another_archive_takes_all_of_it_from_its_index(
    disc: Path, head: Study, peer: Peer, elsewhere: StartElsewhere
) -> None:
    archive = elsewhere("+xa")
    words = [peer("dcmsend"), "--read-from-dicomdir", "-aec", "LYON", "localhost", str(archive.port), "DICOMDIR"]
    sent = subprocess.run(words, cwd=disc, capture_output=True, text=True, check=False, timeout=60)
    assert sent.returncode == 0, sent.stderr
    arrived = [pydicom.dcmread(file) for file in archive.files]
    assert {str(image.SOPInstanceUID) for image in arrived} == shared(head)
    kept = {str(image.SOPInstanceUID): image.PixelData for image in map(pydicom.dcmread, _images(disc))}
    assert all(image.PixelData == kept[image.SOPInstanceUID] for image in arrived)


def _images(disc: Path) -> list[Path]:
    return [
        file
        for file in disc.rglob("*")
        if file.is_file() and file.read_bytes()[128:132] == b"DICM" and file.name != "DICOMDIR"
    ]
