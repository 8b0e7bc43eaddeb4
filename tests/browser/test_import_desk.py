"""A disc at the import desk, in Chromium: shown, asked about, imported, and every page of it readable for all."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from accounts.models import Department, User
from imaging.ingest.imports.importer import Importer
from imaging.ingest.models import Import
from imaging.studies.models import Instance
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, shoot
from tests.factories import arrivals
from tests.imaging.ingest.imports.deliveries import brought, worked_on
from tests.studies_in_archive import DEMO, Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """The demo disc as a zip, with a viewer that nobody needs and one object missing."""
    path = tmp_path / "disc.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for file in sorted((DEMO / "dicomdir").rglob("*")):
            if file.is_file() and file.name != "6154":
                made.write(file, str(file.relative_to(DEMO / "dicomdir")))
        made.writestr("AUTORUN.INF", "[autorun]\nopen=VIEWER.EXE\n")
        made.writestr("VIEWER.EXE", b"MZ" + bytes(200))
    return path


@pytest.fixture
def uploads(settings: Any, data_dir: Path) -> None:
    settings.UPLOAD_DIR = data_dir / "uploads"


def complaints(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


def test_a_disc_is_imported_by_one_press(
    open_page: OpenPage, uploads: None, archive: Archive, alice: User, emergency: Department, disc: Path
) -> None:
    delivery = brought(alice, emergency, {"disc.zip": disc})
    page = open_page(alice)
    page.goto(f"/import/{delivery.pk}/")
    page.get_by_text("Reading what you brought").wait_for()
    worked_on(delivery)
    page.get_by_role("button", name="Import", exact=True).wait_for()
    assert not Instance.objects.exists()
    page.get_by_text("1 file that the index of the disc names is not there.").wait_for()
    shoot(page, "import-questions")
    assert not complaints(page)

    page.get_by_role("button", name="Import", exact=True).press("Enter")
    page.get_by_role("heading", name="Importing").wait_for()
    assert not complaints(page)
    Importer().work()
    page.get_by_role("heading", name="In the list now").wait_for()
    assert Instance.objects.count() == 30
    assert not complaints(page)
    shoot(page, "import-results")
    page.locator(".upload-list a").first.click()
    page.wait_for_url("**/studies/**")


def test_our_patient_is_chosen_by_keyboard(
    open_page: OpenPage, uploads: None, archive: Archive, alice: User, emergency: Department
) -> None:
    archive.receive(arrivals.dataset(PatientID="P1", PatientName="Durand^Hélène"))
    made = arrivals.dataset(PatientID="X-9", PatientName="DURAND^HELENE", InstitutionName="Clinique des Lilas")
    delivery = worked_on(brought(alice, emergency, {"IM1": arrivals.encoded(made)}))
    page = open_page(alice)
    page.goto(f"/import/{delivery.pk}/")
    shoot(page, "import-candidate")
    page.get_by_role("button", name="Import", exact=True).press("Enter")
    page.get_by_text("Say who this patient is").wait_for()
    shoot(page, "import-error")
    assert not complaints(page)
    page.locator("input[type=radio]").first.press("Space")
    page.get_by_role("button", name="Import", exact=True).press("Enter")
    page.get_by_role("heading", name="Importing").wait_for()
    until(lambda: Import.objects.get(pk=delivery.pk).state == Import.State.REGISTERING, "it was confirmed")
    assert worked_on(delivery).state == Import.State.DONE


@pytest.mark.parametrize("lights", ["dark", "light"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_desk_is_readable_in_any_light_and_on_a_phone(
    lights: str,
    size: dict[str, int],
    open_page: OpenPage,
    uploads: None,
    archive: Archive,
    alice: User,
    emergency: Department,
    disc: Path,
) -> None:
    alice.theme, alice.language = lights, "fr" if lights == "light" else "en"
    alice.save()
    archive.receive(DEMO / "dicomdir" / "77654033" / "CR2" / "6247")
    files = {"disc.zip": disc, "broken.dcm": b"nothing", "photo.jpg": b"\xff\xd8\xff"}
    delivery = worked_on(brought(alice, emergency, files))
    page = open_page(alice, viewport=size)
    page.goto(f"/import/{delivery.pk}/")
    name = f"import-{lights}-{size['width']}"
    shoot(page, name)
    if page.viewport_size and not complaints(page):
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        shoot(page, f"{name}-end")
    assert not complaints(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
