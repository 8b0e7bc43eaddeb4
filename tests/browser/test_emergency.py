"""Emergency access in a browser: from the menu to the images, the strip that counts, and what happens when it is over."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User
from imaging.access.emergency.models import EmergencyAccess
from imaging.studies.models import Grant, Placement
from tests.browser.conftest import PHONE, OpenPage, until
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def study(archive: Archive, decoders: Pool) -> str:
    """A drawn study of emergency: its UID."""
    made = arrivals.dataset(PatientName="Secret^Susan", PatientID="P1", PatientBirthDate="19700102")
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    return str(made.StudyInstanceUID)


def breaks_the_glass(page: Page) -> None:
    page.click(".who-am-i")
    page.click("#account-menu a:has-text('Emergency access')")
    page.fill("#id_patient_id", "P1")
    page.fill("#id_birth_date", "1970-01-02")
    page.check("input[name=purpose][value=ETREAT]")
    page.fill("#id_reason", "Unconscious after a fall, bleeding known?")
    page.click("button:has-text('Open in an emergency')")
    page.wait_for_selector("h2:has-text('Studies of this patient')")


def ends_in(seconds: float) -> None:
    until_ = timezone.now() + timedelta(seconds=seconds)
    EmergencyAccess.objects.update(until=until_)
    Grant.objects.update(until=until_)
    Placement.objects.filter(kind="emergency").update(until=until_)


def test_the_glass_is_broken_the_images_are_read_and_the_end_is_told(
    study: str, bob: User, open_page: OpenPage
) -> None:
    page = open_page(bob, awaited=(404,))
    page.goto("/")
    breaks_the_glass(page)
    assert "min left" in page.inner_text(".emergency-strip")
    page.click("a:has-text('Open images')")
    page.wait_for_selector(".viewer-page .emergency-strip")
    page.goto("/")
    page.wait_for_selector(f"tr[data-key='{study}'] .emergency-mark")
    # The strip of a page that is read when the time is over: it leads to where it is said what happened.
    ends_in(6)
    page.goto(f"/viewer/{study}/")
    assert "less than a minute" in page.inner_text(".emergency-strip")
    page.wait_for_url("**/access/emergency/*/", timeout=20_000)
    assert "The time was over" in page.inner_text("#main")
    assert page.locator(".emergency-strip").count() == 0


def test_it_is_closed_early_on_a_phone(study: str, bob: User, open_page: OpenPage) -> None:
    page = open_page(bob, viewport=PHONE)
    page.goto("/")
    breaks_the_glass(page)
    box = page.locator(".emergency-strip button").bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["x"] + box["width"] <= PHONE["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.click(".emergency-strip button")
    page.wait_for_selector("text=You closed this record")
    page.goto("/")
    until(lambda: page.locator(f"tr[data-key='{study}']").count() == 0, "the study stays in the list")
