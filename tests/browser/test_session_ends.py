"""A session that ends while a page is open: sign in again on the page, and nothing that was typed is lost."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.list_reader import chosen, receive
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

PASSWORD = "correct-horse-battery"


@pytest.fixture
def anna(alice: User) -> User:
    """Alice, with a password that is known."""
    alice.set_password(PASSWORD)
    alice.save()
    return alice


def sign_in_again(page: Page, name: str, password: str = PASSWORD) -> None:
    page.locator("#sign-in-again[open]").wait_for(timeout=20_000)
    page.fill("#again-login", name)
    page.fill("#again-password", password)
    page.keyboard.press("Enter")


def test_the_list_asks_to_sign_in_again_and_goes_on_at_the_same_row(
    archive: Archive, anna: User, open_page: OpenPage
) -> None:
    made = receive(archive, 3)
    page = open_page(anna)
    page.goto("/?q=row")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.evaluate("window.same = true")
    Session.objects.all().delete()
    page.locator("#sign-in-again[open]").wait_for(timeout=20_000)
    assert page.input_value("#again-login") == "alice"
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    sign_in_again(page, "alice", "wrong password")
    until(lambda: page.locator("[data-sign-in-error]").is_visible(), "the refusal is not said")
    sign_in_again(page, "alice")
    until(lambda: page.locator("#sign-in-again[open]").count() == 0, "the dialog stays")
    assert page.evaluate("window.same === true")
    assert page.url.endswith("/?q=row")
    assert chosen(page) == made[1].StudyInstanceUID
    receive(archive, 1)
    until(lambda: page.locator("[data-arrivals].is-shown").count() == 1, "the list does not go on", 20)


def test_a_form_is_sent_with_what_was_typed_after_signing_in_again(
    archive: Archive, anna: User, open_page: OpenPage
) -> None:
    page = open_page(anna)
    page.goto("/account/password/")
    page.locator("input[type=password]").nth(0).fill(PASSWORD)
    for number in (1, 2):
        page.locator("form[action] input[type=password], main input[type=password]").nth(number).fill(
            "another-horse-battery"
        )
    Session.objects.all().delete()
    # As after a minute in which the page heard nothing of the server.
    page.evaluate("performance.now = () => 1e9")
    page.locator("main form button[type=submit]").click()
    sign_in_again(page, "alice")
    until(lambda: User.objects.get(pk=anna.pk).check_password("another-horse-battery"), "the form was not sent")


def test_somebody_else_who_signs_in_sees_their_own_first_page(
    archive: Archive, anna: User, bob: User, open_page: OpenPage
) -> None:
    bob.set_password(PASSWORD)
    bob.save()
    receive(archive, 2)
    page = open_page(anna)
    page.goto("/?q=row")
    assert page.locator("tbody tr").count() == 2
    Session.objects.all().delete()
    sign_in_again(page, "bob")
    page.wait_for_url(lambda address: address.endswith("/"))
    assert page.locator("tbody tr").count() == 0
    assert page.get_attribute("body", "data-account") == str(bob.pk)


def test_the_palette_asks_too(archive: Archive, anna: User, open_page: OpenPage) -> None:
    page = open_page(anna)
    page.goto("/account/password/")
    Session.objects.all().delete()
    page.keyboard.press("Control+k")
    sign_in_again(page, "alice")
    until(lambda: page.locator("#sign-in-again[open]").count() == 0, "the dialog stays")
    page.keyboard.press("Control+k")
    until(lambda: page.locator("#palette [data-palette-lists] [role=option]").count() > 1, "the lists do not come")
