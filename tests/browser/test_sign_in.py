"""Signing in as people do: an authenticator app, a passkey on a virtual authenticator, a proof asked again, the next person."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect

from accounts.actor import SYSTEM
from accounts.models import SignInPolicy, User
from accounts.signing_in import policy, totp
from tests.browser.conftest import OpenPage
from tests.chromium import leave
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def with_authenticator(page: Page) -> None:
    """Give the page a device that keeps passkeys and recognises its owner (WebDriver for WebAuthn)."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def type_password(page: Page, name: str) -> None:
    page.fill("#id_login", name)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def now(secret: str, step: int = 0) -> str:
    return totp.code_at(secret, int(time.time()) // 30 + step)


@pytest.fixture
def house(settings: Any, live_server: Any) -> None:
    settings.PUBLIC_URL = live_server.url


def stale() -> Callable[[], None]:
    """A rule under which nothing shown before this moment is fresh any more: the session's proofs are made old."""
    from django.contrib.sessions.models import Session

    def made_old() -> None:
        for row in Session.objects.all():
            data = row.get_decoded()
            for proof in data.get("proofs", {}).get("shown", ()):
                proof["at"] -= 3600
            row.session_data = Session.get_session_store_class()().encode(data)
            row.save()

    return made_old


def test_an_app_and_a_passkey_are_set_up_and_both_sign_in(house: None, open_page: OpenPage, alice: User) -> None:
    page = open_page(alice)
    with_authenticator(page)
    page.goto(reverse("accounts:security"))
    page.get_by_role("link", name="Set up an authenticator app").click()
    page.get_by_text("cannot read it").click()
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.fill("#id_code", now(secret, -1))
    page.get_by_role("button", name="Set up").click()
    expect(page.locator("#codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()

    page.fill("#passkey-name", "My badge")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_text("Your passkey is ready.")).to_be_visible()
    expect(page.locator("input[value='My badge']")).to_be_visible()

    page.context.clear_cookies()
    page.goto(reverse("account_login"))
    type_password(page, "alice")
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    page.fill("#proof-code", now(secret))
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile(r"/$"))
    expect(page.locator(".who-am-i")).to_be_visible()

    page.context.clear_cookies()
    page.goto(reverse("account_login") + "?next=/account/security/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Security of my account")).to_be_visible()
    expect(page.get_by_text("Passkey").last).to_be_visible()


def test_who_must_have_a_passkey_is_led_to_it_before_anything_else(
    house: None, chromium: Browser, live_server: Any, alice: User
) -> None:
    policy.change(actor=SYSTEM, user=None, row=SignInPolicy(passkey_roles=["clinician"]))
    page = chromium.new_context(base_url=live_server.url).new_page()
    with_authenticator(page)
    page.goto("/")
    type_password(page, "alice")
    expect(page.get_by_role("heading", name="Protect your account")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("heading", name="Protect your account")).to_be_visible()
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator("#codes li")).to_have_count(10)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator(".who-am-i")).to_be_visible()
    leave(page.context)


def test_what_was_typed_goes_through_the_proof_that_is_asked_again(house: None, open_page: OpenPage, db: None) -> None:
    administrator = UserFactory.create(username="root", is_staff=True, is_superuser=True)
    page = open_page(administrator)
    page.goto("/admin/accounts/site/add/")
    page.fill("#id_name", "Hôpital <Sud>")
    page.fill("#id_issuer_of_patient_id", "SUD")
    stale()()
    page.locator("input[name=_save]").click()
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.fill("#proof-password", "not this one")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("This is not your present password.")).to_be_visible()
    page.fill("#proof-password", PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    expect(page.get_by_role("link", name="Hôpital <Sud>").first).to_be_visible()


def test_the_next_person_at_a_shared_computer_comes_to_the_same_page(
    house: None, open_page: OpenPage, alice: User, bob: User
) -> None:
    page = open_page(alice)
    page.goto("/help/")
    page.evaluate("sessionStorage.setItem('mine', 'typed')")
    page.locator(".who-am-i").click()
    page.get_by_role("button", name="Switch user").click()
    expect(page.get_by_role("heading", name="Next person")).to_be_visible()
    type_password(page, "bob")
    expect(page).to_have_url(re.compile("/help/"))
    expect(page.locator(".who-am-i")).to_contain_text("Bob")
    assert page.evaluate("sessionStorage.getItem('mine')") is None


def test_the_dialog_of_an_ended_session_asks_for_the_second_step_too(
    house: None, open_page: OpenPage, alice: User
) -> None:
    secret = totp.new_secret()
    totp.add(alice, secret, 0)
    page = open_page(alice)
    page.goto("/")
    page.context.clear_cookies()
    dialog = page.locator("#sign-in-again")
    expect(dialog).to_be_visible(timeout=20_000)
    page.fill("#again-password", PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    dialog.locator("#proof-code").fill(now(secret))
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".who-am-i")).to_contain_text("Alice")
