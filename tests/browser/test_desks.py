"""The desks in a real browser: by keys, on a phone, in both languages and lights, and unmoved by hostile text."""

import os
from typing import Any

import pytest
from pydicom.config import disable_value_validation

from accounts.models import Department, User
from accounts.roles import Role
from imaging.ingest.models import QuarantinedObject
from imaging.studies.models import Instance, InstanceVersion
from tests.browser.conftest import PHONE, WIDE, OpenPage, until
from tests.browser.test_pages import AXE, HOSTILE, HOSTILE_NAME, as_reader
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.imaging.ingest.desk.conftest import Receive, receive
from tests.imaging.rendering.conftest import Pool

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

__all__ = ["receive"]

SHOTS = os.environ.get("SHOTS", "")
BIDI = "\u202egpj.exe\u202c"


@pytest.fixture
def rosa(emergency: Department) -> User:
    """A radiographer of the emergency department."""
    user = UserFactory.create(username="rosa", display_name="Rosa Petit")
    MembershipFactory.create(user=user, department=emergency, role=Role.RADIOGRAPHER)
    return user


@pytest.fixture
def desk(receive: Receive, emergency: Department, decoders: Pool) -> dict[str, Any]:
    """One of each: another person under a known ID, markup in every text, an image that came twice, short pixels."""
    known = arrivals.dataset(PatientID="P9", PatientName="Known^Anna", SeriesDescription="First")
    receive(known, departments=[emergency])
    study = arrivals.uid()
    strange = {"PatientID": "P9", "PatientName": "Strange^Zoe", "PatientBirthDate": "19991231"}
    slices = [arrivals.dataset(StudyInstanceUID=study, InstanceNumber=number, **strange) for number in (1, 2, 3)]
    group = receive(*slices, departments=[emergency])
    with disable_value_validation():
        markup = arrivals.dataset(
            PatientName=f"{HOSTILE_NAME}^{BIDI}",
            PatientID="P9",
            StudyDescription=HOSTILE + BIDI,
            SeriesDescription=HOSTILE,
            PatientComments=HOSTILE + BIDI,
            StationName="<s>CT</s>",
        )
        (hostile,) = receive(markup, sender="<img src=x>", departments=[emergency])
    (short,) = receive(arrivals.dataset(PixelData=b"\x00" * 8), departments=[emergency])
    known.SeriesDescription = "Second"
    known.PixelData = bytes(reversed(known.PixelData))
    receive(known, departments=[emergency])
    return {"group": group, "hostile": hostile, "short": short, "image": Instance.objects.get()}


def addresses(desk: dict[str, Any]) -> dict[str, str]:
    return {
        "quarantine": "/quarantine/",
        "object": f"/quarantine/{desk['group'][0].pk}/",
        "hostile": f"/quarantine/{desk['hostile'].pk}/",
        "short": f"/quarantine/{desk['short'].pk}/",
        "decisions": "/quarantine/decisions/",
        "conflicts": "/conflicts/",
        "conflict": f"/conflicts/{desk['image'].pk}/",
    }


@pytest.mark.parametrize(("language", "theme"), [("en", "dark"), ("fr", "light")])
def test_every_page_fits_and_axe_has_nothing_to_complain_about(
    language: str, theme: str, desk: dict[str, Any], rosa: User, open_page: OpenPage
) -> None:
    reader = as_reader(rosa, language, theme)
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page = open_page(reader, viewport=viewport)
        page.context.add_init_script(path=AXE)
        for name, address in addresses(desk).items():
            page.goto(address)
            page.wait_for_load_state("networkidle")
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
            if SHOTS:
                page.screenshot(path=f"{SHOTS}/desk-{name}-{size}-{language}-{theme}.png", full_page=True)
            found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
            told = [(entry["id"], entry["nodes"][0]["html"]) for entry in found["violations"]]
            assert not told, f"{name} {size}: {told}"


def test_hostile_text_is_shown_as_text(desk: dict[str, Any], rosa: User, open_page: OpenPage) -> None:
    page = open_page(rosa)
    page.on("dialog", lambda dialog: pytest.fail(f"markup was executed: {dialog.message}"))
    for name in ("quarantine", "hostile"):
        page.goto(addresses(desk)[name])
        page.wait_for_load_state("networkidle")
        assert page.locator("img[src='x'], main script").count() == 0, name
        assert "onerror=alert(1)" in page.inner_text("body"), name
        assert "{{7*7}}" in page.inner_text("body"), name
    assert page.locator("#headers bdi").count() > 10


