"""The study list as a day's work: half a name, a list for the department, columns, several studies at once, and stillness."""

import pytest
from django.conf import settings
from playwright.sync_api import Page

from accounts.models import Department, User
from accounts.roles import Role
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.test_pages import AXE, as_reader, shoot
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

#: Issue 4, "Speed".
MOST_BYTES, MOST_SHIFT = 100_000, 0.02


@pytest.fixture
def ward(archive: Archive) -> Archive:
    """A morning in emergency."""
    for number, (name, modality, body) in enumerate(
        (
            ("Lefèvre^Hélène", "CR", "CHEST"),
            ("Lefebvre^Noé", "CT", "HEAD"),
            ("Kovačević^Luka", "DX", "HAND"),
            ("Müller^Jörg", "CT", "CHEST"),
        )
    ):
        archive.receive(
            arrivals.dataset(
                PatientName=name,
                PatientID=str(number),
                Modality=modality,
                BodyPartExamined=body,
                AccessionNumber=f"A-{number}",
                SpecificCharacterSet="ISO_IR 192",
            )
        )
    return archive


def names(page: Page) -> list[str]:
    """The family names of the rows."""
    return page.locator("tbody .family").all_inner_texts()


def test_a_patient_is_found_by_half_a_name_without_accents(ward: Archive, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/")
    page.keyboard.press("/")
    page.keyboard.type("lene lefev")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=lene+lefev")
    assert names(page) == ["LEFÈVRE"]
    page.fill("#q", "kovac")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=kovac")
    assert names(page) == ["KOVAČEVIĆ"]


def test_a_list_saved_for_the_department_is_there_for_another_member(
    ward: Archive, alice: User, emergency: Department, open_page: OpenPage
) -> None:
    page = open_page(alice)
    page.goto("/")
    page.click("[popovertarget=filter-body]")
    page.wait_for_selector("#offered-body [value=CHEST]")
    page.fill("#filter-body [name=beginning]", "ch")
    until(lambda: page.locator("#offered-body input").count() == 1, "the values are not narrowed")
    page.check("#offered-body [value=CHEST]")
    page.click("#filter-body .btn-primary")
    page.wait_for_url("**/?body=CHEST")
    page.click("th.c-name a")
    page.wait_for_url("**/?body=CHEST&order=name")
    page.click("[popovertarget=save-list]")
    page.fill("#list-name", "Thorax du service")
    page.select_option("#list-for", f"department:{emergency.code}")
    page.click("#save-list .btn-primary")
    page.wait_for_url("**/?list=*")
    assert names(page) == ["LEFÈVRE", "MÜLLER"]
    shoot(page, "list-saved")
    colleague = UserFactory.create(username="colleague")
    MembershipFactory.create(user=colleague, department=emergency, role=Role.RADIOGRAPHER)
    other = open_page(as_reader(colleague, "fr", "light"))
    other.goto("/")
    other.click(".side a:has-text('Thorax du service')")
    other.wait_for_url("**/?list=*")
    assert names(other) == ["LEFÈVRE", "MÜLLER"]
    assert other.inner_text("#list-heading") == "Thorax du service"


def test_columns_are_chosen_put_in_order_and_drawn_wider(ward: Archive, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/")
    page.click("[popovertarget=choose-columns]")
    page.check("#choose-columns [name=column][value=body]")
    page.click("#choose-columns [value='up:body']")
    page.click("#choose-columns .btn-primary")
    page.wait_for_selector("th.c-body")
    assert page.locator("td.c-body").first.inner_text()
    edge = page.locator("th.c-mrn .col-grip").bounding_box()
    assert edge
    page.mouse.move(edge["x"] + 5, edge["y"] + 8)
    page.mouse.down()
    page.mouse.move(edge["x"] + 85, edge["y"] + 8, steps=4)
    with page.expect_response("**/lists/layout"):
        page.mouse.up()
    drawn = page.locator("th.c-mrn").evaluate("cell => Math.round(cell.getBoundingClientRect().width)")
    page.reload()
    assert page.locator("th.c-mrn").evaluate("cell => Math.round(cell.getBoundingClientRect().width)") == drawn
    assert f"mrn.{drawn}" in (page.get_attribute("table[data-columns]", "data-columns") or "")


def test_everything_but_drawing_works_without_a_script(ward: Archive, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, java_script_enabled=False)
    page.goto("/?order=name")
    page.click("[popovertarget=filter-modality]")
    page.check("#filter-modality [value=CT]")
    with page.expect_navigation():
        page.click("#filter-modality .btn-primary")
    assert names(page) == ["LEFEBVRE", "MÜLLER"]
    page.check("tbody tr:nth-child(2) [data-tick]")
    with page.expect_navigation():
        page.click("#selection [value=accessions]")
    assert page.input_value("#accessions") == "A-3"


def test_ticked_studies_are_acted_on_together_and_nothing_moves(
    ward: Archive, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice)
    page.goto("/?order=name")
    before = page.locator("tbody tr").nth(1).bounding_box()
    page.check("tbody tr:nth-child(1) [data-tick]")
    page.check("tbody tr:nth-child(3) [data-tick]")
    assert page.inner_text("#selection [data-counted]").startswith("2 ")
    assert page.locator("tbody tr").nth(1).bounding_box() == before
    shoot(page, "list-selected")
    page.click("#selection [value=accessions]")
    page.wait_for_selector("#accessions")
    assert page.input_value("#accessions").splitlines() == ["A-2", "A-0"]


def test_the_page_is_light_and_stands_still(archive: Archive, alice: User, open_page: OpenPage) -> None:
    archive.receive(*(arrivals.dataset(PatientName=f"Row{number:02}^A", PatientID=str(number)) for number in range(60)))
    page = open_page(alice)
    page.add_init_script(
        """window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
        if (!entry.hadRecentInput) window.shift += entry.value; })).observe({ type: "layout-shift", buffered: true });"""
    )
    page.goto("/?modality=CT")
    page.wait_for_load_state("networkidle")
    sizes: dict[str, int] = {}
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    addresses: dict[str, str] = {}
    session.on(
        "Network.requestWillBeSent", lambda event: addresses.update({event["requestId"]: event["request"]["url"]})
    )
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.update({addresses.get(event["requestId"], ""): int(event["encodedDataLength"])}),
    )
    page.goto("/?modality=CT&order=name")
    page.wait_for_load_state("networkidle")
    with page.expect_response("**/studies/rows?*"):
        archive.receive(arrivals.dataset(PatientName="New^One", PatientID="new"))
    shift = page.evaluate("window.shift")
    assert shift < MOST_SHIFT, f"the page moves by {shift}"
    assert sum(sizes.values()) < MOST_BYTES, sizes


@pytest.mark.parametrize("menu", ["filter-days", "filter-modality", "filter-body", "choose-columns", "save-list"])
def test_axe_finds_nothing_in_an_open_menu(menu: str, ward: Archive, alice: User, open_page: OpenPage) -> None:
    for options in ({}, {"viewport": PHONE}):
        page = open_page(as_reader(alice, "fr", "light"), **options)
        page.context.add_init_script(path=AXE)
        page.goto("/?modality=CT")
        opener = page.locator(f"[popovertarget={menu}]")
        if not opener.is_visible():
            continue
        opener.click()
        page.wait_for_load_state("networkidle")
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert not [(rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found["violations"]]


def test_a_phone_has_ticks_bulk_actions_columns_and_the_table(ward: Archive, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto("/")
    page.locator("tbody .tick").first.tap()
    assert page.inner_text("#selection [data-counted]") == "1 study selected"
    page.locator("#selection [data-tick-all]").tap()
    count = page.locator("tbody [data-tick]").count()
    assert page.inner_text("#selection [data-counted]") == f"{count} studies selected"
    assert page.locator("#selection button[value=accessions]").is_visible()
    page.locator("#selection [type=reset]").tap()
    assert page.locator("#selection").is_hidden()
    with page.expect_download() as told:
        page.locator("form[action$='export.csv'] button").tap()
    assert told.value.suggested_filename.endswith(".csv")
    assert page.locator("tbody .c-sex").count() == 0
    page.locator("[popovertarget=choose-columns]").tap()
    page.locator("#choose-columns input[name=column][value=sex]").check()
    page.locator("#choose-columns button[value=keep]").tap()
    page.wait_for_selector("tbody .c-sex")
    told_by_name = "getComputedStyle(document.querySelector('tbody .c-sex'), '::before').content"
    assert page.evaluate(told_by_name) == '"Sex"'
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_beside_the_preview_names_stay_in_one_line(archive: Archive, alice: User, open_page: OpenPage) -> None:
    names = ("Ouédraogo^Aminata", "Nadeau^Philippe Jean", "Van den Berg^Johanna", "Kovačević^Luka")
    archive.receive(
        *(
            arrivals.dataset(PatientName=name, PatientID=f"ACRIN-FLT-{n}", SpecificCharacterSet="ISO_IR 192")
            for n, name in enumerate(names)
        )
    )
    page = open_page(as_reader(alice, "fr", "light"), viewport={"width": 1280, "height": 800})
    page.goto("/")
    page.keyboard.press("j")
    page.keyboard.press(" ")
    page.wait_for_selector("#preview h2")
    heights = page.evaluate(
        "[...document.querySelectorAll('tbody .who')].map((who) => who.getBoundingClientRect().height)"
    )
    assert len(heights) == len(names)
    assert max(heights) < 30, heights


def test_a_session_that_ends_comes_back_to_the_same_place(ward: Archive, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    page.goto("/?modality=CT&order=name")
    page.wait_for_load_state("networkidle")
    with page.expect_response(lambda response: response.status == 401) as ended:
        page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    assert ended.value.headers["x-sign-in"].endswith("next=%2F%3Fmodality%3DCT%26order%3Dname")
    page.wait_for_selector("#sign-in-again[open]")
