"""Single sign-on in a browser, at a provider that other people wrote: npm's oidc-provider."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from accounts.audit import Action
from accounts.audit.models import AuditEvent
from accounts.models import Department, IdentityProvider, Membership, User
from tests.accounts.federation.conftest import listed, rule
from tests.browser.conftest import Complaints
from tests.chromium import leave
from tests.oidc_provider import honest
from tests.oidc_provider.honest import CLIENT_SECRET, HonestProvider

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ANNA = {
    "preferred_username": "anna",
    "name": "Anna Weber",
    "groups": ["pacs-emergency"],
    "acr": "urn:test:passkey",
    "amr": ["hwk"],
}


@pytest.fixture
def there(live_server: Any, tmp_path: Any, emergency: Department) -> Iterator[HonestProvider]:
    """The hospital's provider, running, listed here, with a rule for the emergency department."""
    cache.clear()
    here = f"{live_server.url}/account/sso/hospital/"
    with honest.running(tmp_path, callbacks=[f"{here}callback/"], logout=f"{here}back-channel-logout/") as found:
        found.knows(anna=ANNA)
        rule(listed(found.issuer, secret=CLIENT_SECRET), emergency)
        yield found


@pytest.fixture
def page(live_server: Any, chromium: Browser) -> Iterator[Page]:
    """A page where nobody is signed in."""
    complaints = Complaints(awaited={503})
    context = chromium.new_context(base_url=live_server.url, locale="en-GB")
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    complaints.listen(opened)
    yield opened
    leave(context)
    assert not [said for said in complaints.heard if "/account/" in said or "policy" in said]


def sign_in(page: Page, who: str = "anna") -> None:
    page.goto("/account/login/")
    page.get_by_role("link", name="The hospital's account").click()
    page.get_by_label("Who").fill(who)
    page.get_by_role("button", name="Continue").click()


def test_a_person_signs_in_at_the_hospital_and_its_logout_ends_the_session_here(
    page: Page, there: HonestProvider, live_server: Any
) -> None:
    sign_in(page)
    page.wait_for_url(re.compile(f"^{re.escape(live_server.url)}/(\\?.*)?$"))
    anna = User.objects.get(username="anna")
    assert list(Membership.objects.filter(user=anna).values_list("department__code", "role")) == [
        ("emergency", "clinician")
    ]
    # Signed out there: the provider tells us behind the browser's back.
    out = page.context.new_page()
    out.goto(f"{there.issuer}/session/end")
    out.get_by_role("button", name="Sign out").click()
    out.get_by_text("You are out").wait_for()
    page.goto("/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not Session.objects.exclude(session_key=None).filter(expire_date__isnull=True).exists()
    ended = AuditEvent.objects.filter(action=Action.SESSION_ENDED).get()
    assert "back-channel logout" in str(ended.detail)


def test_who_is_away_there_and_who_is_down_say_so_and_the_password_stays(
    page: Page, there: HonestProvider, alice: User
) -> None:
    page.goto("/account/login/")
    page.get_by_role("link", name="The hospital's account").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("was not completed")
    IdentityProvider.objects.update(issuer="http://localhost:9")
    page.goto("/account/login/")
    page.get_by_role("link", name="The hospital's account").click()
    expect(page.get_by_role("alert")).to_contain_text("Sign in with the password")
    page.get_by_role("link", name="To the sign-in page").click()
    expect(page.get_by_label("Password")).to_be_visible()


def test_a_person_confirms_at_the_hospital_which_asks_again(
    page: Page, there: HonestProvider, live_server: Any
) -> None:
    sign_in(page)
    page.wait_for_url(re.compile(f"^{re.escape(live_server.url)}/(\\?.*)?$"))
    page.goto("/account/sso/hospital/?for=confirm&next=/account/identities/")
    # The provider has a session, and asks all the same.
    page.get_by_label("Who").fill("anna")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Hospital accounts")).to_be_visible()
    assert AuditEvent.objects.filter(action=Action.USER_CONFIRMED).count() == 1
    # Somebody else at the same computer confirms nothing.
    there.knows(anna=ANNA, ben={**ANNA, "preferred_username": "ben"})
    page.goto("/account/sso/hospital/?for=confirm&next=/account/identities/")
    page.get_by_label("Who").fill("ben")
    page.get_by_role("button", name="Continue").click()
    # This provider ends Anna's session first, and says so behind the browser's back: whichever comes first, it is refused.
    expect(page.get_by_role("alert")).to_contain_text(re.compile("somebody else|another window"))
    assert AuditEvent.objects.filter(action=Action.USER_CONFIRMED).count() == 1


def test_the_provider_answers_a_program_as_it_answers_a_browser(there: HonestProvider) -> None:
    with httpx.Client() as browser:
        said = browser.get(f"{there.issuer}/.well-known/openid-configuration").json()
    assert said["issuer"] == there.issuer
