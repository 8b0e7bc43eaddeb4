"""Images that must be looked at before they go out without identity, in a real browser."""

import os

import pydicom
import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from imaging.pipeline import steps
from imaging.queues import LONG, SHORT
from imaging.sharing.models import CopiedStudy, HeldObject, Share
from imaging.studies.models import Study
from tests.browser.conftest import OpenPage
from tests.browser.test_sharing_desk import looked_at, opened
from tests.decoder_pools import DEMO, Pool
from tests.shared_links import Sharing
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

ULTRASOUND = DEMO / "us-lymph-node" / "examples_rgb_color.dcm"


def worked() -> None:
    steps.drain()
    while steps.run_next(LONG) or steps.run_next(SHORT):
        steps.drain()


@pytest.fixture
def copied(archive: Archive, sharing: Sharing, decoders: Pool) -> CopiedStudy:
    """An ultrasound image with letters that Alice shares without identity: it waits for her eye."""
    archive.receive(ULTRASOUND)
    uid = pydicom.dcmread(ULTRASOUND, stop_before_pixels=True).StudyInstanceUID
    sharing(Study.objects.get(study_instance_uid=uid), is_deidentified=True)
    worked()
    return CopiedStudy.objects.get()


def draw(page: Page) -> None:
    """Draw a frame in the middle of the picture."""
    box = page.locator("svg[data-blacken]").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.6, steps=5)
    page.mouse.up()


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_who_shares_looks_draws_and_allows(
    open_page: OpenPage, alice: User, copied: CopiedStudy, language: str, theme: str
) -> None:
    alice.language, alice.theme = language, theme
    alice.save()
    page = opened(open_page, alice)
    page.goto(f"/shared/copies/{copied.key}/")
    picture = page.locator("svg[data-blacken] image")
    expect(picture).to_be_visible()
    expect(page.locator("rect.copy-box").first).to_be_attached()
    looked_at(page, f"copies-{language}-{theme}")
    page.locator("svg[data-blacken]").scroll_into_view_if_needed()
    draw(page)
    held = HeldObject.objects.get()
    drawn = page.locator(f"#drawn-{held.pk}")
    assert len(drawn.input_value().split(",")) == 4
    proposed = len(held.areas)
    page.get_by_role("checkbox", checked=True).first.uncheck()
    if os.environ.get("SHOTS"):
        page.screenshot(path=f"{os.environ['SHOTS']}/copies-drawn-{language}.png", full_page=True)
    page.locator(f"input[name=choice-{held.pk}][value=release]").check(force=True)
    page.locator("form[action$=decide] button.btn-primary").click()
    page.wait_for_load_state()
    held.refresh_from_db()
    assert held.state == HeldObject.State.RELEASED
    assert len(held.areas) == proposed
    worked()
    page.goto(f"/shared/copies/{copied.key}/")
    looked_at(page, f"copies-ready-{language}-{theme}")
    assert Share.objects.get().state == Share.State.OPEN
