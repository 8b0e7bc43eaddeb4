"""Taking images home in a browser: from the button on the study's page to a folder that another program opens."""

import io
import zipfile
from pathlib import Path

import pydicom
import pytest
from playwright.sync_api import Page, ViewportSize
from pydicom.fileset import FileSet
from pydicom.uid import SecondaryCaptureImageStorage

from accounts.models import User
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_shares import looked_at
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive, addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def kept(page: Page, link: str, folder: Path) -> Path:
    """Press a link and wait until the browser has the file, under the name that it gives it."""
    with page.expect_download() as begun:
        page.click(link)
    path = folder / begun.value.suggested_filename
    begun.value.save_as(path)
    assert begun.value.failure() is None
    return path


def test_a_study_goes_from_its_page_into_another_program(
    archive: Archive, alice: User, open_page: OpenPage, tmp_path: Path
) -> None:
    study, series = arrivals.uid(), [arrivals.uid(), arrivals.uid()]
    made = [
        arrivals.dataset(
            StudyInstanceUID=study,
            SeriesInstanceUID=series[number % 2],
            SeriesNumber=number % 2 + 1,
            InstanceNumber=number,
            PatientName="Łukasiewicz^Żaneta",
        )
        for number in range(6)
    ]
    archive.receive(*made)
    page = open_page(alice, accept_downloads=True)
    page.goto(f"/studies/{study}/")
    page.click("[data-dialog='downloads']")
    path = kept(page, "#downloads a.btn-primary[data-download]", tmp_path)
    assert path.name == "CT-20260304.zip"
    # The page is still there, and says so.
    page.wait_for_selector("[data-download-begun]:visible")
    assert page.url.endswith(f"/studies/{study}/")
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        found.extractall(tmp_path / "disc")
    files = FileSet(tmp_path / "disc" / "DICOMDIR")
    assert {str(instance.SOPInstanceUID) for instance in files} == {one.SOPInstanceUID for one in made}
    for instance in files:
        held = pydicom.dcmread(instance.path)
        assert str(held.PatientName) == "Łukasiewicz^Żaneta"
        assert held.PixelData == made[int(held.InstanceNumber)].PixelData
    files._stage["t"].cleanup()  # pydicom leaves that to the end of the process, with a warning
    one = kept(page, "#downloads .download-series li:nth-child(2) a", tmp_path)
    assert one.name == "CT-20260304-2.zip"
    with zipfile.ZipFile(one) as found:
        assert sum(name.startswith("DICOM/") for name in found.namelist()) == 3


@pytest.mark.parametrize(("theme", "view"), [("light", WIDE), ("dark", PHONE)])
def test_a_study_goes_without_identity_from_its_page(
    archive: Archive, alice: User, open_page: OpenPage, tmp_path: Path, theme: str, view: ViewportSize
) -> None:
    made = arrivals.dataset(PatientID="HOSP-4711")
    screen = arrivals.dataset(
        PatientID="HOSP-4711",
        StudyInstanceUID=made.StudyInstanceUID,
        SeriesNumber=2,
        SOPClassUID=SecondaryCaptureImageStorage,
        Modality="OT",
    )
    archive.receive(made, screen)
    User.objects.filter(pk=alice.pk).update(theme=theme)
    alice.refresh_from_db()
    page = open_page(alice, viewport=view, accept_downloads=True)
    page.goto(f"/studies/{made.StudyInstanceUID}/")
    page.click("[data-dialog='downloads']")
    page.get_by_role("link", name="Without identity…").click()
    page.get_by_text("1 object cannot be given this way").wait_for()
    page.get_by_text("Images of this kind often have names burned into their pixels.").wait_for()
    page.get_by_label("Subject name").fill("Durand")
    page.get_by_role("button", name="Download 1 object without identity").click()
    page.get_by_text("This tells who the patient is").wait_for()
    looked_at(page, f"without-identity-{theme}")
    page.get_by_label("Subject name").fill("Case 7")
    page.get_by_label("Dates, all moved").check()
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download 1 object without identity").click()
    assert begun.value.suggested_filename == "Case 7.zip"
    begun.value.save_as(tmp_path / "copies.zip")
    with zipfile.ZipFile(tmp_path / "copies.zip") as found:
        [name] = [name for name in found.namelist() if name.startswith("DICOM/")]
        copy = pydicom.dcmread(io.BytesIO(found.read(name)))
    assert (str(copy.PatientName), copy.PatientIdentityRemoved) == ("Case 7", "YES")


def test_the_image_that_is_shown_is_kept_as_a_picture(
    archive: Archive, alice: User, open_page: OpenPage, tmp_path: Path, decoders: Pool
) -> None:
    made = arrivals.dataset(Rows=64, Columns=64, PixelData=bytes(64 * 64 * 2))
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    page = open_page(alice, accept_downloads=True)
    page.goto(f"{addresses(made).study}?series={made.SeriesInstanceUID}&view=stack")
    path = kept(page, "a[href*='as=png']", tmp_path)
    assert path.name == "CT-20260304-1-1.png"
    assert path.read_bytes().startswith(b"\x89PNG")
