"""Help by F1, by the bar and by the menu of a phone: beside the page, by keys alone, and as a page when that fails."""

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, as_reader, shoot
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

HEADING = "#help[open] h2#help-heading"


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))
    found: list[str] = page.evaluate("async () => (await axe.run()).violations.map(v => v.id)")
    return found


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_f1_shows_the_help_of_the_page_and_its_links_stay_beside_it(
    language: str, theme: str, archive: Archive, alice: User, open_page: OpenPage
) -> None:
    archive.receive(arrivals.dataset(PatientName="Lefèvre^Camille"))
    page = open_page(as_reader(alice, language, theme))
    page.goto("/?q=lefevre")
    page.focus("[data-search]")
    page.keyboard.press("F1")
    first = page.locator(HEADING)
    first.wait_for()
    title = {"en": "The study list", "fr": "La liste des examens"}[language]
    assert first.inner_text() == title
    assert page.evaluate("document.activeElement.id") == "help-heading"
    assert violations(page) == []
    shoot(page, f"help-dialog-{language}")
    page.click("#help nav a[href$='/viewer']")
    until(lambda: first.inner_text() != title, "the other text does not come")
    assert page.url.endswith("/?q=lefevre")
    page.keyboard.press("Escape")
    until(lambda: not page.locator("#help[open]").count(), "Esc does not close it")
    assert page.input_value("[data-search]") == "lefevre"
    page.keyboard.press("F1")
    until(lambda: first.inner_text() == title, "the page's own help does not come again")


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
def test_help_is_a_page_of_its_own_where_it_cannot_be_beside(
    viewport: dict[str, int], alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice, viewport=viewport)
    page.goto("/help/")
    page.click(".help-topics a[href$='/studies']")
    page.wait_for_url("**/help/studies")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert violations(page) == []
    shoot(page, f"help-page-{viewport['width']}")
    page.goto("/lists/")
    page.route(
        "**/help/lists", lambda route: route.abort() if route.request.header_value("HX-Request") else route.continue_()
    )
    page.keyboard.press("F1")
    page.wait_for_url("**/help/lists")


def test_the_help_is_in_the_menu_of_a_phone(alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, viewport=PHONE)
    page.goto("/")
    page.click("[popovertarget=account-menu]")
    page.click("#account-menu a[data-help]")
    page.locator(HEADING).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert violations(page) == []
    shoot(page, "help-dialog-phone")


def test_esc_closes_the_help_and_stays_in_the_viewer(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    page = open_page(alice)
    page.goto(f"/viewer/{made.StudyInstanceUID}/")
    page.keyboard.press("F1")
    page.locator(HEADING).wait_for()
    assert page.inner_text(HEADING) == "The viewer"
    shoot(page, "help-viewer")
    page.keyboard.press("Escape")
    until(lambda: not page.locator("#help[open]").count(), "Esc does not close it")
    assert f"/viewer/{made.StudyInstanceUID}/" in page.url
