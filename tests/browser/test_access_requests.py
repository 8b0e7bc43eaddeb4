"""Asking for access in a real browser, from the empty list to the end of the access, and by keys where one decides."""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.access.requests.models import AccessRequest
from imaging.studies import services as studies
from imaging.studies.models import Grant, Placement, Study
from imaging.studies.rows.incoming import PlannedPlacement
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def study(data_dir: Any, emergency: Department) -> Study:
    """A hip that radiology examined for emergency."""
    radiology = DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)
    made = arrivals.dataset(PatientName="Benali^Samir", PatientBirthDate="19880422", StudyDescription="Left hip")
    studies.register([arrivals.incoming(made, data_dir / "arrived", radiology)], actor=SYSTEM)
    found = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    studies.place_study(found, PlannedPlacement(emergency.pk, "requesting", "rule"), actor=SYSTEM)
    return found


@pytest.fixture
def marc(emergency: Department) -> User:
    """The manager of emergency."""
    user = UserFactory.create(username="marc", display_name="Marc Vidal")
    MembershipFactory.create(user=user, department=emergency, role=Role.DEPARTMENT_MANAGER)
    return user


def looked_at(page: Page, name: str) -> None:
    """No page is wider than its window, and axe has nothing to complain about."""
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_load_state("networkidle")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/access-{name}-{size}.png", full_page=True)
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        told = [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
        assert not told, f"{name} {size}: {told}"
    page.set_viewport_size(WIDE)


def opened(open_page: OpenPage, user: User) -> Page:
    page = open_page(user)
    page.context.add_init_script(path=AXE)
    return page


def test_access_is_asked_for_approved_used_and_ends(study: Study, bob: User, marc: User, open_page: OpenPage) -> None:
    as_reader(marc, "en", "light")
    asking = opened(open_page, bob)
    asking.goto("/")
    asking.locator("#q").fill("Benali Samir 22/04/1988")
    asking.keyboard.press("Enter")
    expect(asking.get_by_text("Exists elsewhere: ask for access")).to_be_visible()
    assert "Left" not in asking.content()
    looked_at(asking, "found")
    asking.get_by_role("button", name="Ask for access").click()
    expect(asking.get_by_role("heading", name="Ask for access")).to_be_visible()
    looked_at(asking, "ask")
    asking.get_by_label("Your relation to the patient").select_option("treating")
    asking.get_by_label("What the images are for").select_option("planning")
    asking.get_by_label("In your words").fill("Hip replacement tomorrow at eight")
    asking.get_by_label("For how long").select_option("1")
    asking.get_by_role("button", name="Send the request").click()
    expect(asking.get_by_text("It waits for a decision")).to_be_visible()
    looked_at(asking, "waiting")

    deciding = opened(open_page, marc)
    deciding.goto("/access/desk/")
    expect(deciding.get_by_text("1 request waits for you")).to_be_visible()
    looked_at(deciding, "desk")
    deciding.locator("tbody a").first.click()
    expect(deciding.get_by_text("Hip replacement tomorrow at eight")).to_be_visible()
    looked_at(deciding, "decide")
    deciding.keyboard.press("a")
    expect(deciding.get_by_text("Approved: it is open now.")).to_be_visible()

    asking.reload()
    expect(asking.get_by_text("It is open to you")).to_be_visible()
    looked_at(asking, "open")
    asking.get_by_role("link", name="Left hip").click()
    expect(asking.get_by_role("heading", level=1)).to_contain_text("Left hip")

    past = timezone.now() - timedelta(seconds=1)
    Grant.objects.update(until=past)
    Placement.objects.filter(kind="grant").update(until=past)
    answer = asking.request.get(f"/studies/{study.study_instance_uid}/")
    assert answer.status == 404
    asking.goto(f"/access/requests/{AccessRequest.objects.get().pk}/")
    expect(asking.get_by_text("It has ended")).to_be_visible()
    asking.goto("/access/")
    expect(asking.locator("tbody").get_by_text("expired")).to_be_visible()
    looked_at(asking, "mine")


def test_looking_elsewhere_by_the_dialog_of_the_list(study: Study, bob: User, open_page: Callable[..., Page]) -> None:
    page = opened(open_page, as_reader(bob, "en", "dark"))
    page.goto("/?q=Benali")
    page.get_by_role("button", name="Look elsewhere in the hospital").click()
    dialog = page.locator("#elsewhere")
    expect(dialog.get_by_label("Full name")).to_have_value("Benali")
    dialog.get_by_role("button", name="Look", exact=True).click()
    expect(dialog.get_by_text("Nothing was looked for")).to_be_visible()
    dialog.get_by_label("Full name").fill("Samir Benali")
    dialog.get_by_label("Birth date").fill("1988-04-22")
    looked_at(page, "dialog")
    dialog.get_by_role("button", name="Look", exact=True).click()
    expect(dialog.get_by_text("Exists elsewhere")).to_be_visible()
