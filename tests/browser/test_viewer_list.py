"""From study to study in the viewer, in the order of the list that the reader came from; and what the viewer says of itself."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.list_reader import chosen, receive
from tests.browser.test_viewer import open_viewer, shows, stack, wait_for_picture
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

__all__ = ["stack"]


def goes_to(page: Page, study: str) -> None:
    """Wait until the viewer shows a study."""
    page.wait_for_url(f"**/viewer/{study}/**", wait_until="commit")
    until(lambda: page.locator("[data-viewer][data-ready=true]").count() == 1, "the viewer does not start")


def test_n_and_p_go_through_the_list_and_escape_comes_back_to_where_the_reader_is(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = [one.StudyInstanceUID for one in receive(archive, 3)]
    page = open_page(alice)
    page.goto("/?q=row")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    goes_to(page, made[0])
    page.keyboard.press("p")
    until(lambda: "first study of the list" in page.inner_text("[data-news]"), "the beginning is not said")
    page.keyboard.press("n")
    goes_to(page, made[1])
    page.click("[data-act=next-study]")
    goes_to(page, made[2])
    page.keyboard.press("n")
    until(lambda: "last study of the list" in page.inner_text("[data-news]"), "the end is not said")
    page.keyboard.press("p")
    goes_to(page, made[1])
    page.keyboard.press("Escape")
    page.wait_for_url("**/?q=row", wait_until="commit")
    until(lambda: chosen(page) == made[1], f"the list stands at {chosen(page)}")


def test_n_goes_over_the_end_of_a_page_of_the_list(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = [one.StudyInstanceUID for one in receive(archive, 52)]
    page = open_page(alice)
    page.goto("/?q=row")
    keys = page.locator("tr[data-key]").evaluate_all("rows => rows.map(row => row.dataset.key)")
    assert page.locator("a[rel=next]").count() >= 1, "the list has one page"
    page.goto(f"/viewer/{keys[-1]}/")
    goes_to(page, keys[-1])
    page.keyboard.press("n")
    goes_to(page, made[len(keys)])
    page.keyboard.press("p")
    goes_to(page, keys[-1])


def test_without_a_list_it_is_said(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    assert page.is_hidden("[data-list-steps]")
    page.keyboard.press("n")
    until(lambda: "not opened from a list" in page.inner_text("[data-news]"), "nothing is said")


def inside(page: Page) -> int:
    """How much the middle of the star in the tools differs from what is around it, of 255."""
    seen = Image.open(io.BytesIO(page.locator("[data-act=key-image]").screenshot())).convert("L")
    beside = seen.getpixel((4, seen.height // 2))
    return abs(int(seen.getpixel((seen.width // 2, seen.height // 2))) - int(beside))


def test_the_star_is_filled_while_the_image_is_a_key_image(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    page.keyboard.press("Home")
    until(lambda: inside(page) < 20, "the star is filled though nobody flagged the image")
    page.keyboard.press("k")
    until(lambda: inside(page) > 60, "the star is not filled")
    page.keyboard.press("ArrowDown")
    until(lambda: inside(page) < 20, "the next image has the star too")
    page.keyboard.press("ArrowUp")
    until(lambda: inside(page) > 60, "the star does not come back")


def test_the_keys_of_the_viewer_come_first_in_the_viewer(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    wait_for_picture(page)
    shows(page, "slice", "/")
    page.keyboard.press("?")
    headings = page.locator("#keys h3").all_text_contents()
    assert headings[0] == "Viewer"
    assert headings.count("Viewer") == 1
    page.goto("/")
    assert page.locator("#keys h3").all_text_contents()[0] != "Viewer"
