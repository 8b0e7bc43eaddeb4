"""What is taken from the images: a measurement with its value, a key image as it was drawn."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pydicom.dataset import Dataset

from accounts.models import Department, User
from imaging.reports.documents import canonical
from imaging.reports.models import ReportDraft, ReportPicture, ReportVersion
from imaging.reports.writing import publishing
from imaging.studies.models import KeyImage, Study
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.imaging.reports.writing.conftest import text
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def marked(archive: Archive, decoders: Pool, emergency: Department, radiologist: User) -> tuple[Client, Dataset, str]:
    """A client that writes, the image, and the key of its length of 42 mm; its only frame is flagged."""
    made = arrivals.dataset()
    archive.receive(made)
    client = Client()
    client.force_login(radiologist)
    key = str(uuid4())
    shape = {
        "space": "patient",
        "points": [[0, 0, 0], [42, 0, 0]],
        "text": "",
        "text_at": None,
        "frame_of_reference": "1.2",
    }
    base = f"/viewer/{made.StudyInstanceUID}"
    sent = {"sop_instance_uid": made.SOPInstanceUID, "frame": 1, "tool": "length", "shape": shape, "seen": None}
    assert client.put(f"{base}/annotations/{key}", sent, content_type="application/json").status_code == 200
    flag = client.put(
        f"{base}/key-images/{made.SOPInstanceUID}/1", {"note": "The fracture"}, content_type="application/json"
    )
    assert flag.status_code == 200
    return client, made, key


def sent(client: Client, made: Dataset, name: str, method: str = "post", **body: Any) -> Any:
    address = f"/reports/{made.StudyInstanceUID}/{name}"
    return getattr(client, method)(address, json.dumps(body), content_type="application/json")


def test_a_measurement_and_a_key_image_are_signed_as_they_were_taken(marked: tuple[Client, Dataset, str]) -> None:
    client, made, key = marked
    page = client.get(f"/reports/{made.StudyInstanceUID}/write").content.decode()
    assert "42.0 mm" in page
    assert "The fracture" in page
    assert sent(client, made, "pull", revision=0, measurement=key).status_code == 400
    draft: dict[str, Any] = {"sections": text(), "language": "en", "template": ""}
    assert sent(client, made, "draft", "put", revision=0, **draft).json()["revision"] == 1
    assert sent(client, made, "pull", revision=1, measurement=key).json()["revision"] == 2
    told = sent(client, made, "pull", revision=2, picture=made.SOPInstanceUID, frame=1).json()
    assert told["revision"] == 3
    picture = ReportPicture.objects.get()
    assert picture.sha256 in told["html"]
    shown = client.get(f"/reports/{made.StudyInstanceUID}/pictures/{picture.sha256}")
    assert shown.content.startswith(b"\xff\xd8\xff")
    assert sent(client, made, "pull", revision=3, position=0, words="Gap").json()["revision"] == 4

    KeyImage.objects.all().delete()
    client.post(f"/reports/{made.StudyInstanceUID}/sign", {"revision": 4, "kind": "final"})
    version = ReportVersion.objects.get()
    read = canonical.read(version.content)
    assert [(each.label, each.value, each.unit) for each in read.measurements] == [("Gap", "42.0", "mm")]
    assert read.pictures[0].sha256 == picture.sha256
    assert read.pictures[0].caption == "The fracture"
    publishing.write_documents(str(version.report.key))
    assert version.documents.count() == 3


def test_what_is_not_there_cannot_be_taken(marked: tuple[Client, Dataset, str]) -> None:
    client, made, _key = marked
    sent(client, made, "draft", "put", revision=0, sections=text(), language="en", template="")
    for body in (
        {"measurement": str(uuid4())},
        {"measurement": "x\x00"},
        {"picture": "1.2.3", "frame": 1},
        {"picture": made.SOPInstanceUID, "frame": 9},
        {"position": 7},
        {"position": -1, "words": "x"},
        {},
    ):
        answer = sent(client, made, "pull", revision=1, **body)
        assert answer.status_code == 400, body
        assert answer.json()["message"]
    assert sent(client, made, "pull", revision=0, measurement=_key).status_code == 409
    assert ReportDraft.objects.get().pulled == []
    assert Study.objects.count() == 1
