"""The viewer: the right patient, slices in the order of the body, and every hand that turns, lights and plays them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from playwright.sync_api import Browser, Page, Route
from pydicom.dataset import Dataset
from pydicom.uid import BasicTextSRStorage

from accounts.models import User
from tests.browser.conftest import PHONE, OpenPage, until
from tests.factories import arrivals
from tests.studies_in_archive import DEMO, Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "static" / "node_modules" / "axe-core" / "axe.min.js"
SLICES = 8
SIZE = 64


def slices(count: int = SLICES, **changes: Any) -> list[Dataset]:
    """A CT stack, left half 0 HU and right half 1000 HU, instance numbers running against the body."""
    stored = np.full((SIZE, SIZE), 1024, "<u2")
    stored[:, SIZE // 2 :] = 2024
    study, series = arrivals.uid(), arrivals.uid()
    made = []
    for index in range(count):
        one = arrivals.dataset(
            StudyInstanceUID=study,
            SeriesInstanceUID=series,
            InstanceNumber=count - index,
            Rows=SIZE,
            Columns=SIZE,
            PixelSpacing=[1, 1],
            SliceThickness=5,
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            ImagePositionPatient=[0, 0, 5 * index],
            RescaleSlope=1,
            RescaleIntercept=-1024,
            WindowWidth=2000,
            WindowCenter=500,
            PixelData=stored.tobytes(),
        )
        for name, value in changes.items():
            setattr(one, name, value)
        made.append(one)
    return made


def study_of(source: Path) -> str:
    """The Study Instance UID of a file."""
    return str(pydicom.dcmread(source, stop_before_pixels=True).StudyInstanceUID)


def open_viewer(page: Page, study_instance_uid: str) -> None:
    """Open a study and wait for its first picture in full depth."""
    page.goto(f"/viewer/{study_instance_uid}/")
    wait_for_picture(page)


def wait_for_picture(page: Page) -> None:
    """Wait until pixels are drawn and the ready-made picture is gone."""
    until(
        lambda: page.evaluate(
            "document.querySelector('[data-first-picture]').hidden"
            " && !document.querySelector('[data-port]').classList.contains('is-waiting')"
            " && document.querySelector('[data-corner-slice]').textContent !== ''"
        ),
        "no picture is drawn",
    )


def corner(page: Page, name: str) -> str:
    """The text of one corner of the stage."""
    return " ".join((page.text_content(f"[data-corner-{name}]") or "").split())


def shows(page: Page, name: str, expected: str) -> None:
    """Wait until a corner says what is expected."""
    until(lambda: expected in corner(page, name), f"{name} says {corner(page, name)!r}, not {expected!r}", 10)


def edges(page: Page) -> str:
    """The letters at the edges: top, right, bottom, left."""
    return " ".join(page.text_content(f"[data-edge-{side}]") or "" for side in ("top", "right", "bottom", "left"))


def brightness(page: Page) -> tuple[int, int]:
    """How bright the picture is on the screen, left and right of its middle (0 to 255)."""
    image = page.locator("[data-pixels] canvas").first
    return tuple(  # type: ignore[return-value]
        image.evaluate(
            """canvas => {
                const copy = document.createElement('canvas');
                copy.width = canvas.width; copy.height = canvas.height;
                const pen = copy.getContext('2d');
                pen.drawImage(canvas, 0, 0);
                const at = share => pen.getImageData(canvas.width * share, canvas.height / 2, 1, 1).data[0];
                return [at(0.4), at(0.6)];
            }"""
        )
    )


@pytest.fixture
def stack(archive: Archive) -> str:
    """A study of one CT series; the UID of the study."""
    made = slices()
    archive.receive(*made)
    return str(made[0].StudyInstanceUID)


def test_the_patient_is_named_in_the_head_and_on_the_picture(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    head, stage = page.inner_text(".viewer-head"), page.inner_text(".corner.tl")
    assert "DURAND" in head
    assert "P1" in head
    assert "DURAND Hélène" in stage
    assert "P1" in stage
    assert "02 Jan 1970" in stage


def test_slices_come_in_the_order_of_the_body_not_of_their_numbers(
    stack: str, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    page.keyboard.press("Home")
    shows(page, "slice", f"1 / {SLICES}")
    shows(page, "place", "at 0.0 mm")
    page.keyboard.press("ArrowDown")
    shows(page, "place", "at 5.0 mm")
    page.keyboard.press("End")
    shows(page, "place", f"at {5.0 * (SLICES - 1)} mm")
    page.mouse.move(700, 500)
    page.mouse.wheel(0, -100)
    shows(page, "slice", f"{SLICES - 1} / {SLICES}")
    until(lambda: page.text_content("[data-status]") == f"Image {SLICES - 1} of {SLICES}", "the live region is silent")


def test_pixels_are_lit_by_presets_numbers_and_the_mouse(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    shows(page, "window", "W 2,000 L 500")
    left, right = until(lambda: brightness(page) if max(brightness(page)) else None, "the canvas is black")
    assert 50 < left < 80  # 0 HU lies a quarter up the window, 1000 HU three quarters
    assert 175 < right < 205
    page.keyboard.press("1")
    shows(page, "window", "Soft tissue")
    until(lambda: brightness(page)[1] == 255, "1000 HU is not white in a soft tissue window")
    if page.is_hidden("[data-window-width]"):  # the row is full: the fields are in its menu
        page.click("[data-more]")
    page.fill("[data-window-width]", "100")
    page.fill("[data-window-center]", "1200")
    page.keyboard.press("Tab")
    shows(page, "window", "W 100 L 1,200")
    until(lambda: brightness(page) == (0, 0), "the numbers do not change the picture")
    page.keyboard.press("Escape")  # closes the menu, and does not leave the viewer
    assert page.is_hidden("[data-more-tools]")
    page.mouse.move(700, 500)
    page.mouse.down()
    page.mouse.move(760, 540, steps=6)
    page.mouse.up()
    until(lambda: corner(page, "window") != "W 100 L 1,200", "dragging does not change the window")
    page.locator("body").press("i")
    shows(page, "zoom", "inverted")
    page.keyboard.press(" ")
    shows(page, "window", "W 2,000 L 500")
    assert "inverted" not in corner(page, "zoom")


def test_turning_and_flipping_moves_the_letters_and_says_mirrored(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    until(lambda: edges(page) == "A L P R", f"letters are {edges(page)}")
    page.keyboard.press("r")
    until(lambda: edges(page) == "R A L P", f"turned, letters are {edges(page)}")
    page.keyboard.press(" ")
    page.keyboard.press("h")
    until(lambda: edges(page) == "A R P L", f"flipped, letters are {edges(page)}")
    shows(page, "zoom", "Mirrored image")
    page.keyboard.press("=")
    shows(page, "zoom", "Mirrored image")
    page.keyboard.press("+")
    shows(page, "zoom", "Zoom 1.3×")
    page.keyboard.press(" ")
    until(lambda: edges(page) == "A L P R", "reset does not lay the picture back")


def test_the_tools_are_one_row_and_none_is_lost(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, viewport={"width": 1000, "height": 800})
    open_viewer(page, stack)
    until(lambda: page.is_visible("[data-more]"), "a full row has no menu")
    row = page.locator("[data-toolbar]")
    assert row.evaluate("row => row.scrollWidth <= row.clientWidth + 1 && row.clientHeight < 56")
    page.click("[data-more]")
    names = page.locator("[data-act]:is([data-toolbar] *, [data-more-tools] *)")
    assert all(names.nth(index).is_visible() for index in range(names.count()))
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate("async () => (await axe.run()).violations.map(v => v.id)") == []
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 2400, "height": 900})
    until(lambda: page.is_hidden("[data-more]"), "the tools do not come back to the row")
    assert page.is_visible("[data-toolbar] [data-act=tool-length]")


def test_four_ports_and_the_dialogs_satisfy_axe(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    page.evaluate(AXE.read_text("utf-8"))
    violations = "async () => (await axe.run()).violations.map(v => v.id)"
    page.select_option("[data-layout-choice]", "2x2")
    until(lambda: page.locator("[data-port]").count() == 4, "the stage is not divided")
    assert page.evaluate(violations) == []
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert page.evaluate(violations) == []


def test_cine_plays_and_stops(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, stack)
    start = corner(page, "slice")
    page.keyboard.press("c")
    until(lambda: corner(page, "slice") != start, "cine does not play")
    assert page.get_attribute("[data-act=cine]", "aria-pressed") == "true"
    page.keyboard.press("c")
    assert page.get_attribute("[data-act=cine]", "aria-pressed") == "false"


def test_a_slice_that_does_not_come_says_why_and_comes_when_asked_again(
    stack: str, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice, awaited=(503,))
    page.route("**/frames/1", lambda route: route.fulfill(status=503))
    page.goto(f"/viewer/{stack}/")
    tile = page.locator("[data-tile-text]")
    until(lambda: "cannot be shown" in (tile.text_content() or ""), "no tile tells of the refused slice")
    assert "busy" in (tile.text_content() or "")
    assert page.inner_text(".corner.tl").startswith("DURAND")
    page.unroute("**/frames/1")
    page.click("[data-retry]")
    wait_for_picture(page)
    until(lambda: page.is_hidden("[data-tile]"), "the tile stays over the picture")


def test_a_busy_server_is_asked_again_without_a_word_to_the_reader(
    stack: str, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice, awaited=(503,))
    left = {"manifest.json": 1, "metadata": 1, "frames/1": 2}

    def busy(route: Route) -> None:
        name = next(name for name in left if route.request.url.endswith(name))
        left[name] -= 1
        if left[name] >= 0:
            route.fulfill(status=503, headers={"Retry-After": "1"})
        else:
            route.continue_()

    for name in left:
        page.route(f"**/{name}", busy)
    page.goto(f"/viewer/{stack}/")
    wait_for_picture(page)
    until(lambda: any(brightness(page)), "nothing is drawn")
    assert max(left.values()) < 0
    assert page.is_hidden("[data-tile]")


def test_a_study_opened_while_it_arrives_shows_what_there_is_and_tells_of_more(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = slices(3)
    study = made[0].StudyInstanceUID
    archive.receive(made[0])  # no ready-made picture of it yet
    page = open_page(alice)
    open_viewer(page, study)
    shows(page, "slice", "/ 1")
    archive.receive(*made[1:])
    news = page.locator("[data-news]")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(news.is_visible, "nobody tells that images arrived")
    page.click("[data-news-act]")
    shows(page, "slice", "/ 3")


def test_images_of_another_study_are_refused(stack: str, alice: User, open_page: OpenPage, archive: Archive) -> None:
    other = slices(1, PatientName="Other^Person", PatientID="P2")[0]
    archive.receive(other)
    page = open_page(alice)

    def swap(route: Route) -> None:
        wrong = f"/dicom-web/studies/{other.StudyInstanceUID}/series/{other.SeriesInstanceUID}/metadata"
        route.fulfill(response=page.request.get(wrong, headers={"Accept": "application/dicom+json"}))

    page.route("**/metadata", swap)
    page.goto(f"/viewer/{stack}/")
    tile = page.locator("[data-tile-text]")
    until(lambda: "another series" in (tile.text_content() or ""), "images of another study were taken")
    assert page.is_hidden("[data-retry]")


def test_a_document_has_a_tile_and_keys_go_from_series_to_series(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = slices(2)
    report = arrivals.dataset(
        SOPClassUID=BasicTextSRStorage,
        StudyInstanceUID=made[0].StudyInstanceUID,
        Modality="SR",
        SeriesNumber=2,
        SeriesDescription=None,
        **dict.fromkeys(("Rows", "Columns", "PixelData", "BitsAllocated", "BitsStored", "HighBit"), None),
        **dict.fromkeys(("SamplesPerPixel", "PhotometricInterpretation", "PixelRepresentation"), None),
    )
    archive.receive(*made, report)
    page = open_page(alice)
    open_viewer(page, made[0].StudyInstanceUID)
    page.keyboard.press("PageDown")
    tile = page.locator("[data-tile-text]")
    until(lambda: "Structured report" in (tile.text_content() or ""), "the report has no tile")
    page.keyboard.press("PageUp")
    wait_for_picture(page)
    shows(page, "slice", "/ 2")


def test_many_frames_of_one_object_are_turned_over_like_slices(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    source = DEMO / "us-echo-cine" / "examples_ybr_color.dcm"
    archive.receive(source)
    study = study_of(source)
    page = open_page(alice)
    open_viewer(page, study)
    shows(page, "slice", "1 / 30")
    page.keyboard.press("ArrowDown")
    shows(page, "slice", "2 / 30")


def test_without_webgl_the_same_slices_are_shown_and_it_is_said(
    stack: str, alice: User, open_page: OpenPage, chromium_without_webgl: Browser
) -> None:
    page = open_page(alice, browser=chromium_without_webgl)
    open_viewer(page, stack)
    shows(page, "window", "W 2,000 L 500")
    assert page.is_visible("[data-without-graphics]")
    left, right = until(lambda: brightness(page) if max(brightness(page)) else None, "the canvas is black")
    assert left < right
    page.keyboard.press("End")
    shows(page, "slice", f"{SLICES} / {SLICES}")


def test_a_thumb_turns_the_slices_on_a_phone(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    open_viewer(page, stack)
    page.keyboard.press("Home")
    shows(page, "slice", f"1 / {SLICES}")
    touch = page.context.new_cdp_session(page)
    for kind, y in [("touchStart", 300), *(("touchMove", y) for y in range(310, 520, 10))]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 180, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    until(lambda: not corner(page, "slice").startswith("1 /"), "the thumb turns nothing")
    toolbar = page.locator("[data-toolbar]").bounding_box()
    assert toolbar is not None
    assert toolbar["y"] > PHONE["height"] - 120  # in reach of the thumb
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


def test_every_text_of_the_viewer_is_in_the_page_that_carries_them() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "static" / "viewer").glob("*.ts"))
    said = set(re.findall(r'\bsay\("(\w+)"', sources))
    said |= {
        key
        for choice in re.findall(r'\bsay\([^"`()]*(?:\([^()]*\)[^"`()]*)?\? "\w+" : "\w+"', sources)
        for key in re.findall(r'"(\w+)"', choice)
    }
    said |= set(re.findall(r': "(reason_\w+)"', sources))
    places = re.search(r"export type Where = (.*);", sources)
    assert places is not None
    wheres = re.findall(r'"(\w+)"', places.group(1))
    families = set(re.findall(r"[(?:] ?`(\w+_)\$\{", sources)) - {"preset_"}
    said |= {family + where for family in families for where in wheres}
    said.discard("scale_patient")  # a bar that is true for the patient says nothing more
    said |= {f"preset_{name}" for name in re.findall(r'^\s+\["(\w+)", \d+, -?\d+\]', sources, re.MULTILINE)}
    template = (ROOT / "templates" / "imaging" / "viewer" / "_viewer_words.html").read_text("utf-8")
    carried = set(re.findall(r'^"(\w+)":', template, re.MULTILINE))
    assert said == carried
