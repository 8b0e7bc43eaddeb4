"""The same files by every door are one set of instances: whoever comes second changes nothing."""

import io
import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.journeys import doors
from tests.journeys.running_portal import RunningPortal, until
from tests.journeys.sent_objects import send, slices
from tests.peers import Peer

pytestmark = pytest.mark.processes

COUNT = 200


def _instances(portal: RunningPortal, paths: list[Path]) -> int:
    """How many instances the study of these files has, as its page says to the emergency department."""
    study = doors.study_uid(paths[0])
    answer = portal.sign_in("emergency").get(f"/dicom-web/studies/{study}/metadata", Accept="application/dicom+json")
    return len(json.loads(answer.body)) if answer.status == 200 else 0


def _counted(page: str) -> list[int]:
    return [int(number) for number in re.findall(r"<b>(\d+)</b>", page)]


def test_the_same_files_by_five_doors_are_one_set_of_instances(
    hospital: RunningPortal, peer: Peer, tmp_path: Path
) -> None:
    paths = slices(tmp_path / "ct", count=COUNT, patient_id="FIVEDOORS")
    contents = {path.name: path.read_bytes() for path in paths}

    sending = send(
        peer("storescu"),
        paths,
        port=hospital.dicom_port,
        calling="EMERGENCY_CT",
        log=tmp_path / "storescu.log",
    )
    assert sending.answered_with_success() == set(paths)
    until(lambda: _instances(hospital, paths) == COUNT, seconds=30, what="C-STORE said yes, and they are not there")

    answer = doors.stow(hospital, contents.values())
    assert answer.status == 200, answer.text[:500]
    assert doors.stored_by_stow(answer) == {path.stem for path in paths}

    desk = doors.Desk(hospital)
    uploaded = desk.confirm(desk.bring(contents, title="Folder"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            archive.writestr(f"DISC/{name}", content)
    unpacked = desk.confirm(desk.bring({"disc.zip": packed.getvalue()}, title="Disc"))
    for page in (uploaded, unpacked):
        assert COUNT in _counted(page), page[-3000:]

    done = doors.ingest(hospital, tmp_path / "ct")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["outcomes"] == {"duplicate": COUNT}, told

    assert _instances(hospital, paths) == COUNT
