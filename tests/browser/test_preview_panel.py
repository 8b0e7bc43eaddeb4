"""The panel beside the list: it follows the row, is there at once, says nothing of a study that nobody looked at."""

import pytest
from playwright.sync_api import Page, Request

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.rendering import services as rendering
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.list_reader import chosen, focused, panel_name, receive
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

WALKED = 200
#: The row is chosen, and the panel is whole: its patient is named, nothing is under way.
_IS_SHOWN = """([key, name]) => {
  const panel = document.querySelector("#preview");
  return document.querySelector("tr[aria-selected=true]")?.dataset.key === key
    && panel.querySelector("h2")?.innerText.toUpperCase() === name && !panel.hasAttribute("aria-busy");
}"""


def looks() -> set[str]:
    return set(AuditEvent.objects.filter(action="study.previewed").values_list("subject_uid", flat=True))


def settled_on(page: Page, name: str) -> None:
    """Wait until the panel shows this patient, large picture and all."""
    until(lambda: panel_name(page) == name, f"the panel does not show {name}")
    page.locator("#preview [data-lightbox-large]:not([hidden])").wait_for()


def test_space_opens_it_it_follows_the_row_and_stays_open(
    archive: Archive, decoders: Pool, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 4)
    for study in made:
        archive.draw(study.StudyInstanceUID)
    page = open_page(alice)
    page.goto("/")
    assert not page.locator("#preview").is_visible()
    page.keyboard.press("j")
    page.keyboard.press(" ")
    settled_on(page, "ROW 000")
    assert focused(page) == made[0].StudyInstanceUID
    page.keyboard.press("j")
    settled_on(page, "ROW 001")
    page.locator("tbody tr").nth(2).click()
    settled_on(page, "ROW 002")
    page.reload()
    assert page.locator("#preview").is_visible()
    settled_on(page, "ROW 002")
    page.keyboard.press("Escape")
    assert not page.locator("#preview").is_visible()
    assert page.url.endswith("/")
    page.reload()
    assert not page.locator("#preview").is_visible()


def test_what_is_fetched_ahead_and_what_is_flown_over_is_not_on_record(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 12)
    page = open_page(alice)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("?ahead") else None)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    until(lambda: looks() == {made[0].StudyInstanceUID}, "the look is not on record")
    until(lambda: page.evaluate("1") and len(asked) >= 2, "the next rows are not fetched ahead")
    # As a key that is held down: no row rests.
    page.evaluate(
        "for (let n = 0; n < 11; n++) document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'j', bubbles: true}))"
    )
    until(lambda: made[11].StudyInstanceUID in looks(), "the last look is not on record")
    assert looks() == {made[0].StudyInstanceUID, made[11].StudyInstanceUID}


def test_the_pictures_of_the_series_are_turned_by_keys_and_by_mouse(
    archive: Archive, decoders: Pool, alice: User, open_page: OpenPage
) -> None:
    study = arrivals.uid()
    archive.receive(
        *(
            arrivals.dataset(
                StudyInstanceUID=study, SeriesNumber=n, SeriesDescription=f"View {n}", PatientName="Many^Views"
            )
            for n in (1, 2, 3)
        )
    )
    archive.draw(study)
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    settled_on(page, "MANY VIEWS")
    label = page.locator("[data-lightbox-label]")
    assert label.inner_text() == "View 1"
    page.keyboard.press("ArrowRight")
    assert label.inner_text() == "View 2"
    page.keyboard.press("ArrowLeft")
    assert label.inner_text() == "View 1"
    page.locator(".strip button").nth(2).click()
    assert label.inner_text() == "View 3"
    page.click("[data-lightbox]")
    page.wait_for_url(f"**/viewer/{study}/?series=*")


def test_a_pointer_that_rests_on_a_picture_shows_the_panel_until_it_leaves(
    archive: Archive, decoders: Pool, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 2)
    for study in made:
        archive.draw(study.StudyInstanceUID)
    page = open_page(alice)
    page.goto("/")
    width = page.evaluate("document.querySelector('.table-wrap').clientWidth")
    place = page.locator("tbody tr .thumb").nth(1).bounding_box()
    assert place
    page.mouse.move(place["x"] + 10, place["y"] + 10)
    settled_on(page, "ROW 001")
    assert page.evaluate("document.querySelector('.table-wrap').clientWidth") == width
    assert chosen(page) == ""
    page.mouse.move(300, 20)
    until(lambda: not page.locator("#preview").is_visible(), "the panel stays when the pointer has gone")


def test_a_study_that_went_says_so_and_a_phone_has_no_panel(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = receive(archive, 2)
    page = open_page(alice, awaited=(404,))
    page.goto("/")
    archive.study(made[0].StudyInstanceUID).placements.all().delete()  # type: ignore[attr-defined]
    page.keyboard.press("j")
    page.keyboard.press(" ")
    until(lambda: "no longer in your lists" in page.inner_text("#preview"), "the reader is not told")
    phone = open_page(alice, viewport=PHONE)
    phone.context.add_cookies([{"name": "preview", "value": "open", "url": page.url}])
    phone.goto("/")
    assert not phone.locator("#preview").is_visible()


def test_two_hundred_studies_are_walked_with_j_and_the_panel(
    archive: Archive, decoders: Pool, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, WALKED)
    for study in made:
        rendering.make_thumbnails(study.StudyInstanceUID)
        rendering.make_previews(study.StudyInstanceUID)
    page = open_page(alice)
    failed: list[str] = []
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.on("requestfailed", lambda request: failed.append(request.url) if _is_lost(request) else None)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    for number, study in enumerate(made):
        page.wait_for_function(_IS_SHOWN, arg=[study.StudyInstanceUID, f"ROW {number:03}"])
        if number % 20 == 0:
            settled_on(page, f"ROW {number:03}")
        if number + 1 < WALKED:
            page.keyboard.press("j")
    assert not failed
    until(lambda: looks() == {study.StudyInstanceUID for study in made}, "not every look is on record")
    assert page.evaluate("document.querySelectorAll('#preview h2').length") == 1


def _is_lost(request: Request) -> bool:
    """What a newer row, or the next page, made needless is dropped on purpose."""
    return "aborted" not in (request.failure or "").lower()
