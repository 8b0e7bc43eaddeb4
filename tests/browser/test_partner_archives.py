"""Sending a study to a partner archive in a real browser: asked for, away, tried again, arrived; and what was not taken."""

import os

import pytest
from playwright.sync_api import Page, expect
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing.models import PartnerTransfer, SharePolicy
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.partner_archives import MakePartner, Push, StartElsewhere, work
from tests.ports import free_port
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")


def looked_at(page: Page, name: str) -> None:
    """No page is wider than its window, and axe has nothing to complain about."""
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_load_state("networkidle")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/partner-{name}-{size}.png", full_page=True)
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        told = [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
        assert not told, f"{name} {size}: {told}"
    page.set_viewport_size(WIDE)


def opened(open_page: OpenPage, user: User) -> Page:
    page = open_page(user)
    page.context.add_init_script(path=AXE)
    return page


def test_a_push_is_asked_for_waits_for_a_partner_that_is_away_and_arrives_while_somebody_looks(
    slices: Study, dimse_partner: MakePartner, elsewhere: StartElsewhere, alice: User, open_page: OpenPage
) -> None:
    port = free_port()
    dimse_partner(port)
    page = opened(open_page, alice)
    page.goto(f"/shared/new?study={slices.study_instance_uid}")
    page.get_by_role("link", name="Send to a partner archive").click()
    page.get_by_role("heading", name="Send CT thorax").wait_for()
    looked_at(page, "new")
    page.get_by_label("Purpose", exact=True).select_option("opinion")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("heading", name="Images for CHU Lyon").wait_for()
    work()
    page.get_by_text("It is tried again by itself").wait_for()
    looked_at(page, "away")
    elsewhere(port=port)
    page.get_by_role("button", name="Try again now").click()
    page.get_by_text("It is tried again: only what is missing is sent.").wait_for()
    work()
    # Nobody presses anything: the page asks by itself.
    expect(page.get_by_text("5 of 5 objects arrived")).to_be_visible()
    expect(page.get_by_role("button", name="Stop now")).to_have_count(0)
    looked_at(page, "done")
    page.get_by_role("link", name="Back to the list").click()
    page.get_by_role("cell", name="5 / 5").wait_for()
    looked_at(page, "list")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_what_was_not_taken_is_told_object_by_object(
    archive: Archive,
    dimse_partner: MakePartner,
    elsewhere: StartElsewhere,
    push: Push,
    alice: User,
    open_page: OpenPage,
    theme: str,
) -> None:
    study = arrivals.uid()
    packed = arrivals.dataset(StudyInstanceUID=study, InstanceNumber=2)
    packed.file_meta = FileMetaDataset()
    packed.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    packed.compress(RLELossless, generate_instance_uid=False)
    archive.receive(arrivals.dataset(StudyInstanceUID=study), arrivals.encoded(packed, RLELossless))
    transfer = push(Study.objects.get(), dimse_partner(elsewhere().port))
    work()
    as_reader(alice, "en", theme)
    page = opened(open_page, alice)
    page.goto(f"/shared/partners/{transfer.key}/")
    page.get_by_text("does not take this compression").wait_for()
    looked_at(page, f"refused-{theme}")


def test_a_second_person_agrees_by_a_key(
    slices: Study, dimse_partner: MakePartner, push: Push, emergency: Department, open_page: OpenPage
) -> None:
    SharePolicy.objects.create(department=emergency, approval=SharePolicy.Approval.ALL)
    transfer = push(slices, dimse_partner(free_port()))
    marc = UserFactory.create(username="marc", display_name="Marc Vidal")
    MembershipFactory.create(user=marc, department=emergency, role=Role.DEPARTMENT_MANAGER)
    page = opened(open_page, marc)
    page.goto(f"/shared/partners/{transfer.key}/")
    page.get_by_role("heading", name="Your agreement is needed").wait_for()
    looked_at(page, "agreement")
    page.keyboard.press("a")
    page.get_by_text("Agreed: it is being sent.").wait_for()
    assert PartnerTransfer.objects.get().decided_by == marc


@pytest.mark.parametrize(("size", "viewport"), [("wide", WIDE), ("phone", PHONE)])
def test_an_administrator_tests_the_connection_of_a_partner(
    dimse_partner: MakePartner, elsewhere: StartElsewhere, open_page: OpenPage, size: str, viewport: dict[str, int]
) -> None:
    partner = dimse_partner(elsewhere().port)
    administrator = UserFactory.create(username="root", is_staff=True, is_superuser=True)
    page = open_page(administrator, viewport=viewport)
    page.context.add_init_script(path=AXE)
    page.goto(f"/admin/imaging/partner/{partner.pk}/change/")
    found = page.evaluate("axe.run({ resultTypes: ['violations'], preload: false })")
    assert not [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/partner-admin-{size}.png", full_page=True)
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text("CHU Lyon answered.").wait_for()
