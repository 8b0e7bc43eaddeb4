"""The bell in a real browser: it counts by itself, what is urgent stands over the page until opened, and one can read it all."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actor import SYSTEM
from accounts.models import Department, Notification, User
from accounts.notifications import services
from accounts.roles import Role
from imaging.access.requests import notices
from imaging.orders.models import ExamRequest, Procedure, Region
from tests.browser.conftest import OpenPage
from tests.browser.test_access_requests import looked_at, opened
from tests.browser.test_pages import as_reader
from tests.factories.accounts import MembershipFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

#: A page asks every fifteen seconds.
_SOON = 40_000


def tell(person: User, uid: str, *, urgent: bool = False) -> None:
    """Tell a person that a request of theirs was decided."""
    services.notify([person], notices.DECIDED, path="/access/", subject=("access_request", uid), actor=SYSTEM)
    if urgent:
        Notification.objects.filter(user=person, subject_uid=uid).update(is_urgent=True)


def test_the_bell_counts_by_itself_and_what_is_urgent_waits_to_be_opened(bob: User, open_page: OpenPage) -> None:
    as_reader(bob, "en", "light")
    page = opened(open_page, bob)
    page.goto("/lists/")
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()
    tell(bob, "1")
    tell(bob, "2", urgent=True)
    expect(page.get_by_role("link", name="Notifications, 2 unread")).to_be_visible(timeout=_SOON)
    toast = page.get_by_role("alert").filter(has_text="Your access request was decided")
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Show it later").click()
    expect(toast).to_be_hidden()
    page.get_by_role("link", name="Notifications, 2 unread").click()
    expect(page.get_by_role("heading", name="Unread")).to_be_visible()
    expect(page.locator("[data-toast]")).to_be_hidden()
    looked_at(page, "notifications")
    page.get_by_role("link", name="Your access request was decided").first.click()
    page.wait_for_url("**/access/")
    expect(page.get_by_role("link", name="Notifications, 1 unread")).to_be_visible()
    # This very page is what the other one speaks of: it counts as read once it is shown.
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible(timeout=_SOON)
    page.goto("/account/notifications/")
    looked_at(page, "preferences")


def test_figures_fit_speak_and_satisfy_axe(bob: User, emergency: Department, open_page: OpenPage) -> None:
    MembershipFactory.create(user=bob, department=emergency, role=Role.DEPARTMENT_MANAGER)
    procedure = Procedure.objects.create(code="hand", name="Hand", modality="DX", region=Region.UPPER_LIMB)
    for hours in range(1, 200, 7):
        asked = timezone.now() - timedelta(hours=hours)
        ExamRequest.objects.create(
            state=ExamRequest.State.REPORTED if hours % 2 else ExamRequest.State.REQUESTED,
            procedure=procedure,
            performing_department=emergency,
            requested_at=asked,
            reported_at=asked + timedelta(minutes=hours) if hours % 2 else None,
        )
    for theme in ("dark", "light"):
        as_reader(bob, "en", theme)
        page = opened(open_page, bob)
        page.goto("/figures/")
        expect(page.get_by_role("heading", name="Turn-around, step by step")).to_be_visible()
        looked_at(page, "figures")
    page.get_by_label("Compared by", exact=True).select_option("weekday")
    expect(page.get_by_role("heading", name="Compared by day of the week")).to_be_visible()
