"""Back to the same row and the same scroll: by Esc, by the page's own link, by the browser's button."""

import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.list_reader import chosen, receive
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

LOW = {"width": 1440, "height": 500}


def scrolled(page: Page) -> int:
    return int(page.evaluate("document.querySelector('.table-wrap').scrollTop"))


@pytest.mark.parametrize("way", ["Escape", "link", "browser"])
@pytest.mark.parametrize("there", ["Shift+Enter", "Enter"])
def test_the_list_is_as_it_was_left(there: str, way: str, archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = receive(archive, 60)
    page = open_page(alice, viewport=LOW)
    page.goto("/?modality=CT")
    page.keyboard.press("j")
    page.keyboard.press("End")
    page.keyboard.press("j")
    page.wait_for_url("**cursor=*")
    until(lambda: chosen(page) == made[50].StudyInstanceUID, "the second page does not begin with its first row")
    for _ in range(9):
        page.keyboard.press("j")
    address, before = page.url, scrolled(page)
    row = chosen(page)
    page.keyboard.press(there)
    page.wait_for_url(f"**/{row}/")
    if way == "browser":
        page.go_back()
    elif way == "Escape":
        page.locator("body").press("Escape")
    else:
        page.click("a[data-back], .viewer-head a.back")
    page.wait_for_url(address)
    until(lambda: chosen(page) == row, "another row is chosen")
    assert abs(scrolled(page) - before) <= 1
    page.keyboard.press("k")
    assert chosen(page) == made[58].StudyInstanceUID


def test_from_the_viewer_over_the_study_page_each_step_is_one_back(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 2)
    page = open_page(alice)
    page.goto("/?q=row")
    page.keyboard.press("j")
    page.keyboard.press("Shift+Enter")
    page.wait_for_url(f"**/studies/{made[0].StudyInstanceUID}/")
    page.locator("body").press("Enter")
    page.wait_for_url(f"**/viewer/{made[0].StudyInstanceUID}/")
    page.locator("body").press("Escape")
    page.wait_for_url(f"**/studies/{made[0].StudyInstanceUID}/")
    page.locator("body").press("Escape")
    page.wait_for_url("**/?q=row")
    assert chosen(page) == made[0].StudyInstanceUID


def test_a_study_that_was_opened_by_its_address_leads_to_the_list(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 1)
    page = open_page(alice)
    page.goto(f"/studies/{made[0].StudyInstanceUID}/")
    page.locator("body").press("Escape")
    page.wait_for_url("**/")
    assert page.locator("tbody tr").count() == 1
