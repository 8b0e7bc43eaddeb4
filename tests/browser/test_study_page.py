"""The study page in a browser: images as a grid and a stack, headers found and copied, priors by key, a study that goes away."""

import pytest
from playwright.sync_api import Page

from accounts.actor import SYSTEM
from accounts.models import Department, User
from imaging.studies.correction import withdrawal
from imaging.studies.models import InstanceVersion
from tests.browser.conftest import PHONE, OpenPage, until
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import DEMO, Archive, addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def head(archive: Archive, decoders: Pool) -> str:
    """The CT of a head, drawn and settled: its UID."""
    files = sorted(DEMO.glob("ct-head/1*.dcm"))
    archive.receive(*files)
    study = archive.uid_of(files[0])
    archive.draw(study)
    return study


def is_drawn(page: Page, selector: str) -> bool:
    """Whether every picture there has come."""
    return bool(
        page.evaluate(
            "(s) => { const all = [...document.querySelectorAll(s)];"
            " return all.length > 0 && all.every((img) => img.complete && img.naturalWidth > 0) }",
            selector,
        )
    )


def test_a_series_is_browsed_in_a_window_and_as_a_stack(head: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto(f"/studies/{head}/")
    page.locator(".series-links a").first.click()
    page.wait_for_selector(".tiles")
    assert "?series=" in page.url
    count = page.locator(".tiles li").count()
    assert count > 1
    until(lambda: is_drawn(page, ".tiles li:first-child img"), "the pictures do not come")
    # The banner says whose images these are, wherever the page is.
    assert page.evaluate("document.querySelector('.patient').getBoundingClientRect().top") == 0
    page.click(".browser-tools a:has-text('Bone')")
    page.wait_for_url("**window=bone*")
    until(lambda: is_drawn(page, ".tiles li:first-child img[data-drawn]"), "the windowed pictures do not come")
    page.click(".browser-tools a:has-text('Stack')")
    page.wait_for_selector("#stack-image")
    until(lambda: is_drawn(page, ".stack-view img"), "the large picture does not come")
    page.hover(".stack-view .lightbox")
    page.mouse.wheel(0, 50)
    until(lambda: page.input_value("#stack-image") == "2", "the wheel does not move the stack")
    until(lambda: "2 of" in page.inner_text(".stack-slider"), "the next picture does not come")
    page.focus("#stack-image")
    page.keyboard.press("ArrowRight")
    until(lambda: "3 of" in page.inner_text(".stack-slider"), "the slider does not move the stack")
    assert page.evaluate("document.activeElement.id") == "stack-image"
    page.go_back()
    page.wait_for_selector(".tiles")


def test_headers_are_found_as_one_types_and_nothing_typed_gets_into_an_address(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = arrivals.dataset(PatientName="Durand^Helene")
    made.add_new(0x00290010, "LO", "ACME 1")
    made.add_new(0x00291001, "LO", "secret sauce")
    item = arrivals.dataset(PixelData=None, PatientName="Durand^Helene")
    made.add_new(0x00081140, "SQ", [item])
    archive.receive(made)
    page = open_page(alice, permissions=["clipboard-read", "clipboard-write"])
    page.goto(addresses(made).all["headers"])
    address = page.url
    for text, shown in (("photometric", "(0028,0004)"), ("00280004", "(0028,0004)"), ("sauce", "(0029,1001)")):
        page.fill("#find", text)
        rows = page.locator("tbody tr:visible")
        until(lambda rows=rows, shown=shown: shown in rows.last.inner_text(), f"{text} is not found", 5)
    page.fill("#find", "helene")
    # What lies in a sequence is shown within it.
    assert page.locator("tbody tr[data-path='(0008,1140)']").is_visible()
    assert page.locator("tbody tr[data-path='(0008,1140)[0].(0010,0010)']").is_visible()
    assert "2 of" in page.inner_text("[data-found]")
    page.keyboard.press("Enter")
    assert page.url == address
    page.fill("#find", "nothing of the kind")
    assert "Nothing found" in page.inner_text("[data-found]")
    page.fill("#find", "")
    page.click("tr[data-path='(0008,1140)'] .fold")
    assert page.locator("tbody tr[data-path='(0008,1140)[0].(0010,0010)']").is_hidden()
    page.focus("tbody tr[data-path='(0008,0005)']")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("p")
    until(lambda: "Copied" in page.inner_text("[data-found]"), "it is not said that it was copied", 5)
    assert page.evaluate("navigator.clipboard.readText()") == page.evaluate("document.activeElement.dataset.path")


def test_a_prior_is_opened_by_the_keyboard(
    archive: Archive, orthopaedics: Department, alice: User, open_page: OpenPage
) -> None:
    now, before = arrivals.dataset(), arrivals.dataset(StudyDate="20240101", StudyDescription="Knee of 2024")
    archive.receive(now)
    archive.receive(before, department=orthopaedics)
    page = open_page(alice)
    page.goto(addresses(now).study)
    assert "Knee of 2024" not in page.content()
    page.focus("#priors button.as-link")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{before.StudyInstanceUID}/")
    assert "Knee of 2024" in page.inner_text("h1")
    page.click("text=Back to the study")
    page.wait_for_url(f"**/studies/{now.StudyInstanceUID}/")
    assert "Knee of 2024" in page.inner_text("#priors")


@pytest.mark.parametrize("viewport", [None, PHONE])
def test_a_study_that_is_withdrawn_leaves_its_open_page(
    viewport: dict[str, int] | None, archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = arrivals.dataset(PatientName="Secret^Susan")
    archive.receive(made)
    page = open_page(alice, awaited=(404,), **({"viewport": viewport} if viewport else {}))
    page.goto(addresses(made).study)
    assert page.locator("#study-gone").is_hidden()
    withdrawal.withdraw(InstanceVersion.objects.values_list("pk", flat=True), actor=SYSTEM, reason="wrong patient")
    until(lambda: page.locator("#study-gone").is_visible(), "nothing is said", 15)
    assert "Secret" not in page.evaluate("document.body.innerText")
    assert "Susan" not in page.title()


def test_an_image_that_arrives_is_counted_on_the_open_page_and_joins_the_open_series(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = arrivals.dataset()
    archive.receive(made)
    page = open_page(alice)
    page.goto(addresses(made).study)
    assert "1 image" in page.inner_text("#study-series .series")
    page.locator(".series-links a").first.click()
    page.wait_for_selector(".tiles")
    page.locator(".tiles a").first.focus()
    archive.receive(arrivals.dataset(StudyInstanceUID=made.StudyInstanceUID, SeriesInstanceUID=made.SeriesInstanceUID))
    until(lambda: "2 images" in page.inner_text("#study-series .series"), "the new image is not counted", 15)
    until(lambda: page.locator(".tiles li").count() == 2, "the open series does not show it", 15)
    assert page.evaluate("document.activeElement.id") == "image-1", "the focus stays where it was"


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_the_page_is_no_wider_than_its_window_in_the_longer_language(
    head: str, alice: User, open_page: OpenPage, width: int
) -> None:
    alice.language = "fr"
    alice.save()
    page = open_page(alice, viewport={"width": width, "height": 900})
    page.goto(f"/studies/{head}/")
    page.wait_for_selector("#study-title")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
