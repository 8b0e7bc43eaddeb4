"""What the viewer draws and where it puts its tools: pixels that are not square, windows by key, many large images, small screens."""

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from accounts.models import User
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.test_viewer import AXE, SIZE, brightness, corner, edges, open_viewer, shows, slices, stack
from tests.browser.test_viewer_marks import drag, open_still, phantom, saved, says
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

__all__ = ["phantom", "stack"]

VIOLATIONS = "async () => (await axe.run()).violations.map(v => v.id)"
UNPLACED = dict.fromkeys(("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness"))
# How far the bright part of the picture reaches along the middle row and the middle column of the screen, in pixels.
EXTENT = """canvas => {
    const copy = document.createElement('canvas');
    copy.width = canvas.width; copy.height = canvas.height;
    const pen = copy.getContext('2d');
    pen.drawImage(canvas, 0, 0);
    const bright = (x, y, w, h) => {
        const data = pen.getImageData(x, y, w, h).data;
        return data.filter((value, index) => index % 4 === 0 && value > 128).length;
    };
    return [bright(0, canvas.height >> 1, canvas.width, 1), bright(canvas.width >> 1, 0, 1, canvas.height)];
}"""


def square() -> bytes:
    """A bright square in the middle of a dark picture."""
    stored = np.full((SIZE, SIZE), 1024, "<u2")
    stored[SIZE // 4 : 3 * SIZE // 4, SIZE // 4 : 3 * SIZE // 4] = 2024
    return stored.tobytes()


@pytest.mark.parametrize(("ratio", "expected"), [([2, 1], 2.0), ([1, 2], 0.5), ([1, 1], 1.0)])
def test_pixels_of_a_stated_shape_are_drawn_in_it_and_measured_in_pixels(
    ratio: list[int], expected: float, archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = slices(1, PixelAspectRatio=ratio, PixelData=square(), **UNPLACED)
    archive.receive(*made)
    page = open_page(alice)
    open_viewer(page, made[0].StudyInstanceUID)
    canvas = page.locator("[data-pixels] canvas").first
    across, down = until(lambda: extent if all(extent := canvas.evaluate(EXTENT)) else None, "nothing is drawn")
    assert down / across == pytest.approx(expected, rel=0.06)
    assert page.is_hidden("[data-scale]")


def test_a_size_that_is_known_goes_before_a_shape(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = slices(1, PixelAspectRatio=[3, 1], PixelData=square())
    archive.receive(*made)
    page = open_page(alice)
    open_viewer(page, made[0].StudyInstanceUID)
    canvas = page.locator("[data-pixels] canvas").first
    across, down = until(lambda: extent if all(extent := canvas.evaluate(EXTENT)) else None, "nothing is drawn")
    assert down / across == pytest.approx(1, rel=0.06)


def test_the_presets_of_a_body_and_of_a_head(archive: Archive, alice: User, open_page: OpenPage) -> None:
    body, head = slices(1, BodyPartExamined="CHEST"), slices(1, BodyPartExamined="HEAD")
    archive.receive(*body, *head)
    page = open_page(alice)
    open_viewer(page, body[0].StudyInstanceUID)
    for key, says_so in (("1", "W 400 L 40 Soft tissue"), ("2", "W 1,500 L −600 Lung"), ("3", "W 1,800 L 400 Bone")):
        page.keyboard.press(key)
        shows(page, "window", says_so)
    page.keyboard.press("2")
    until(lambda: brightness(page)[0] > 220, "water is not near white in a window of the lung")
    pressed = page.locator("[data-presets] [aria-pressed=true]")
    until(lambda: "Lung" in pressed.all_text_contents()[0], "the preset in use is not marked")
    open_viewer(page, head[0].StudyInstanceUID)
    page.keyboard.press("1")
    shows(page, "window", "W 80 L 40 Brain")
    page.locator("[data-presets] button").nth(1).click()
    shows(page, "window", "W 200 L 75 Subdural")


def test_a_picture_of_no_units_has_its_stored_window_and_its_whole_range(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = slices(1, Modality="MR", RescaleIntercept=0, WindowWidth=300, WindowCenter=1400)
    archive.receive(*made)
    page = open_page(alice)
    open_viewer(page, made[0].StudyInstanceUID)
    page.keyboard.press("1")
    shows(page, "window", "W 300 L 1,400 As stored")
    page.keyboard.press("2")
    shows(page, "window", "Full range")
    until(lambda: brightness(page)[0] < 10 and brightness(page)[1] > 245, "the whole range is not shown")


def test_a_page_with_marks_satisfies_axe(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "20.0 mm")
    page.keyboard.press("q")
    drag(page, (16, 30), (40, 50))
    says(page, "mean")
    page.keyboard.press("k")
    saved(page)
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(VIOLATIONS) == []


FRAMES, EDGE = 36, 1024
#: What a phone keeps of decoded pixels (`engine.ts`), of which a tenth is left for the slice on the screen.
PHONE_BYTES = 256e6


def large(study: str, number: int) -> Any:
    """A series of one object of many large frames."""
    frame = np.full((EDGE, EDGE), 900 + 10 * number, "<u2").tobytes()
    return arrivals.dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7.3",
        StudyInstanceUID=study,
        SeriesInstanceUID=arrivals.uid(),
        SeriesNumber=number,
        Modality="OT",
        NumberOfFrames=FRAMES,
        Rows=EDGE,
        Columns=EDGE,
        PixelData=frame * FRAMES,
    )


def held(page: Page) -> float:
    """Bytes of decoded pixels, by what the strip says is loaded."""
    loaded = page.locator("[data-rail-studies] progress").evaluate_all("bars => bars.map(bar => bar.value)")
    return float(sum(loaded)) * EDGE * EDGE * 2


def test_four_large_stacks_stay_within_the_memory_of_a_phone_and_every_image_can_be_seen(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    study = arrivals.uid()
    archive.receive(*(large(study, number) for number in range(1, 5)))
    page = open_page(alice, viewport={"width": 900, "height": 800}, has_touch=True, is_mobile=True)
    open_viewer(page, study)
    for _turn in range(3):
        page.keyboard.press("L")
    until(lambda: page.locator("[data-port]").count() == 4, "the stage is not divided")
    until(
        lambda: held(page) > 0.8 * PHONE_BYTES,
        f"{held(page):.0f} bytes are loaded, not as many as there is room for",
        90,
    )
    for port in range(4):
        one = page.locator("[data-port]").nth(port)
        one.focus()
        page.keyboard.press("End")
        until(
            lambda one=one: f"{FRAMES} / {FRAMES}" in (one.text_content() or ""), f"port {port} does not get to its end"
        )
        until(lambda one=one: "is-waiting" not in (one.get_attribute("class") or ""), f"port {port} waits")
        assert one.locator("[data-tile]").is_hidden()
    # The strip counts what was loaded; what was let go for the four last images it does not count back.
    assert held(page) <= PHONE_BYTES + 4 * EDGE * EDGE * 2


def test_the_tools_of_a_phone_are_one_short_row_and_a_sheet(stack: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice, viewport=PHONE, has_touch=True, is_mobile=True)
    open_viewer(page, stack)
    row = page.locator("[data-toolbar]")
    until(lambda: row.evaluate("row => row.scrollWidth <= row.clientWidth + 1"), "the row goes on to the side")
    page.tap("[data-more]")
    names = page.locator("[data-act]:is([data-toolbar] *, [data-more-tools] *)")
    for index in range(names.count()):
        name = names.nth(index)
        name.scroll_into_view_if_needed()
        assert name.is_visible(), name.get_attribute("data-act")
    sheet = page.locator("[data-more-tools]").bounding_box()
    assert sheet is not None
    assert sheet["width"] == PHONE["width"]
    assert sheet["y"] + sheet["height"] == pytest.approx(PHONE["height"], abs=1)
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate(VIOLATIONS) == []
    page.tap("[data-more-tools] [data-act=flip-horizontal]")
    until(lambda: edges(page) == "A R P L", f"flipped, letters are {edges(page)}")
    page.tap("[data-more-tools] [data-act=tool-length]")
    until(lambda: page.is_hidden("[data-more-tools]"), "the sheet stays over the picture")
    assert page.get_attribute("[data-act=tool-length]", "aria-pressed") == "true"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_at_a_small_desk_the_row_holds_what_it_can_in_both_languages(
    language: str, stack: str, alice: User, open_page: OpenPage
) -> None:
    alice.language = language
    alice.save()
    page = open_page(alice, viewport={"width": 1280, "height": 800})
    open_viewer(page, stack)
    assert page.get_attribute("html", "lang") == language
    until(lambda: corner(page, "window"), "no window is said")
    row = page.locator("[data-toolbar]")
    until(
        lambda: row.evaluate("row => row.scrollWidth <= row.clientWidth + 1 && row.clientHeight < 56"), "it is no row"
    )
    assert page.is_visible("[data-toolbar] [data-act=tool-length]")
    assert page.is_visible("[data-toolbar] [data-act=key-image]")
    page.click("[data-more]")
    menu = page.locator("[data-more-tools]").bounding_box()
    assert menu is not None
    assert menu["x"] >= 0
    assert menu["x"] + menu["width"] <= 1280
