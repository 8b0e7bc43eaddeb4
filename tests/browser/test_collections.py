"""A tumour board in a real browser: gathered from the list, talked about with a colleague, presented case by case."""

import os
import re

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Department, User
from imaging.sharing.collections import gathering, services
from imaging.sharing.collections.policies import Rights, Wish
from imaging.sharing.models import Collection
from imaging.studies.models import Placement, Study
from tests import memories
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, as_reader
from tests.browser.test_viewer_list import goes_to
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.imaging.sharing.collections.conftest import who
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """Decisions of another test count for none of this one."""
    memories.forget()


@pytest.fixture
def cases(archive: Archive, decoders: Pool) -> list[Study]:
    """Two chest films of two patients, drawn."""
    found = []
    for number, name in enumerate(("Durand^Jeanne", "Petit^Marcel"), start=1):
        made = arrivals.dataset(StudyDescription=f"Chest PA {number}", PatientName=name, PatientID=f"BOARD{number}")
        archive.receive(made)
        archive.draw(made.StudyInstanceUID)
        found.append(Study.objects.get(study_instance_uid=made.StudyInstanceUID))
    return found


def looked_at(page: Page, name: str) -> None:
    """No page is wider than its window, and axe has nothing to complain about."""
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_load_state("networkidle")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/collections-{name}-{size}.png", full_page=True)
        assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        told = [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
        assert not told, f"{name} {size}: {told}"
    page.set_viewport_size(WIDE)


def opened(open_page: OpenPage, user: User) -> Page:
    page = open_page(user)
    page.context.add_init_script(path=AXE)
    return page


def test_a_board_is_gathered_talked_about_and_presented(
    cases: list[Study], alice: User, bob: User, open_page: OpenPage
) -> None:
    page = opened(open_page, alice)
    page.goto("/collections/")
    looked_at(page, "none")
    page.get_by_role("link", name="New collection").click()
    looked_at(page, "new")
    page.fill("#name", "Thorax board of Tuesday")
    page.get_by_role("button", name="Make the collection").click()
    expect(page.get_by_role("heading", name="Thorax board of Tuesday")).to_be_visible()
    address = page.url
    page.goto("/")
    for study in cases:
        page.check(f"tr[data-key='{study.study_instance_uid}'] [data-tick]")
    page.get_by_role("button", name="Add to collection").click()
    looked_at(page, "choose")
    page.fill("#why", "nodule, new?")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("2 studies added.")).to_be_visible()
    page.get_by_role("link", name="Members and rights").click()
    page.fill("#person", "bob")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("@bob")).to_be_visible()
    looked_at(page, "members")
    page.goto(address)
    guest = opened(open_page, bob)
    guest.goto(address)
    looked_at(guest, "member")
    guest.fill("#words", "")
    guest.type("#words", "What do you think, @al")
    expect(guest.get_by_role("option", name="Alice Martin")).to_be_visible()
    guest.keyboard.press("Enter")
    guest.get_by_role("button", name="Comment", exact=True).click()
    expect(guest.get_by_text("What do you think, @alice")).to_be_visible()
    expect(page.get_by_text("What do you think, @alice")).to_be_visible(timeout=25_000)
    looked_at(page, "talked")
    guest.locator("main tr[data-key]").first.focus()
    guest.keyboard.press("j")
    first, second = (row.get_attribute("data-key") or "" for row in guest.locator("main tr[data-key]").all())
    guest.keyboard.press("k")
    guest.keyboard.press("Enter")
    goes_to(guest, first)
    guest.keyboard.press("n")
    goes_to(guest, second)
    guest.keyboard.press("Escape")
    guest.wait_for_url(re.compile(re.escape(address)), wait_until="commit")


@pytest.mark.parametrize(("language", "theme"), [("fr", "light"), ("fr", "dark"), ("en", "light")])
def test_its_pages_are_whole_in_both_languages_and_lights(
    language: str, theme: str, cases: list[Study], alice: User, bob: User, emergency: Department, open_page: OpenPage
) -> None:
    board: Collection = services.make(
        who(alice), Wish("Staff thorax", "tumour_board", emergency.pk, "Every Tuesday at eight.")
    )
    gathering.add(board, who(alice), [study.study_instance_uid for study in cases], note="Why?")
    services.set_member(board, who(alice), Rights(may_comment=True, may_download=True), user=bob)
    services.set_member(board, who(alice), Rights(), department=emergency)
    Placement.objects.filter(study=cases[1]).delete()
    page = opened(open_page, as_reader(bob if theme == "dark" else alice, language, theme))
    page.goto("/collections/")
    looked_at(page, f"list-{language}-{theme}")
    page.goto(f"/collections/{board.key}/")
    until(lambda: page.locator("main tr[data-key]").count() == 2, "the studies are not shown")
    looked_at(page, f"one-{language}-{theme}")
    if theme == "light":
        page.goto(f"/collections/{board.key}/members/")
        looked_at(page, f"members-{language}-{theme}")
        page.goto(f"/collections/{board.key}/edit")
        looked_at(page, f"edit-{language}-{theme}")
