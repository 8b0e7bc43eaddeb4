"""A zip of ours, opened elsewhere: pydicom's FileSet, DCMTK, Info-ZIP, Python's own reader, and our own import."""

import io
import json
import subprocess
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from pydicom.fileset import FileSet

from accounts.models import User
from imaging.storage.models import ObjectCopy
from imaging.studies.models import Instance, InstanceVersion
from tests.factories import arrivals
from tests.imaging.rendering import drawings
from tests.imaging.rendering.conftest import Pool
from tests.peers import Peer
from tests.studies_in_archive import DEMO, Archive

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

NAME = "Nguyễn^Thị=阮^氏"


@pytest.fixture
def studies(archive: Archive, decoders: Pool) -> list[str]:
    """Demo studies of many kinds, a patient without an ID, a name that needs Unicode, a report, a key object, a private class."""
    files = [path for name in ("ct-head", "ecg", "encapsulated") for path in sorted((DEMO / name).rglob("*.dcm"))[:8]]
    nobody = arrivals.dataset(PatientID="", PatientName="", StudyID="", SeriesNumber=None, InstanceNumber=None)
    unicode = arrivals.dataset(PatientName=NAME, PatientID="U 1", StudyDescription="Être ou ne pas être \\ x"[:20])
    report = drawings.encapsulated(b"", "", "1.2.840.10008.5.1.4.1.1.88.33", Modality="SR")
    private = arrivals.dataset(SOPClassUID="1.2.3.4.5.6")
    archive.receive(*files, nobody, unicode, report, private)
    archive.draw(archive.uid_of(files[0]))
    archive.draw(str(unicode.StudyInstanceUID))
    return list(Instance.objects.values_list("study__study_instance_uid", flat=True).distinct())


@pytest.fixture
def unpacked(studies: list[str], alice: User, client: Client, tmp_path: Path) -> Path:
    """The zip of all of them, as a browser keeps it, unpacked."""
    cache.clear()
    client.force_login(alice)
    answer: Any = client.post("/studies/download", {"study": studies})
    assert answer.status_code == 200
    path = tmp_path / "studies.zip"
    path.write_bytes(answer.getvalue())
    assert path.stat().st_size == int(answer["Content-Length"])
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        found.extractall(tmp_path / "disc")
    return tmp_path / "disc"


def test_pydicom_opens_the_file_set(unpacked: Path) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        there = FileSet(unpacked / "DICOMDIR")
        known = {str(entry.SOPInstanceUID): entry for entry in there}
    assert not [str(warning.message) for warning in said if "Invalid value" not in str(warning.message)]
    assert set(known) == set(Instance.objects.values_list("sop_instance_uid", flat=True))
    for uid, entry in known.items():
        loaded = pydicom.dcmread(entry.path, force=True)
        assert loaded.SOPInstanceUID == uid
        assert loaded.file_meta.TransferSyntaxUID == entry.ReferencedTransferSyntaxUIDInFile
    assert NAME in {str(name) for name in there.find_values("PatientName")}
    there._stage["t"].cleanup()  # pydicom leaves that to the end of the process, with a warning