def test_a_group_is_released_by_keys_and_the_release_taken_back(
    desk: dict[str, Any], rosa: User, open_page: OpenPage
) -> None:
    page = open_page(rosa)
    page.goto("/quarantine/")
    page.keyboard.press("j")
    assert page.get_attribute("tr[aria-selected=true]", "data-key") == str(desk["group"][0].pk)
    page.keyboard.press("r")
    page.wait_for_selector("dialog#release[open]")
    assert page.inner_text("#release [data-dialog-count]") == "3"
    page.fill("#release-note", "married since")
    page.click("#release [data-dialog-submit]")
    page.wait_for_url("**/quarantine/decisions/*/")
    assert "Decided about 3 objects." in page.inner_text(".messages")
    assert "married since" in page.inner_text("main")
    assert InstanceVersion.objects.count() == 5
    page.click("main form button[type=submit]")
    page.wait_for_url("**/quarantine/decisions/*/")
    assert set(QuarantinedObject.objects.values_list("state", flat=True)) == {"open"}


def test_one_object_is_rejected_with_its_reason(desk: dict[str, Any], rosa: User, open_page: OpenPage) -> None:
    page = open_page(rosa)
    page.goto(addresses(desk)["short"])
    until(lambda: page.locator(".no-drawing").count() == 1, "the reason does not take the picture's place")
    assert "Part of the image is missing" in page.inner_text(".no-drawing")
    page.keyboard.press("x")
    page.wait_for_selector("dialog#reject[open]")
    page.select_option("#reject-reason", "damaged")
    page.fill("#reject-note", "cut off")
    page.click("#reject [data-dialog-submit]")
    page.wait_for_url("**/quarantine/decisions/*/")
    desk["short"].refresh_from_db()
    assert desk["short"].state == "rejected"
    assert (desk["short"].decision.reason_code, desk["short"].decision.note) == ("damaged", "cut off")


def test_a_patient_is_put_right_from_the_list_of_known_ones(
    desk: dict[str, Any], rosa: User, open_page: OpenPage
) -> None:
    page = open_page(rosa)
    page.goto(addresses(desk)["object"])
    page.click("text=All 3 of the same kind")
    page.keyboard.press("Tab")
    page.click("[data-dialog=correct]")
    assert page.inner_text("#correct [data-dialog-count]") == "3"
    page.click("#correct :text('A known patient')")
    page.fill("#find-patient", "anna")
    page.click("#found-patients label")
    page.click("#correct footer .btn-primary")
    page.wait_for_url("**/quarantine/decisions/*/")
    assert "patient set to P9" in page.inner_text("main")
    for waiting in QuarantinedObject.objects.filter(pk__in=[row.pk for row in desk["group"]]):
        assert waiting.state == "released"
        assert waiting.version.corrections.get().attributes["00100010"]["Value"] == [{"Alphabetic": "Known^Anna"}]


def test_two_versions_blink_swap_and_one_is_chosen(desk: dict[str, Any], rosa: User, open_page: OpenPage) -> None:
    page = open_page(rosa)
    page.goto(addresses(desk)["conflict"])
    pictures = page.locator(".pictures img")
    until(
        lambda: pictures.evaluate_all("all => all.length === 2 && all.every((one) => one.naturalWidth > 0)"),
        "the pictures do not come",
    )
    page.keyboard.press("b")
    assert [pictures.nth(number).is_visible() for number in (0, 1)] == [True, False]
    page.keyboard.press("b")
    assert [pictures.nth(number).is_visible() for number in (0, 1)] == [False, True]
    page.keyboard.press("b")
    assert [pictures.nth(number).is_visible() for number in (0, 1)] == [True, True]
    page.keyboard.press("s")
    assert pictures.nth(0).bounding_box()["x"] > pictures.nth(1).bounding_box()["x"]  # type: ignore[index]
    page.click("text=Show this version")
    page.wait_for_load_state()
    assert "Decided about 1 image." in page.inner_text(".messages")
    page.click("text=Take the decision back")
    page.wait_for_load_state()
    assert InstanceVersion.objects.get(state="current").pk < InstanceVersion.objects.get(state="conflicting").pk
