"""From the hospital's record to the images in a real browser: one click, signed in or not, and the list of several studies."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.factories.accounts import PASSWORD
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def chests(archive: Archive, decoders: Pool) -> list[Study]:
    """Two films of one patient, drawn."""
    found = []
    for number in (1, 2):
        made = arrivals.dataset(AccessionNumber=f"A{number}", StudyDescription=f"Chest PA {number}", PatientID="P1")
        archive.receive(made)
        archive.draw(made.StudyInstanceUID)
        found.append(Study.objects.get(study_instance_uid=made.StudyInstanceUID))
    return found


def record(page: Page, portal: str, question: str) -> None:
    """The page of another system, of another origin, with a link to the portal."""
    page.route("http://record.example/", lambda route: route.fulfill(content_type="text/html", body=body))
    body = f'<a href="{portal}/IHEInvokeImageDisplay?{question}">Images</a>'
    page.goto("http://record.example/")
    page.get_by_role("link", name="Images").click()


def test_one_click_shows_the_images(chests: list[Study], alice: User, open_page: OpenPage, live_server: object) -> None:
    page = open_page(as_reader(alice, "en", "dark"))
    uid = chests[0].study_instance_uid
    record(page, str(live_server), f"requestType=STUDY&studyUID={uid}")
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)
    assert f"/viewer/{uid}/" in page.url


def test_who_is_not_signed_in_comes_to_the_images_after_it(
    chests: list[Study], alice: User, open_page: OpenPage, live_server: object
) -> None:
    page = open_page(None)
    record(page, str(live_server), "requestType=PATIENT&patientID=P1&mostRecentResults=1")
    assert "P1" not in page.url
    page.locator("[name=login]").fill("alice")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("light", ["dark", "light"])
def test_several_studies_are_offered_on_a_page_that_fits_and_speaks(
    chests: list[Study], alice: User, open_page: OpenPage, live_server: object, language: str, light: str
) -> None:
    page = open_page(as_reader(alice, language, light), awaited=(404,))
    page.context.add_init_script(path=AXE)
    record(page, str(live_server), "requestType=PATIENT&patientID=P1")
    expect(page.get_by_role("link", name=re.compile("See the images|Voir les images"))).to_have_count(2)
    assert "P1" not in page.url
    looked_at(page, f"several-{language}-{light}")
    page.goto("/IHEInvokeImageDisplay?requestType=PATIENT&patientID=NOBODY")
    looked_at(page, f"nothing-{language}-{light}")


def looked_at(page: Page, name: str) -> None:
    """No page is wider than its window, and axe has nothing to complain about."""
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_load_state("networkidle")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/invoked-{name}-{size}.png", full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert not [entry["id"] for entry in found["violations"]], f"{name} {size}"
