"""A patient opens the standing link on a phone: the record, the images, who looked, a proxy's end, and closing it; a clinician gives it."""

from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page

from accounts.models import Department, User
from imaging.sharing.making.services import Made
from imaging.sharing.models import RecordPolicy, Share
from imaging.sharing.models.records import Ground, Relation
from imaging.sharing.record import services
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import SHOTS
from tests.browser.test_shares import chest, link, looked_at
from tests.imaging.sharing.record.conftest import wish
from tests.shared_links import Sharing, person

__all__ = ["chest"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def rules(emergency: Department) -> RecordPolicy:
    """Patients of the emergency department get links."""
    return RecordPolicy.objects.create(
        department=emergency, is_given=True, contact="Radiology, ground floor\nTelephone 01 23 45 67 89, 8:00 to 18:00"
    )


@pytest.fixture
def given(chest: Study, alice: User, emergency: Department, rules: RecordPolicy) -> Made:
    """The patient's own link, beside that of a friend."""
    giver = person(alice, emergency)
    services.give(giver, wish(chest, relation=Relation.OTHER, ground=Ground.WISH, name="Paul Roche"))
    return services.give(giver, wish(chest))


def come_in(page: Page, made: Made) -> None:
    page.goto(link(made))
    page.get_by_role("button", name="Open the images").click()
    page.get_by_label("The second code").fill(made.handed.proof)
    page.get_by_role("button", name="Show the images").click()
    page.get_by_role("heading", name="Your imaging record").wait_for()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_patient_reads_their_record_on_a_phone(
    chest: Study, given: Made, sharing: Sharing, open_page: OpenPage, live_server: Any, theme: str
) -> None:
    sharing(chest)
    page = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True)
    page.context.add_cookies([{"name": settings.THEME_COOKIE_NAME, "value": theme, "url": live_server.url}])
    come_in(page, given)
    looked_at(page, f"record-{theme}")
    page.get_by_role("link", name="Who looked at your record").click()
    page.get_by_text("You, by this link").first.wait_for()
    looked_at(page, f"record-looks-{theme}")
    page.get_by_role("link", name="Back to the record").click()
    page.get_by_role("link", name="See the images").first.click()
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)


def test_a_patient_ends_the_link_of_a_proxy_then_their_own(given: Made, open_page: OpenPage) -> None:
    page = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True, awaited=(410,))
    come_in(page, given)
    page.locator("li", has_text="Paul Roche").get_by_text("Close this link").click()
    looked_at(page, "record-confirm")
    page.get_by_role("button", name="Yes, close the link of Paul Roche").click()
    page.get_by_text("That link is closed").wait_for()
    assert page.get_by_text("Nobody but you").is_visible()
    page.get_by_text("Close this link for good").click()
    page.get_by_role("button", name="Yes, close this link").click()
    page.get_by_role("heading", name="This link was closed").wait_for()
    looked_at(page, "record-closed")
    assert not Share.objects.filter(state=Share.State.OPEN).exists()


def test_a_clinician_gives_a_parent_a_link_from_the_page_of_a_study(
    chest: Study, rules: RecordPolicy, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice, viewport=WIDE)
    page.goto(f"/studies/{chest.study_instance_uid}/")
    page.get_by_role("link", name="Link for the patient").click()
    page.get_by_role("heading", name="Give the patient a link to their record").wait_for()
    looked_at(page, "record-give")
    page.get_by_label("E-mail").fill("rita@home.example")
    with page.context.expect_page() as begun:
        page.get_by_role("button", name="Preview as recipient").click()
    begun.value.get_by_text("Preview: your recipient will see this page").wait_for()
    if SHOTS:
        begun.value.screenshot(path=f"{SHOTS}/share-record-preview.png", full_page=True)
    begun.value.close()
    page.get_by_label("another relative").check()
    page.get_by_label("On which ground").select_option("wish")
    page.get_by_label("Name").fill("Léa Durand")
    page.get_by_label("E-mail").fill("lea.durand@home.example")
    page.get_by_role("button", name="Give the link").click()
    page.get_by_role("heading", name="The link to the record is made").wait_for()
    looked_at(page, "record-given")
    page.get_by_role("link", name="To this share").click()
    page.get_by_text("another relative").first.wait_for()
    looked_at(page, "record-desk")
    until(lambda: Share.objects.get().record.relation == Relation.RELATIVE, "the link was not given")
