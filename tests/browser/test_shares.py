"""Somebody outside opens a link on a phone: the way in, the code, the picture, the viewer, the download, the end."""

import zipfile
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Page
from pydicom import dcmread

from accounts.actor import Actor
from accounts.models import User
from imaging.sharing.making import services
from imaging.sharing.making.services import Made
from imaging.sharing.models import Share, ShareVisit
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, SHOTS
from tests.imaging.rendering.conftest import Pool
from tests.shared_links import Letters, Sharing, code_in
from tests.studies_in_archive import DEMO, Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

ALICE = Actor("user", "1", "alice")


@pytest.fixture
def chest(archive: Archive, decoders: Pool) -> Study:
    """The chest film of the demo hospital, drawn."""
    memories.forget()
    film = DEMO / "radiographs" / "chest-pa-metastases" / "RG1_J2KR.dcm"
    archive.receive(film)
    archive.draw(archive.uid_of(film))
    return archive.study(archive.uid_of(film))


def link(made: Made) -> str:
    return f"/s/{made.share.key}/#{made.handed.secret}"


def looked_at(page: Page, name: str) -> None:
    """Readable for all; and a picture of it where SHOTS names a folder."""
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if not page.evaluate("!!window.axe"):
        page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
    assert not [(rule["id"], rule["nodes"][0]["target"]) for rule in found["violations"]]
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/share-{name}.png")


def test_a_phone_opens_the_link_proves_itself_sees_the_image_and_takes_it_home(
    chest: Study, sharing: Sharing, letters: Letters, open_page: OpenPage, alice: User, tmp_path: Path
) -> None:
    made = sharing(chest, may_download=True)
    page = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True, accept_downloads=True, awaited=(404, 410))
    page.goto(link(made))
    looked_at(page, "gate")
    assert ShareVisit.objects.count() == 0
    page.get_by_role("button", name="Open the images").click()
    page.get_by_label("The code").wait_for()
    assert made.handed.secret not in page.url
    looked_at(page, "proof")
    page.get_by_label("The code").fill(code_in(letters()[-1]))
    page.get_by_role("button", name="Show the images").click()
    picture = page.locator(".lightbox img").first
    picture.wait_for()
    until(lambda: picture.evaluate("image => image.naturalWidth") > 200, "the preview was not shown")
    looked_at(page, "page")

    with page.expect_download() as begun:
        page.get_by_role("link", name="Download").first.click()
    begun.value.save_as(tmp_path / "taken.zip")
    with zipfile.ZipFile(tmp_path / "taken.zip") as kept:
        assert kept.testzip() is None
        kept.extractall(tmp_path / "taken")
    records = dcmread(tmp_path / "taken" / "DICOMDIR").DirectoryRecordSequence
    assert [entry.DirectoryRecordType for entry in records] == ["PATIENT", "STUDY", "SERIES", "IMAGE"]
    assert records[1].StudyInstanceUID == chest.study_instance_uid

    page.get_by_role("link", name="See the images").click()
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)
    until(lambda: page.locator("[data-status]").inner_text() is not None, "nothing was drawn")
    looked_at_viewer(page)
    # The viewer would go to the same page by itself, and end this test's own way there.
    page.goto("about:blank")
    services.revoke(made.share, words="", user=alice, actor=ALICE)
    page.goto(f"/s/{made.share.key}/")
    page.get_by_role("heading", name="This link was revoked").wait_for()
    looked_at(page, "revoked")


def looked_at_viewer(page: Page) -> None:
    if SHOTS:
        page.wait_for_timeout(1500)
        page.screenshot(path=f"{SHOTS}/share-viewer.png")


def test_a_program_that_follows_the_link_and_runs_its_scripts_uses_up_nothing(
    chest: Study, sharing: Sharing, open_page: OpenPage
) -> None:
    made = sharing(chest, most_opens=1)
    page = open_page(None)
    page.goto(link(made))
    page.wait_for_load_state("networkidle")
    assert (ShareVisit.objects.count(), Share.objects.get().opens) == (0, 0)


def test_without_scripts_the_typed_code_opens_it(chest: Study, sharing: Sharing, open_page: OpenPage) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    page = open_page(None, java_script_enabled=False)
    page.goto(link(made))
    page.get_by_label("The code of your letter or mail").fill(made.handed.code.lower())
    page.get_by_role("button", name="Open with this code").click()
    page.get_by_label("The second code").fill(made.handed.proof)
    page.get_by_role("button", name="Show the images").click()
    page.get_by_role("heading", name="Your images").wait_for()


def test_measuring_by_a_link_saves_nothing_and_complains_of_nothing(
    chest: Study, sharing: Sharing, open_page: OpenPage
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    page = open_page(None)
    page.goto(link(made))
    page.get_by_role("button", name="Open the images").click()
    page.get_by_label("The second code").fill(made.handed.proof)
    page.get_by_role("button", name="Show the images").click()
    page.get_by_role("link", name="See the images").click()
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)
    page.keyboard.press("k")
    box = page.locator("[data-port]").first.bounding_box()
    assert box is not None
    page.keyboard.press("m")
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert page.locator("[data-saved]").is_hidden()


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("light", ["dark", "light"])
def test_the_pages_are_readable_in_both_languages_and_lights(
    chest: Study, sharing: Sharing, open_page: OpenPage, language: str, light: str
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True, note="As we said.\nKind regards", language=language)
    page = open_page(None, viewport=WIDE, locale=language, awaited=(410, 404))
    page.context.add_cookies([{"name": settings.THEME_COOKIE_NAME, "value": light, "domain": "localhost", "path": "/"}])
    page.goto(link(made))
    looked_at(page, f"gate-{language}-{light}")
    page.locator("[data-by-link] button").click()
    page.locator("#answer").fill(made.handed.proof)
    looked_at(page, f"proof-{language}-{light}")
    page.locator(".btn-primary").click()
    page.locator(".lightbox img").first.wait_for()
    looked_at(page, f"page-{language}-{light}")
    page.goto(f"/s/{made.share.key}/archive")
    page.locator("main button.btn-primary").click()
    page.locator("#token").wait_for()
    looked_at(page, f"archive-{language}-{light}")
