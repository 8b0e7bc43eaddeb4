"""The study list by keys alone and by mouse: one row at a time, over the end of a page, and new rows that never push."""

import pytest

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.list_reader import chosen, focused, receive, rows
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_rows_are_chosen_by_keys_have_the_focus_and_are_one_stop_of_tab(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 4)
    page = open_page(alice)
    page.goto("/")
    assert page.locator("[data-rows] [tabindex='0']").count() == 1
    for key, row in (("j", 0), ("j", 1), ("ArrowDown", 2), ("k", 1), ("ArrowUp", 0), ("End", 3), ("Home", 0), ("k", 0)):
        page.keyboard.press(key)
        assert chosen(page) == focused(page) == made[row].StudyInstanceUID, key
        assert page.locator("[data-rows] [tabindex='0']").get_attribute("data-key") == made[row].StudyInstanceUID
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/viewer/{made[0].StudyInstanceUID}/")


def test_shift_and_enter_open_the_study_page_and_control_and_enter_a_new_tab(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 2)
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("j")
    with page.context.expect_page() as opened:
        page.keyboard.press("Control+Enter")
    assert f"/viewer/{made[0].StudyInstanceUID}/" in opened.value.url
    assert page.url.endswith("/")
    page.keyboard.press("Shift+Enter")
    page.wait_for_url(f"**/studies/{made[0].StudyInstanceUID}/")


def test_one_click_chooses_two_open_and_the_middle_button_opens_a_tab(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 3)
    page = open_page(alice)
    page.goto("/")
    link = page.locator("tbody .who a").nth(1)
    link.click()
    assert chosen(page) == focused(page) == made[1].StudyInstanceUID
    assert page.url.endswith("/")
    for how in ({"button": "middle"}, {"modifiers": ["Control"]}):
        with page.context.expect_page() as opened:
            link.click(**how)  # type: ignore[arg-type]
        assert f"/studies/{made[1].StudyInstanceUID}/" in opened.value.url
    page.locator("tbody tr").nth(2).dblclick()
    page.wait_for_url(f"**/viewer/{made[2].StudyInstanceUID}/")


def test_a_finger_follows_the_link_at_once(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = receive(archive, 2)
    page = open_page(alice, has_touch=True, viewport={"width": 390, "height": 844})
    page.goto("/")
    page.locator("tbody .who a").nth(1).tap()
    page.wait_for_url(f"**/studies/{made[1].StudyInstanceUID}/")


def test_x_ticks_a_row_and_with_shift_all_rows_between(archive: Archive, alice: User, open_page: OpenPage) -> None:
    receive(archive, 6)
    page = open_page(alice)
    page.goto("/")
    ticked = page.locator("tbody [data-tick]:checked")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert ticked.count() == 1
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert ticked.count() == 4
    assert page.inner_text("#selection [data-counted]") == "4 studies selected"
    page.keyboard.press("Shift+ArrowDown")
    assert ticked.count() == 5
    page.locator("tbody [data-tick]").nth(5).click()
    page.locator("tbody [data-tick]").nth(2).click(modifiers=["Shift"])
    assert ticked.count() == 6
    page.keyboard.press("x")
    page.click("#selection [type=reset]")
    until(
        lambda: page.inner_text("#selection [data-counted]") in {"0 studies selected", ""},
        "the number of ticks does not follow",
    )


def test_letters_are_for_who_wants_them_and_never_for_fields(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    receive(archive, 2)
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("jx ")
    assert page.input_value("[data-search]") == "jx "
    assert chosen(page) == ""
    page.goto("/")
    page.keyboard.press("?")
    page.locator("#keys [data-letters]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert chosen(page) == ""
    page.goto("/")
    page.keyboard.press("j")
    assert chosen(page) == ""
    page.keyboard.press("?")
    assert page.locator("#keys[open]").count() == 0
    page.keyboard.press("ArrowDown")
    assert chosen(page) != ""


def test_the_keys_go_over_the_end_of_a_page_and_back(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = receive(archive, 52)
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("End")
    assert chosen(page) == made[49].StudyInstanceUID
    page.keyboard.press("j")
    page.wait_for_url("**/?cursor=*")
    until(lambda: chosen(page) == made[50].StudyInstanceUID, "the next page does not begin with its first row")
    page.keyboard.press("k")
    until(lambda: chosen(page) == made[49].StudyInstanceUID, "the page before does not begin with its last row")


def test_new_rows_wait_for_who_reads_and_are_counted(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = receive(archive, 30)
    page = open_page(alice, viewport={"width": 1440, "height": 500})
    page.goto("/")
    for _ in range(20):
        page.keyboard.press("j")
    top = page.evaluate("document.querySelector('.table-wrap').scrollTop")
    assert top > 0
    archive.receive(*(arrivals.dataset(PatientID=f"N{n}", StudyDate="20260401") for n in range(3)))
    page.locator("[data-arrivals].is-shown").wait_for(timeout=20_000)
    assert "3" in page.inner_text("[data-arrivals-text]")
    assert page.locator("tbody tr").count() == 30
    assert chosen(page) == focused(page) == made[19].StudyInstanceUID
    assert page.evaluate("document.querySelector('.table-wrap').scrollTop") == top
    page.click("[data-arrivals]")
    assert page.locator("tbody tr").count() == 33
    assert page.locator("tbody tr.fresh").count() == 3
    assert chosen(page) == made[19].StudyInstanceUID
    assert page.evaluate("document.querySelector('.table-wrap').scrollTop") == 0


def test_a_row_that_changes_changes_in_place_and_one_that_goes_goes(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = receive(archive, 3)
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.evaluate("window.same = document.querySelectorAll('tbody tr')[1]")
    more = rows(2)[1]
    more.StudyInstanceUID = made[1].StudyInstanceUID
    archive.receive(more)
    until(lambda: "2" in page.inner_text("tbody tr:nth-child(2) .c-images"), "the number of images does not follow", 20)
    assert page.evaluate("window.same === document.querySelectorAll('tbody tr')[1]")
    assert chosen(page) == focused(page) == made[1].StudyInstanceUID
    assert page.locator("tbody [data-tick]:checked").count() == 1
    archive.study(made[2].StudyInstanceUID).placements.all().delete()  # type: ignore[attr-defined]
    until(lambda: page.locator("tbody tr").count() == 2, "a study that left the list is still shown", 20)
