"""The study page, headers, pictures and the manifest: what is true of the study stands there, and nothing else."""

from typing import Any

import orjson
import pytest
from django.test import Client, RequestFactory

from accounts.models import User
from imaging.viewer import errors
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import DEMO, Archive, addresses

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


def test_the_study_page_says_who_when_where_and_why(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset(AccessionNumber="A-1", ReferringPhysicianName="House^Gregory")
    archive.receive(made)
    text = reader.get(addresses(made).study).content.decode()
    for said in (
        "Hélène",
        "DURAND",
        "P1",
        "02 Jan 1970",
        "CT thorax",
        "A-1",
        "HOUSE Gregory",
        "04 Mar 2026",
        "1 object received from EMERGENCY_CT",
        "DICOM network",
        "10.0.0.9",
        "performing department",
        "No rule fitted: it is a department of the sender EMERGENCY_CT.",
        made.StudyInstanceUID,
    ):
        assert said in text, said


def test_a_conflicting_version_is_said_on_the_study(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    made.PixelData = bytes(128)
    archive.receive(made, sender="OTHER_CT")
    text = reader.get(addresses(made).study).content.decode()
    assert "Another version of an image was received." in text
    assert "OTHER_CT" in text


def test_headers_are_searched_by_name_tag_and_value(archive: Archive, reader: Client) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    address = addresses(made).all["headers"]
    everything = reader.get(address).content.decode()
    assert "Photometric Interpretation" in everything
    for find in ("photometric", "00280004", "0028,0004", "MONOCHROME2"):
        found = reader.get(address, {"find": find}).content.decode()
        assert "Photometric Interpretation" in found
        assert "Patient&#x27;s Name" not in found
    assert "Nothing found" in reader.get(address, {"find": "<script>"}).content.decode()
    assert reader.get(address, {"instance": "1.2.3"}).status_code == 404


@pytest.mark.usefixtures("early_clock")
def test_pictures_are_kept_by_the_browser_under_the_name_of_their_bytes(
    archive: Archive, decoders: Pool, reader: Client
) -> None:
    (file,) = DEMO.glob("radiographs/hand-pa/*.dcm")
    archive.receive(file)
    study = archive.uid_of(file)
    address = f"/studies/{study}/thumbnail"
    assert reader.get(address).status_code == 404
    archive.draw(study)
    picture = reader.get(address)
    assert picture.headers["Content-Type"] == "image/webp"
    assert picture.content[:4] == b"RIFF"
    assert picture.headers["Cache-Control"] == "private, no-cache"
    tag = picture.headers["ETag"]
    assert reader.get(address, headers={"If-None-Match": tag}).status_code == 304
    named = reader.get(f"{address}?v={tag.strip(chr(34))}")
    assert named.headers["Cache-Control"] == "private, max-age=31536000, immutable"


def test_the_manifest_names_what_the_viewer_needs(archive: Archive, decoders: Pool, reader: Client) -> None:
    study = arrivals.uid()
    image = arrivals.dataset(StudyInstanceUID=study, SeriesNumber=2)
    report = arrivals.dataset(
        StudyInstanceUID=study,
        SeriesNumber=1,
        Modality="SR",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11",
        PixelData=None,
        Rows=None,
        Columns=None,
        SeriesDescription="Dose",
    )
    archive.receive(image, report)
    archive.draw(study)
    told = orjson.loads(reader.get(f"/viewer/{study}/manifest.json").content)
    assert told["study"]["study_instance_uid"] == study
    first, second = told["series"]
    assert (first["description"], first["is_image"], first["tile_reason"]) == ("Dose", False, "Structured report")
    assert (second["is_image"], second["frame_count"], second["tile_reason"]) == (True, 1, "")
    (instance,) = second["instances"]
    assert instance["sop_instance_uid"] == image.SOPInstanceUID
    for address in (first["thumbnail_url"], second["thumbnail_url"], second["preview_url"], instance["preview_url"]):
        assert reader.get(address).status_code == 200, address


@pytest.mark.parametrize("answer", [errors.bad_request, errors.permission_denied, errors.page_not_found])
def test_the_page_of_a_refusal_does_not_say_why(answer: Any, rf: RequestFactory, alice: User) -> None:
    request = rf.get("/")
    request.user = alice
    response = answer(request, LookupError("Secret^Susan"))
    assert 400 <= response.status_code < 500
    assert b"Secret" not in response.content
    assert response.headers["Cache-Control"] == "no-store"


def test_a_failure_is_answered_even_when_its_own_page_fails(rf: RequestFactory, alice: User) -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise ConnectionError("the database is away: postgresql://secret")

    request = rf.get("/")
    request.user = alice
    assert errors.server_error(request).status_code == 500
    request.user = Broken()  # type: ignore[assignment]
    last = errors.server_error(request)
    assert last.status_code == 500
    assert b"Your images are safe" in last.content
    assert b"secret" not in last.content