def test_dcmtk_reads_the_index_and_what_it_names(unpacked: Path, peer: Peer) -> None:
    shown = subprocess.run([peer("dcmdump"), "DICOMDIR"], cwd=unpacked, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "E:" not in shown.stderr
    assert shown.stdout.count("(0004,1500)") == Instance.objects.count()
    for path in sorted((unpacked / "DICOM").rglob("IM*")):
        one = subprocess.run([peer("dcmdump"), "-q", str(path)], capture_output=True, check=False)
        assert one.returncode == 0, path


def test_dcmtk_makes_no_other_index_of_the_images(unpacked: Path, peer: Peer, tmp_path: Path) -> None:
    """What DCMTK indexes of the same folder lies in our index under the same names."""
    made = subprocess.run(
        [peer("dcmmkdir"), "-Pgp", "+I", "+r", "+D", str(tmp_path / "THEIRS"), "+id", str(unpacked), "DICOM"],
        capture_output=True,
        text=True,
        check=False,
    )
    if not (tmp_path / "THEIRS").exists():
        made = subprocess.run(
            [peer("dcmmkdir"), "+I", "+r", "+D", str(tmp_path / "THEIRS"), "+id", str(unpacked), "DICOM"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (tmp_path / "THEIRS").exists(), made.stderr
    ours, theirs = (_names(path) for path in (unpacked / "DICOMDIR", tmp_path / "THEIRS"))
    assert theirs
    assert theirs.items() <= ours.items()


def _names(path: Path) -> dict[str, tuple[str, str]]:
    """Type and object by file ID."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        records = pydicom.dcmread(path).DirectoryRecordSequence
        return {
            "/".join(item.ReferencedFileID): (str(item.DirectoryRecordType), str(item.ReferencedSOPInstanceUIDInFile))
            for item in records
            if "ReferencedFileID" in item
        }


def test_info_zip_finds_no_error(unpacked: Path, peer: Peer) -> None:
    tested = subprocess.run(
        [peer("unzip"), "-t", str(unpacked.parent / "studies.zip")], capture_output=True, check=False
    )
    assert tested.returncode == 0, tested.stdout[-500:]


def test_the_receipt_is_checked_by_what_everybody_has(unpacked: Path, peer: Peer) -> None:
    done = subprocess.run(
        [peer("sha256sum"), "-c", "RECEIPT.TXT"], cwd=unpacked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    assert {line.removesuffix(": OK") for line in done.stdout.splitlines()} == files - {"RECEIPT.TXT", "receipt.json"}
    assert any(name.startswith("PREVIEWS/") for name in files)
    image = next(path for path in (unpacked / "DICOM").rglob("IM*"))
    image.write_bytes(image.read_bytes()[:-1] + b"\x7f\x7f")
    again = subprocess.run([peer("sha256sum"), "-c", "RECEIPT.TXT"], cwd=unpacked, capture_output=True, check=False)
    assert again.returncode != 0


def test_our_own_import_takes_it_back(unpacked: Path) -> None:
    out = io.StringIO()
    call_command("ingest", str(unpacked.parent / "studies.zip"), "--json", stdout=out)
    said = json.loads(out.getvalue())
    assert said["missing"] == []
    assert said["outcomes"] == {"duplicate": Instance.objects.count()}


def test_the_command_writes_the_same_as_the_page(unpacked: Path, studies: list[str], tmp_path: Path) -> None:
    out = io.StringIO()
    call_command("export", *studies, str(tmp_path / "folder"), "--json", stdout=out)
    assert json.loads(out.getvalue())["objects"] == Instance.objects.count()
    files = {path.relative_to(tmp_path / "folder"): path for path in (tmp_path / "folder").rglob("*") if path.is_file()}
    digests = [sorted(path.read_bytes() for path in where.rglob("IM*")) for where in (tmp_path / "folder", unpacked)]
    assert digests[0] == digests[1]
    others = {"README.TXT", "DICOMDIR", "RECEIPT.TXT", "receipt.json"}
    assert {str(name) for name in files if name.parts[0] != "DICOM"} == others
    assert len(files) == Instance.objects.count() + len(others)
    call_command("export", studies[0], str(tmp_path / "one.zip"), stdout=io.StringIO())
    assert zipfile.ZipFile(tmp_path / "one.zip").testzip() is None
    with pytest.raises(CommandError, match="there already"):
        call_command("export", studies[0], str(tmp_path / "one.zip"), stdout=io.StringIO())
    with pytest.raises(CommandError, match="no empty folder"):
        call_command("export", studies[0], str(tmp_path / "folder"), stdout=io.StringIO())


def test_the_command_names_what_it_cannot_read(archive: Archive, tmp_path: Path, settings: Any) -> None:
    study, series = arrivals.uid(), arrivals.uid()
    made = [arrivals.dataset(StudyInstanceUID=study, SeriesInstanceUID=series, InstanceNumber=n) for n in (1, 2, 3)]
    archive.receive(*made)
    content = InstanceVersion.objects.get(instance__sop_instance_uid=made[1].SOPInstanceUID).stored_object
    copy = ObjectCopy.objects.get(stored_object=content)
    path = Path(settings.STORAGES[copy.tier]["OPTIONS"]["location"]) / copy.location
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    with pytest.raises(CommandError, match="1 objects cannot be read"):
        call_command("export", study, str(tmp_path / "out"), stdout=io.StringIO())
    assert made[1].SOPInstanceUID in (tmp_path / "out" / "MISSING.TXT").read_text()
    assert len(list((tmp_path / "out").rglob("IM*"))) == 2
