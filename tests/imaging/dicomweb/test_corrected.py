"""A corrected study at every DICOMweb door: whole, in parts, by range; never what was received, until it is taken back."""

import io
from typing import Any

import pydicom
import pytest
from django.test import Client
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from accounts.actor import Actor
from accounts.models import User
from imaging.studies import services
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.dicomweb.test_retrieve import parts
from tests.studies_in_archive import Addresses, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)

RITA = Actor(kind="user", id="7", name="rita")
ALONE = {"Accept": "application/dicom; transfer-syntax=*"}
LOCAL = {
    "00100010": {"vr": "PN", "Value": ["Παπαδόπουλος^Νίκος"]},
    "00100020": {"vr": "LO", "Value": ["L-100"]},
    "00104000": {"vr": "LT", "Value": ["short"]},
}


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def received(archive: Archive, made: Dataset, syntax: str = "1.2.840.10008.1.2.1") -> Addresses:
    archive.receive(arrivals.encoded(made, syntax))
    return addresses(made)


def correct(where: Addresses) -> Any:
    study = Study.objects.get(study_instance_uid=where.study_uid)
    return services.correct(study, LOCAL, reason="", actor=RITA)[0]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", DeflatedExplicitVRLittleEndian])
def test_every_door_gives_what_was_corrected(archive: Archive, reader: Client, syntax: str) -> None:
    where = received(archive, arrivals.dataset(PatientComments="a secret of the received header"), syntax)
    correct(where)
    for name, address in where.all.items():
        if not address.startswith("/dicom-web") or name in {"frame", "bulk data"} or "rendered" in name:
            continue
        if "thumbnail" in name:
            continue
        accept = "application/dicom+json" if "metadata" in name else "multipart/related; type=application/dicom"
        if "metadata" in name:
            (record,) = reader.get(address, headers={"Accept": accept}).json()
            assert record["00100020"]["Value"] == ["L-100"], name
            assert record["04000561"]["Value"][0]["04000550"]["Value"][0]["00100020"]["Value"] == ["P1"]
        else:
            response = reader.get(address, headers={"Accept": f"{accept}; transfer-syntax=*"})
            ((_part, content),) = parts(response)
            read = pydicom.dcmread(io.BytesIO(content))
            assert (read.PatientID, str(read.PatientName)) == ("L-100", "Παπαδόπουλος^Νίκος"), name
            assert read.PixelData == arrivals.dataset().PixelData


def test_a_range_is_a_part_of_the_corrected_object(archive: Archive, reader: Client) -> None:
    where = received(archive, arrivals.dataset())
    correct(where)
    whole = reader.get(where.dicom_web, headers=ALONE)
    content = whole.getvalue()
    assert int(whole.headers["Content-Length"]) == len(content)
    for start, end in ((0, 10), (100, 900), (len(content) - 7, len(content) - 1)):
        part = reader.get(where.dicom_web, headers={**ALONE, "Range": f"bytes={start}-{end}"})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {start}-{end}/{len(content)}"
        assert part.getvalue() == content[start : end + 1]
    assert reader.get(where.dicom_web, headers={**ALONE, "Range": f"bytes={len(content)}-"}).status_code == 416


def test_tags_change_with_a_correction_and_come_back_with_its_end(archive: Archive, reader: Client) -> None:
    where = received(archive, arrivals.dataset())
    asked = {where.dicom_web: ALONE, f"{where.dicom_web}/metadata": {}, where.all["study metadata"]: {}}
    before = {address: reader.get(address, headers=accept) for address, accept in asked.items()}
    bodies = {address: b"".join(response) for address, response in before.items()}
    made = correct(where)
    for address, accept in asked.items():
        known = {**accept, "If-None-Match": before[address].headers["ETag"]}
        assert reader.get(address, headers=known).status_code == 200, address
        again = reader.get(address, headers=accept).headers["ETag"]
        assert reader.get(address, headers={**accept, "If-None-Match": again}).status_code == 304
    services.revert(made, actor=RITA)
    for address, accept in asked.items():
        response = reader.get(address, headers=accept)
        assert b"".join(response) == bodies[address]
    assert reader.get(where.dicom_web, headers=ALONE).headers["ETag"] == before[where.dicom_web].headers["ETag"]


def test_a_corrected_value_is_no_bulk_data(archive: Archive, reader: Client) -> None:
    where = received(archive, arrivals.dataset(PatientComments="secret " * 100))
    address = f"{where.dicom_web}/bulkdata/00104000"
    assert reader.get(address).status_code == 200
    correct(where)
    assert reader.get(address).status_code == 404


def test_frames_stay_where_they_are(archive: Archive, reader: Client) -> None:
    where = received(archive, arrivals.dataset())
    before = reader.get(where.all["frame"], headers={"Accept": "application/octet-stream"}).content
    correct(where)
    assert reader.get(where.all["frame"], headers={"Accept": "application/octet-stream"}).content == before


def test_many_corrected_objects_are_sent_without_waiting_for_their_lengths(
    archive: Archive, reader: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imaging.dicomweb.retrieve._MEASURED", 0)
    where = received(archive, arrivals.dataset())
    correct(where)
    response = reader.get(where.all["retrieve study"], headers={"Accept": "multipart/related; type=application/dicom"})
    assert "Content-Length" not in response.headers
    assert b"L-100" in response.getvalue()
