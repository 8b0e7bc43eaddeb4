"""Every page in both languages, in both lights, wide and on a phone: readable for all, silent, and unmoved by hostile text."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from pydicom.config import disable_value_validation
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from accounts.models import Department, User
from accounts.roles import Role
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import DEMO, Archive, addresses

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")
AXE = Path(__file__).resolve().parents[2] / "static" / "node_modules" / "axe-core" / "axe.min.js"


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page where SHOTS names a folder."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=False)


HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}'
#: An equals sign would begin another writing of a name.
HOSTILE_NAME = '"><svg/onload><script>alert(2)</script>{{7*7}}'


@pytest.fixture
def hostile(archive: Archive) -> Any:
    """A study in which every text is markup."""
    with disable_value_validation():
        made = arrivals.dataset(
            PatientName=f"{HOSTILE_NAME}^{HOSTILE_NAME}",
            PatientID=HOSTILE,
            AccessionNumber="<b>1</b>",
            StudyDescription=HOSTILE,
            SeriesDescription=HOSTILE,
            ProtocolName=HOSTILE,
            BodyPartExamined="<I>HEAD",
            StudyID="<u>1</u>",
            ReferringPhysicianName=f"{HOSTILE_NAME}^X",
            InstitutionalDepartmentName=HOSTILE,
            StationName="<s>CT</s>",
            PatientComments=HOSTILE,
        )
        archive.receive(made, sender="<img src=x>")
    return made


@pytest.fixture
def hospital(archive: Archive, decoders: Pool, emergency: Department) -> dict[str, str]:
    """Studies of the demo hospital, drawn and settled: study UID by name."""
    known = {}
    for name, pattern in (
        ("chest", "radiographs/chest-pa-metastases/*.dcm"),
        ("hand", "radiographs/hand-pa/*.dcm"),
        ("ct", "ct-head/1*.dcm"),
        ("ultrasound", "us-lymph-node/*.dcm"),
        ("shoulder", "mr-shoulder/*.dcm"),
        ("report", "sr-tumour-measurement/sr.dcm"),
    ):
        files = sorted(DEMO.glob(pattern))
        archive.receive(*files)
        known[name] = archive.uid_of(files[0])
        archive.draw(known[name])
    return known


def pages_of(study: str, series: str) -> dict[str, str]:
    """The address of every kind of page."""
    return {
        "list": "/",
        "list-filtered": "/?q=durand&modality=CT&from=2026-01-01",
        "list-empty": "/?q=nobody-of-this-name",
        "lists": "/lists/",
        "help": "/help/studies",
        "study": f"/studies/{study}/",
        "study-images": f"/studies/{study}/?series={series}",
        "study-stack": f"/studies/{study}/?series={series}&view=stack&image=2",
        "headers": f"/studies/{study}/series/{series}/headers/",
        "headers-found": f"/studies/{study}/series/{series}/headers/?find=patient",
        "not-found": "/studies/1.2.3/",
        "viewer": f"/viewer/{study}/",
    }


def series_of(archive: Archive, study: str) -> str:
    """The first series of a study."""
    return str(archive.study(study).series.order_by("series_number")[0].series_instance_uid)


def as_reader(user: User, language: str, theme: str) -> User:
    """The same person with another language and light."""
    user.language, user.theme = language, theme
    user.save()
    return user


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_shown_without_a_complaint(
    language: str,
    theme: str,
    archive: Archive,
    hospital: dict[str, str],
    hostile: Any,
    alice: User,
    open_page: OpenPage,
) -> None:
    study = hospital["ct"]
    reader = as_reader(alice, language, theme)
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page = open_page(reader, viewport=viewport, awaited=(404,))
        for name, address in pages_of(study, series_of(archive, study)).items():
            page.goto(address)
            page.wait_for_load_state("networkidle") if name != "viewer" else page.wait_for_load_state()
            assert page.get_attribute("html", "lang") == language
            assert page.get_attribute("html", "data-theme") == theme
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
            shoot(page, f"{name}-{size}-{language}-{theme}")


def test_hostile_text_is_shown_as_text(hostile: Any, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.on("dialog", lambda dialog: pytest.fail(f"markup was executed: {dialog.message}"))
    there = addresses(hostile)
    for name in ("page", "headers", "viewer"):
        page.goto(there.all[name])
        page.wait_for_load_state()
        assert page.locator("img[src='x'], main script, script:not([src], [type='application/json'])").count() == 0, (
            name
        )
        assert "onerror=alert(1)" in page.inner_text("body"), name
        assert "{{7*7}}" in page.inner_text("body"), name
        shoot(page, f"hostile-{name}")
    page.goto("/")
    assert page.locator("img[src='x']").count() == 0
    assert "<SCRIPT>ALERT(2)</SCRIPT>" in page.inner_text("body").upper()
    shoot(page, "hostile-list")


def test_a_new_study_appears_by_itself_and_is_tinted_once(archive: Archive, alice: User, open_page: OpenPage) -> None:
    archive.receive(arrivals.dataset(PatientName="First^Anna"))
    page = open_page(alice)
    page.goto("/")
    assert page.locator("tbody tr[data-key]").count() == 1
    assert page.locator("tr.fresh").count() == 0
    archive.receive(arrivals.dataset(PatientName="Second^Bella", PatientID="P2", StudyTime="235900"))
    until(lambda: page.locator("tbody tr[data-key]").count() == 2, "the new study does not appear", 15)
    assert "SECOND" in page.inner_text("tr.fresh")
    assert "2" in page.inner_text("#study-count")
    assert page.locator("tr.fresh").count() == 1


def test_an_unchanged_list_costs_a_304_and_leaves_the_choice_alone(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    for number in range(3):
        archive.receive(arrivals.dataset(PatientID=f"P{number}", PatientName=f"Row^{number}"))
    page = open_page(alice)
    statuses: list[int] = []
    page.on("response", lambda response: statuses.append(response.status) if "/studies/rows" in response.url else None)
    page.goto("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.get_attribute("tr[aria-selected=true]", "data-key")
    until(lambda: page.evaluate("1") and len(statuses) >= 2, "the list does not refresh itself", 15)
    # The ages of the rows are written anew every five minutes, be that now.
    assert statuses.count(304) >= len(statuses) - 1
    assert page.get_attribute("tr[aria-selected=true]", "data-key") == chosen
    archive.receive(arrivals.dataset(PatientID="P9", PatientName="New^Row", StudyTime="235900"))
    page.locator("[data-arrivals].is-shown").wait_for(timeout=20_000)
    assert page.locator("tbody tr[data-key]").count() == 3
    page.click("[data-arrivals]")
    assert page.locator("tbody tr[data-key]").count() == 4
    assert page.get_attribute("tr[aria-selected=true]", "data-key") == chosen


def test_the_keys_of_the_list_search_choose_and_open(archive: Archive, alice: User, open_page: OpenPage) -> None:
    archive.receive(arrivals.dataset(PatientName="Martin^Élodie", PatientID="0061 7742"))
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("elodie mart")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=elodie+mart")
    assert page.locator("tbody tr[data-key]").count() == 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/viewer/**")
    page.goto("/")
    page.click("tbody a")
    page.keyboard.press("Shift+Enter")
    page.wait_for_url("**/studies/**")
    assert "MARTIN" in page.inner_text(".patient").upper()
    assert "0061 7742" in page.inner_text(".patient")
    page.locator("body").press("Enter")
    page.wait_for_url("**/viewer/**")


def test_an_empty_list_says_which_filter_hides_the_studies(archive: Archive, alice: User, open_page: OpenPage) -> None:
    archive.receive(arrivals.dataset(StudyDate="20260304"))
    page = open_page(alice)
    page.goto("/?modality=MR&from=2026-01-01")
    assert "0 of 1 study" in page.inner_text(".empty")
    page.click(".empty .btn-primary")
    page.wait_for_url("**/?from=2026-01-01")
    assert page.locator("tbody tr[data-key]").count() == 1


def test_filters_are_chosen_in_menus_and_live_in_the_address(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    archive.receive(arrivals.dataset())
    page = open_page(alice)
    page.goto("/?q=durand")
    page.click("[popovertarget=filter-modality]")
    page.check("#filter-modality [value=CT]")
    page.check("#filter-modality [value=MR]")
    page.click("#filter-modality .btn-primary")
    page.wait_for_url("**/?q=durand&modality=CT&modality=MR")
    page.click("[popovertarget=filter-days]")
    page.fill("#day-from", "2026-03-01")
    page.fill("#day-to", "2026-03-31")
    page.click("#filter-days .btn-primary")
    page.wait_for_url("**/?q=durand&modality=CT&modality=MR&from=2026-03-01&to=2026-03-31")
    assert page.locator(".chip-on").count() == 3
    assert page.locator("tbody tr[data-key]").count() == 1
    page.click(".chip-on:has-text('durand') .chip-x")
    page.wait_for_url("**/?from=2026-03-01&to=2026-03-31&modality=CT&modality=MR")


def test_pictures_appear_on_the_study_page_by_themselves(
    archive: Archive, decoders: Pool, alice: User, open_page: OpenPage
) -> None:
    (file,) = DEMO.glob("radiographs/hand-pa/*.dcm")
    archive.receive(file)
    study = archive.uid_of(file)
    page = open_page(alice)
    page.goto(f"/studies/{study}/")
    assert page.locator(".lightbox img").count() == 0
    before = page.evaluate("document.querySelector('.lightbox').getBoundingClientRect().height")
    archive.draw(study)
    until(lambda: page.locator(".lightbox img").count() == 1, "the preview does not appear", 15)
    until(
        lambda: page.evaluate("document.querySelector('.lightbox img').naturalWidth") > 500, "the preview is not loaded"
    )
    assert page.evaluate("document.querySelector('.lightbox').getBoundingClientRect().height") == before
    until(
        lambda: page.get_attribute("#study-series", "hx-trigger") == "every 30s",
        "it asks on as if more were to come",
        15,
    )


def test_a_failure_is_told_with_its_reason_and_can_be_tried_again(
    archive: Archive, decoders: Pool, emergency: Department, alice: User, open_page: OpenPage
) -> None:
    made = arrivals.dataset(
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=encapsulate([b"\xff\xd8 this is no JPEG "])
    )
    made["PixelData"].VR = "OB"
    archive.receive(arrivals.encoded(made, JPEGBaseline8Bit))
    archive.draw(made.StudyInstanceUID)
    page = open_page(alice)
    page.goto(addresses(made).study)
    assert "An image cannot be shown." in page.inner_text("#study-problems")
    assert page.locator("#study-problems form").count() == 0
    MembershipFactory.create(user=alice, department=emergency, role=Role.RADIOGRAPHER)
    page.reload()
    shoot(page, "problem")
    page.click("#study-problems form button")
    page.wait_for_load_state()
    assert "Trying again" in page.inner_text(".messages")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_to_complain_about(
    theme: str, archive: Archive, hospital: dict[str, str], alice: User, bob: User, open_page: OpenPage
) -> None:
    study, complaints = hospital["ct"], []
    for viewport in (WIDE, PHONE):
        page = open_page(as_reader(alice, "en", theme), viewport=viewport, awaited=(404,))
        # As an init script: the security policy would not let the page itself load it.
        page.context.add_init_script(path=AXE)
        for name, address in pages_of(study, series_of(archive, study)).items():
            page.goto(address)
            page.wait_for_load_state()
            found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
            complaints += [
                f"{name}, {viewport['width']} px: {rule['id']} {[node['target'] for node in rule['nodes']][:5]}"
                for rule in found["violations"]
            ]
    assert not complaints
