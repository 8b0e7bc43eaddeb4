"""The trunk as its users live it: an image arrives, is kept, and is seen by those who may."""

import re
from pathlib import Path

import pytest
from pydicom import dcmread

from portal.demo.plan import DATA
from tests.journeys.running_portal import Answer, Browser, RunningPortal, until
from tests.journeys.sent_objects import data_set_bytes, send, slices
from tests.peers import Peer

pytestmark = pytest.mark.processes

CHEST = "1.3.6.1.4.1.5962.1.2.9.20040826185059.5457"
NOWHERE = "1.2.3.4.5.6.7.8.9"


def _uids(path: Path) -> tuple[str, str, str]:
    dataset = dcmread(path, stop_before_pixels=True)
    return str(dataset.StudyInstanceUID), str(dataset.SeriesInstanceUID), str(dataset.SOPInstanceUID)


def _addresses(study: str, series: str, instance: str) -> list[str]:
    web = f"/dicom-web/studies/{study}"
    return [
        f"/studies/{study}/",
        f"/studies/{study}/thumbnail",
        f"/studies/{study}/series/{series}/thumbnail",
        f"/studies/{study}/series/{series}/headers/?instance={instance}",
        f"/viewer/{study}/",
        f"/viewer/{study}/manifest.json",
        f"{web}/metadata",
        f"{web}/series/{series}/metadata",
        f"{web}/series/{series}/instances/{instance}",
        f"{web}/series/{series}/instances/{instance}/metadata",
        f"{web}/series/{series}/instances/{instance}/frames/1",
        f"{web}/series/{series}/instances/{instance}/rendered",
        f"{web}/series/{series}/instances/{instance}/thumbnail",
    ]


def _rows(answer: Answer) -> int:
    return len(re.findall(r'data-study-instance-uid="', answer.text))


@pytest.fixture(scope="module")
def emergency(hospital: RunningPortal) -> Browser:
    browser = hospital.sign_in("emergency")
    until(lambda: CHEST in browser.get("/").text, seconds=60, what="the demo's chest is not in the emergency list")
    return browser


@pytest.mark.alone
def test_sent_images_are_listed_within_five_seconds_and_pictured(
    hospital: RunningPortal, emergency: Browser, peer: Peer, tmp_path: Path
) -> None:
    paths = slices(tmp_path / "ct", count=12, patient_id="JOURNEY1", name="Journey^One")
    sending = send(
        peer("storescu"), paths, port=hospital.dicom_port, calling="EMERGENCY_CT", log=tmp_path / "storescu.log"
    )
    assert sending.answered_with_success() == set(paths)
    study, series, instance = _uids(paths[0])
    until(lambda: study in emergency.get("/?q=journey").text, seconds=5, what="the study is not listed")
    until(
        lambda: emergency.get(f"/studies/{study}/thumbnail").status == 200, seconds=20, what="the study has no picture"
    )
    original = emergency.get(
        f"/dicom-web/studies/{study}/series/{series}/instances/{instance}",
        Accept="application/dicom; transfer-syntax=*",
    )
    assert original.body.endswith(data_set_bytes(paths[0]))


def test_for_another_department_it_does_not_exist(hospital: RunningPortal, emergency: Browser) -> None:
    path = next((DATA / "radiographs" / "chest-pa-metastases").glob("*.dcm"))
    study, series, instance = _uids(path)
    stranger = hospital.sign_in("orthopaedics")
    for address in _addresses(study, series, instance):
        # Pictures come a little later than the study.
        until(lambda a=address: emergency.get(a).status == 200, seconds=60, what=f"{address} is not answered")
        theirs = stranger.get(address)
        nowhere = stranger.get(address.replace(study, NOWHERE))
        assert theirs.status == nowhere.status == 404, f"{address}: {theirs.status}, {nowhere.status}"
    assert study not in stranger.get("/?q=9RG1").text


def test_another_departments_sender_changes_nothing_in_the_study_it_names(
    hospital: RunningPortal, emergency: Browser, peer: Peer, tmp_path: Path
) -> None:
    before = emergency.get(f"/dicom-web/studies/{CHEST}/metadata").body
    path = slices(tmp_path / "intruder", count=1, patient_id="9RG1", name="Lefevre^Helene", study_uid=CHEST)[0]
    sending = send(
        peer("storescu"), [path], port=hospital.dicom_port, calling="ORTHO_DX", log=tmp_path / "intruder.log"
    )
    assert sending.answered_with_success() == {path}
    probe = slices(tmp_path / "probe", count=1, patient_id="PROBE", name="Probe^After")[0]
    send(
        peer("storescu"), [probe], port=hospital.dicom_port, calling="EMERGENCY_CT", log=tmp_path / "probe.log"
    ).answered_with_success()
    until(
        lambda: _uids(probe)[0] in emergency.get("/?q=probe").text,
        seconds=10,
        what="the object sent after it is not listed",
    )
    assert emergency.get(f"/dicom-web/studies/{CHEST}/metadata").body == before
    assert CHEST not in hospital.sign_in("orthopaedics").get("/").text
