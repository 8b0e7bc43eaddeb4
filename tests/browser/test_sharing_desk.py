"""The sharer's desk in a real browser: the list while somebody opens a link, ending a share, and agreeing by keys."""

import datetime as dt
import os
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Department, User
from accounts.roles import Role
from imaging.sharing.models import Share, SharePolicy
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests import memories
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.shared_links import Made, Sharing, open_link
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture(autouse=True)
def nobody_tried_before() -> None:
    """Tries of an address are counted for all shares."""
    memories.forget()


@pytest.fixture
def chest(archive: Archive) -> Study:
    """A chest film."""
    made = arrivals.dataset(StudyDescription="Chest PA", PatientName="Durand^Jeanne", PatientBirthDate="19620314")
    archive.receive(made)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


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
            page.screenshot(path=f"{SHOTS}/sharing-{name}-{size}.png", full_page=True)
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        told = [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
        assert not told, f"{name} {size}: {told}"
    page.set_viewport_size(WIDE)


def opened(open_page: OpenPage, user: User, **options: Any) -> Page:
    page = open_page(user, **options)
    page.context.add_init_script(path=AXE)
    return page


def several(sharing: Sharing, chest: Study) -> dict[str, Made]:
    """Shares in every state."""
    now = timezone.now()
    made = {
        "open": sharing(chest, factor=Factor.PRINTED, may_download=True, note="Please call me about the left base."),
        "ending": sharing(chest, name="Cabinet du Lac", factor=Factor.PRINTED),
        "full": sharing(chest, name="Dr Amélie Petitjean-Delacroix"),
        "locked": sharing(chest, name="Dr Wrong", email="wrong@example.org"),
    }
    Share.objects.filter(pk=made["ending"].share.pk).update(valid_until=now + dt.timedelta(hours=30), wrong=2)
    Share.objects.filter(pk=made["full"].share.pk).update(opens=5, last_opened_at=now)
    Share.objects.filter(pk=made["locked"].share.pk).update(state=Share.State.LOCKED, ended_at=now, wrong=10)
    return made


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_shares_are_watched_and_ended(
    sharing: Sharing, chest: Study, alice: User, outside: Client, open_page: OpenPage, language: str, theme: str
) -> None:
    made = several(sharing, chest)
    page = opened(open_page, as_reader(alice, language, theme))
    page.goto("/shared/")
    row = page.locator(f'tr[data-key="{made["open"].share.key}"]')
    expect(row).to_contain_text("0 / 5")
    looked_at(page, f"list-{language}")
    open_link(outside, made["open"])
    outside.post(f"/s/{made['open'].share.key}/proof", {"answer": made["open"].handed.proof})
    expect(row).to_contain_text("1 / 5", timeout=25_000)
    outside.get(f"/s/{made['open'].share.key}/viewer/{chest.study_instance_uid}/")
    page.goto("/shared/?show=ended")
    looked_at(page, f"ended-{language}")
    page.goto(f"/shared/{made['open'].share.key}/")
    page.locator("details.share-act > summary").first.click()
    looked_at(page, f"share-{language}")
    page.locator("#revoke-words").fill("?")
    page.locator("form[action$='/revoke'] button[type=submit]").click()
    expect(page.locator(".tag-critical").first).to_be_visible()
    assert Share.objects.get(pk=made["open"].share.pk).state == "revoked"
    looked_at(page, f"revoked-{language}")


def test_a_link_revoked_at_the_desk_is_ended_on_the_page_that_somebody_has_open(
    sharing: Sharing, chest: Study, alice: User, open_page: OpenPage
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    theirs = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True, awaited=(404, 410))
    theirs.clock.install()
    theirs.goto(f"/s/{made.share.key}/#{made.handed.secret}")
    theirs.get_by_role("button", name="Open the images").click()
    theirs.get_by_label("The second code").fill(made.handed.proof)
    theirs.get_by_role("button", name="Show the images").click()
    expect(theirs.get_by_role("heading", name="Your images")).to_be_visible()
    with theirs.expect_response("**/standing") as asked:
        theirs.clock.run_for(21_000)
    assert asked.value.status == 204
    expect(theirs.get_by_role("link", name="Download", exact=True)).to_be_visible()

    desk = opened(open_page, as_reader(alice, "en", "dark"))
    desk.goto(f"/shared/{made.share.key}/")
    desk.locator("summary", has_text="Revoke").click()
    desk.get_by_role("button", name="Revoke now").click()
    expect(desk.locator(".tag-critical").first).to_be_visible()

    theirs.clock.run_for(21_000)
    expect(theirs.get_by_role("heading", name="This link was revoked")).to_be_visible()
    assert theirs.get_by_role("link", name="Download", exact=True).count() == 0


def test_a_new_link_is_made_and_the_limits_moved_without_a_script(
    sharing: Sharing, chest: Study, alice: User, open_page: OpenPage
) -> None:
    made = sharing(chest, factor=Factor.PRINTED)
    page = open_page(as_reader(alice, "en", "dark"), java_script_enabled=False)
    page.goto("/shared/")
    page.get_by_role("link", name="Dr Paul Mercier").click()
    page.locator("summary", has_text="Extend or change").click()
    page.get_by_label("Opens at the most").fill("9")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("0 of 9")).to_be_visible()
    page.locator("summary", has_text="New link").click()
    page.get_by_role("button", name="Make a new link").click()
    expect(page.get_by_role("heading", name="The new link")).to_be_visible()
    assert f"/s/{made.share.key}/#" in page.get_by_label("Link", exact=True).input_value()
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/sharing-link.png", full_page=True)


def test_a_manager_agrees_by_a_key(
    sharing: Sharing,
    chest: Study,
    marc: User,
    open_page: OpenPage,
    share_policy: Callable[..., SharePolicy],
) -> None:
    share_policy(approval=SharePolicy.Approval.ALL)
    share = sharing(chest).share
    page = opened(open_page, as_reader(marc, "en", "light"))
    page.goto("/shared/?of=department&show=waiting")
    looked_at(page, "waiting")
    page.get_by_role("link", name="Dr Paul Mercier").click()
    expect(page.get_by_role("heading", name="Your agreement is needed")).to_be_visible()
    looked_at(page, "decide")
    page.keyboard.press("a")
    expect(page.get_by_text("Agreed: the link is on its way.")).to_be_visible()
    assert Share.objects.get(pk=share.pk).state == Share.State.OPEN
