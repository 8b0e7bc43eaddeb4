"""A report that was not shared leaves by no other way: not as an object that somebody named, nor as a flagged image."""

import io
import re
import zipfile
from typing import Any

import pytest
from django.test import Client
from pydicom.uid import EncapsulatedPDFStorage, VideoPhotographicImageStorage

from accounts.models import User
from imaging.sharing.making.services import Made, NotShared
from imaging.sharing.models import Share
from imaging.sharing.models.choices import Factor, Recipient
from imaging.studies.models import Instance, KeyImage, Series, Study
from tests.factories import arrivals
from tests.shared_links import Sharing, open_link, share_policy
from tests.studies_in_archive import Archive

__all__ = ["share_policy"]

pytestmark = pytest.mark.django_db(transaction=True)
JSON = {"accept": "application/dicom+json"}


@pytest.fixture
def reported(archive: Archive) -> tuple[Study, str, str]:
    """A study with one image and a report as a PDF; the UIDs of both series."""
    image = arrivals.dataset(SeriesDescription="Axial")
    nothing = dict.fromkeys(
        (
            *("PixelData", "PixelRepresentation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"),
            *("SamplesPerPixel", "PhotometricInterpretation"),
        )
    )
    paper = arrivals.dataset(
        StudyInstanceUID=image.StudyInstanceUID,
        SOPClassUID=EncapsulatedPDFStorage,
        Modality="DOC",
        SeriesDescription="Report",
        SeriesNumber=7,
        DocumentTitle="Carcinoma",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=b"%PDF-1.7 carcinoma ",
        **nothing,
    )
    archive.receive(image, paper)
    study = Study.objects.get(study_instance_uid=image.StudyInstanceUID)
    return study, image.SeriesInstanceUID, paper.SeriesInstanceUID


def come_in(browser: Client, made: Made) -> str:
    open_link(browser, made)
    browser.post(f"/s/{made.share.key}/proof", {"answer": made.handed.proof})
    return f"/s/{made.share.key}"


def series_of(browser: Client, root: str) -> set[str]:
    answer = browser.get(f"{root}/dicom-web/series", headers=JSON)
    rows = answer.json() if answer.status_code == 200 else []
    return {row["0020000E"]["Value"][0] for row in rows}


def test_a_series_that_holds_the_report_is_not_named_without_it(
    reported: tuple[Study, str, str], sharing: Sharing, outside: Client
) -> None:
    study, images, paper = reported
    made = sharing(study, what="series", series=frozenset({images, paper}), factor=Factor.PRINTED)
    assert series_of(outside, come_in(outside, made)) == {images}
    with pytest.raises(NotShared):
        sharing(study, what="series", series=frozenset({paper}), factor=Factor.PRINTED)


def test_a_report_that_a_patient_reads_later_is_no_series_before(
    reported: tuple[Study, str, str], sharing: Sharing, outside: Client, share_policy: Any
) -> None:
    share_policy(report_hours=72)
    study, images, paper = reported
    wanted = {"recipient": Recipient.PATIENT, "with_report": True, "factor": Factor.PRINTED}
    made = sharing(study, what="series", series=frozenset({images, paper}), **wanted)
    root = come_in(outside, made)
    assert series_of(outside, root) == {images}
    assert paper not in outside.get(f"{root}/viewer/{study.study_instance_uid}/manifest.json").content.decode()


def test_a_flagged_page_of_a_report_is_no_key_image_without_it(
    reported: tuple[Study, str, str], sharing: Sharing, outside: Client, alice: User
) -> None:
    study, images, _paper = reported
    for instance in Instance.objects.filter(series__study=study):
        KeyImage.objects.create(study=study, instance=instance, flagged_by=alice)
    made = sharing(study, what="key_images", factor=Factor.PRINTED)
    assert series_of(outside, come_in(outside, made)) == {images}


def test_no_page_of_a_partly_shared_study_names_the_rest(
    reported: tuple[Study, str, str], sharing: Sharing, outside: Client, archive: Archive, alice: User
) -> None:
    study, images, paper = reported
    other = arrivals.dataset(
        StudyInstanceUID=study.study_instance_uid, SeriesInstanceUID=images, InstanceNumber=2, Modality="CT"
    )
    archive.receive(other)
    key = Instance.objects.filter(series__series_instance_uid=images).exclude(sop_instance_uid=other.SOPInstanceUID)
    KeyImage.objects.create(study=study, instance=key.get(), flagged_by=alice)
    root = come_in(outside, sharing(study, what="key_images", factor=Factor.PRINTED, may_download=True))
    uid, kept_back = study.study_instance_uid, Instance.objects.get(series__series_instance_uid=paper)
    page = outside.get(f"{root}/").content.decode()
    assert "1 image" in page
    assert "2 images" not in page
    answers = [
        f"{root}/",
        f"{root}/viewer/{uid}/",
        f"{root}/viewer/{uid}/manifest.json",
        f"{root}/viewer/{uid}/markings.json",
        *(f"{root}/dicom-web/studies/{uid}/{what}" for what in ("metadata", "series", "instances")),
        f"{root}/dicom-web/studies?includefield=all",
        f"{root}/download",
    ]
    for path in answers:
        answer = outside.get(path)
        assert answer.status_code == 200, path
        content = answer.getvalue()
        for word in (paper, kept_back.sop_instance_uid, other.SOPInstanceUID, "Carcinoma"):
            assert word.encode() not in content, (path, word)
    with zipfile.ZipFile(io.BytesIO(outside.get(f"{root}/download").getvalue())) as given:
        for name in given.namelist():
            assert b"DOC" not in given.read(name).replace(b"<!DOCTYPE", b""), name
    version = outside.get(f"{root}/viewer/{uid}/markings.json").json()["study_version"]
    assert re.fullmatch("[0-9a-f]{32}", version)
    there = f"{root}/studies/{uid}/series/{paper}/instances/{kept_back.sop_instance_uid}"
    for path in ("document/", "document/file", "document/pages/1", "image", "preview"):
        assert outside.get(f"{there}/{path}").status_code == 404, path
    for path in ("", "/metadata", "/bulkdata/00420011", "/rendered", "/frames/1"):
        of_web = f"{root}/dicom-web/studies/{uid}/series/{paper}/instances/{kept_back.sop_instance_uid}"
        assert outside.get(f"{of_web}{path}").status_code == 404, path


def test_a_report_object_that_comes_later_is_in_no_share_without_it(
    reported: tuple[Study, str, str], sharing: Sharing, outside: Client
) -> None:
    study, images, paper = reported
    root = come_in(outside, sharing(study, factor=Factor.PRINTED))
    assert series_of(outside, root) == {images}
    assert Series.objects.filter(series_instance_uid=paper).exists()
    assert Share.objects.get().items.count() == 1


def test_a_film_is_no_report_and_goes_along(archive: Archive, sharing: Sharing, outside: Client) -> None:
    film = arrivals.dataset(SOPClassUID=VideoPhotographicImageStorage, Modality="XC", SeriesDescription="Gait")
    archive.receive(film)
    study = Study.objects.get(study_instance_uid=film.StudyInstanceUID)
    root = come_in(outside, sharing(study, factor=Factor.PRINTED))
    assert series_of(outside, root) == {film.SeriesInstanceUID}
