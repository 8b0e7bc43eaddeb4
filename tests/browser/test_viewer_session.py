"""A session that ends while images are read: the reader signs in on the page, at the same image, and no mark is lost."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Route

from accounts.models import User
from imaging.studies.models import Annotation
from tests.browser.conftest import OpenPage, until
from tests.browser.test_session_ends import PASSWORD, sign_in_again
from tests.browser.test_viewer import SLICES, open_viewer, shows, slices, stack, wait_for_picture
from tests.browser.test_viewer_marks import drag, on_screen, open_still, phantom, saved, says
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

__all__ = ["phantom", "stack"]


@pytest.fixture
def anna(alice: User) -> User:
    """Alice, with a password that is known."""
    alice.set_password(PASSWORD)
    alice.save()
    return alice


def gone(page: Page) -> None:
    """Wait until the question to sign in is gone."""
    until(lambda: page.locator("#sign-in-again[open]").count() == 0, "the dialog stays")


def test_marks_drawn_after_the_session_ended_are_saved_once_the_reader_signed_in_again(
    phantom: str, anna: User, open_page: OpenPage
) -> None:
    page = open_page(anna)
    open_still(page, phantom)
    page.keyboard.press("End")
    shows(page, "slice", "4 / 4")
    page.evaluate("window.same = true")
    page.keyboard.press("t")
    page.mouse.move(*on_screen(page, (10, 20)))
    page.mouse.down()
    page.mouse.move(*on_screen(page, (50, 20)), steps=8)
    # Not before: pictures that are fetched ahead would be refused too, and the question to sign in would take the mouse.
    Session.objects.all().delete()
    page.mouse.up()
    page.locator("#sign-in-again[open]").wait_for()
    # Other questions of the page may have been refused first.
    until(lambda: page.get_attribute("[data-saved]", "data-state") == "signed_out", "the reader is not told what waits")
    sign_in_again(page, "alice")
    gone(page)
    saved(page)
    assert Annotation.objects.count() == 1
    says(page, "20.0 mm")
    shows(page, "slice", "4 / 4")
    assert page.evaluate("window.same === true")


def test_signing_in_in_another_window_is_enough(phantom: str, anna: User, open_page: OpenPage) -> None:
    page = open_page(anna)
    open_still(page, phantom)
    session = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    page.locator("#sign-in-again[open]").wait_for()
    # The page notices it by itself when it is asked for changes.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.context.add_cookies(session)  # type: ignore[arg-type]
    until(
        lambda: (
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            or page.locator("#sign-in-again[open]").count() == 0
        ),
        "the dialog stays",
    )
    saved(page)
    assert Annotation.objects.count() == 1


def test_images_that_were_refused_come_after_signing_in(archive: Archive, anna: User, open_page: OpenPage) -> None:
    made, other = slices(3), slices(2)
    for one in other:
        one.StudyInstanceUID = made[0].StudyInstanceUID
        one.SeriesNumber = 2
    archive.receive(*made, *other)
    page = open_page(anna)
    open_viewer(page, made[0].StudyInstanceUID)
    Session.objects.all().delete()
    page.keyboard.press("PageDown")
    sign_in_again(page, "alice")
    gone(page)
    shows(page, "slice", "/ 2")
    wait_for_picture(page)
    until(lambda: page.is_hidden("[data-tile]"), "the tile stays over the picture")
    until(lambda: page.is_hidden("[data-loading]"), "not all of the series is loaded")


def test_a_viewer_that_is_opened_as_the_session_ends_opens_after_signing_in(
    stack: str, anna: User, open_page: OpenPage
) -> None:
    page = open_page(anna)
    refused: list[str] = []

    def ended(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=401)

    page.route("**/manifest.json", ended)
    page.goto(f"/viewer/{stack}/")
    Session.objects.all().delete()
    sign_in_again(page, "alice")
    shows(page, "slice", f"/ {SLICES}")
