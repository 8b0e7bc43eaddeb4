"""Copies without identity by a link: for who may download, by the profile alone, and never instead of prepared ones."""

import io
import json
import zipfile
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pydicom import dcmread

from accounts.audit.models import AuditEvent
from imaging.sharing.models import Share
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.viewer.test_without_identity import body_of, objects, unzipped
from tests.shared_links import Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_places_taken() -> None:
    cache.clear()


@pytest.fixture
def study(archive: Archive) -> Study:
    """A study of one image of a patient with a name."""
    made = arrivals.dataset(PatientID="HOSP-4711", AccessionNumber="ACC-2026-55")
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


def visited(outside: Client, sharing: Sharing, study: Study, **changes: Any) -> Share:
    """A share that ``outside`` has opened."""
    made = sharing(study, factor=Factor.PRINTED, **changes)
    open_link(outside, made)
    outside.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return made.share


def test_a_recipient_takes_copies_that_name_nobody(study: Study, sharing: Sharing, outside: Client) -> None:
    share = visited(outside, sharing, study, may_download=True, with_report=True)
    assert "Download copies without identity" in outside.get(f"/s/{share.key}/").content.decode()
    place = f"/s/{share.key}/download/without-identity"
    page = outside.get(place).content.decode()
    assert "Download 1 object without identity" in page
    assert "Durand" not in page.split("<main")[1]
    begun: Any = outside.post(place)
    body = body_of(outside.get(begun["Location"]))
    for told in ("Durand", "HOSP-4711", "ACC-2026-55", "20260304", study.study_instance_uid):
        assert told.encode() not in body, told
    files = unzipped(body)
    assert [copy.PatientName.family_name[:5] for copy in objects(files)] == ["ANON-"]
    receipt = json.loads(files["receipt.json"])
    assert (receipt["share"], receipt["deidentified"], receipt["methods"]) == (share.key, True, ["113100"])
    assert not [name for name in files if name.startswith(("PREVIEWS", "REPORT/", "index"))]
    assert AuditEvent.objects.get(action="study.exported").detail["deidentified"] is True


def test_it_goes_on_where_it_broke_off(study: Study, sharing: Sharing, outside: Client) -> None:
    share = visited(outside, sharing, study, may_download=True)
    begun: Any = outside.post(f"/s/{share.key}/download/without-identity")
    whole = body_of(outside.get(begun["Location"]))
    rest = body_of(outside.get(begun["Location"], headers={"Range": "bytes=900-"}))
    assert rest == whole[900:]


def test_nobody_chooses_there_what_stays(study: Study, sharing: Sharing, outside: Client) -> None:
    share = visited(outside, sharing, study, may_download=True)
    sent = {"subject": "Durand", "kept": ["retain_modified_dates", "retain_uids"]}
    begun: Any = outside.post(f"/s/{share.key}/download/without-identity", sent)
    with zipfile.ZipFile(io.BytesIO(body_of(outside.get(begun["Location"])))) as found:
        [name] = [name for name in found.namelist() if name.startswith("DICOM/")]
        copy = dcmread(io.BytesIO(found.read(name)))
    assert [code.CodeValue for code in copy.DeidentificationMethodCodeSequence] == ["113100"]
    assert "Durand" not in str(copy.PatientName)


def test_who_may_look_alone_gets_none(study: Study, sharing: Sharing, outside: Client) -> None:
    share = visited(outside, sharing, study, may_download=False)
    assert "without identity" not in outside.get(f"/s/{share.key}/").content.decode()
    for answer in (
        outside.get(f"/s/{share.key}/download/without-identity"),
        outside.post(f"/s/{share.key}/download/without-identity"),
    ):
        assert answer.status_code == 403


def test_the_address_of_one_share_opens_no_other(study: Study, sharing: Sharing, outside: Client) -> None:
    first = visited(outside, sharing, study, may_download=True)
    second = visited(outside, sharing, study, may_download=True, email="x@outside.example")
    begun: Any = outside.post(f"/s/{first.key}/download/without-identity")
    assert outside.get(begun["Location"].replace(first.key, second.key)).status_code == 404


def test_who_did_not_open_the_link_gets_nothing(study: Study, sharing: Sharing, outside: Client) -> None:
    share = visited(outside, sharing, study, may_download=True)
    begun: Any = outside.post(f"/s/{share.key}/download/without-identity")
    for address in (begun["Location"], f"/s/{share.key}/download/without-identity"):
        assert Client().get(address).status_code == 404


def test_a_share_whose_images_name_nobody_already_gives_those(study: Study, sharing: Sharing, outside: Client) -> None:
    share = visited(outside, sharing, study, may_download=True)
    Share.objects.filter(pk=share.pk).update(is_deidentified=True)
    assert outside.get(f"/s/{share.key}/download/without-identity").status_code == 404
