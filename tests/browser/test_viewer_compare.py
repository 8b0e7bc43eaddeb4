"""Comparing: several ports, priors beside, scrolling together by position, lines where slices cross; and the thumb."""

from typing import Any

import pytest
from playwright.sync_api import Page
from pydicom.dataset import Dataset

from accounts.models import User
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.test_viewer import SLICES, open_viewer, shows, slices
from tests.factories import arrivals
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def in_port(page: Page, letter: int, name: str) -> str:
    """The text of one corner of one port."""
    return " ".join(
        (page.locator(f"[data-port] >> nth={letter}").locator(f"[data-corner-{name}]").text_content() or "").split()
    )


def port_shows(page: Page, port: int, name: str, expected: str) -> None:
    """Wait until a corner of a port says what is expected."""
    until(lambda: expected in in_port(page, port, name), f"port {port} says {in_port(page, port, name)!r}", 10)


def spread(count: int, apart: float, **changes: Any) -> list[Dataset]:
    """A stack whose slices lie `apart` millimetres from each other."""
    made = slices(count, **changes)
    for index, one in enumerate(made):
        one.ImagePositionPatient = [0, 0, apart * index]
    return made


def test_a_prior_opens_beside_and_scrolls_by_position(archive: Archive, alice: User, open_page: OpenPage) -> None:
    now = spread(8, 5, StudyDate="20261120", FrameOfReferenceUID=arrivals.uid())
    before = spread(15, 2.5, StudyDate="20241120", FrameOfReferenceUID=arrivals.uid())
    archive.receive(*now, *before)
    page = open_page(alice)
    open_viewer(page, str(now[0].StudyInstanceUID))
    page.keyboard.press("Home")
    shows(page, "slice", "1 / 8")
    page.keyboard.press("d")
    port_shows(page, 1, "slice", "1 / 15")
    flag = page.locator("[data-port] >> nth=1").locator("[data-flag]")
    until(lambda: "PRIOR, 2 y before" in (flag.text_content() or ""), "the prior is not flagged")
    assert "NOW" in page.locator("[data-flag]").first.inner_text()
    assert "20 Nov 2024" in in_port(page, 1, "date")
    page.keyboard.press("End")
    port_shows(page, 0, "place", "at 35.0 mm")
    port_shows(page, 1, "place", "at 35.0 mm")
    page.keyboard.press("ArrowUp")
    port_shows(page, 1, "place", "at 30.0 mm")
    # Scrolled alone, then linked again: the difference is kept.
    page.keyboard.press("j")
    page.keyboard.press("ArrowUp")
    port_shows(page, 0, "place", "at 25.0 mm")
    port_shows(page, 1, "place", "at 30.0 mm")
    page.keyboard.press("j")
    page.keyboard.press("ArrowUp")
    port_shows(page, 0, "place", "at 20.0 mm")
    port_shows(page, 1, "place", "at 25.0 mm")
    page.keyboard.press("d")
    until(lambda: page.locator("[data-port]").count() == 1, "the prior stays")


def test_a_study_made_afterwards_is_never_called_earlier(archive: Archive, alice: User, open_page: OpenPage) -> None:
    opened = spread(3, 5, StudyDate="20241120")
    since = spread(3, 5, StudyDate="20261120")
    archive.receive(*opened, *since)
    page = open_page(alice)
    open_viewer(page, str(opened[0].StudyInstanceUID))
    rail = page.locator("[data-rail-studies]")
    until(lambda: "Later studies" in rail.inner_text(), "the later study is not offered")
    assert "Earlier" not in rail.inner_text()
    rail.locator(".rail-prior").click()
    flag = page.locator("[data-port] >> nth=1").locator("[data-flag]")
    until(lambda: "LATER, 2 y after" in (flag.text_content() or ""), "the later study is not flagged")
    assert "Later study" in rail.inner_text()


def test_a_study_without_a_prior_says_so(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = slices(1)
    archive.receive(*made)
    page = open_page(alice)
    open_viewer(page, str(made[0].StudyInstanceUID))
    page.keyboard.press("d")
    until(lambda: "no earlier study" in page.inner_text("[data-news]"), "nothing is said")


@pytest.fixture
def planes(archive: Archive) -> str:
    """An axial and a coronal series in one frame of reference; the UID of the study."""
    frame = arrivals.uid()
    axial = spread(8, 5, FrameOfReferenceUID=frame, SeriesNumber=1)
    coronal = slices(
        4,
        FrameOfReferenceUID=frame,
        StudyInstanceUID=axial[0].StudyInstanceUID,
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
        SeriesNumber=2,
    )
    for index, one in enumerate(coronal):
        one.ImagePositionPatient = [0, 10 * index, 50]
    archive.receive(*axial, *coronal)
    return str(axial[0].StudyInstanceUID)


def test_a_line_shows_where_the_slice_of_the_active_port_lies(planes: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, planes)
    page.select_option("[data-layout-choice]", "1x2")
    port_shows(page, 1, "slice", "/ 4")
    page.locator("[data-port] >> nth=0").focus()
    page.keyboard.press("Home")
    shows(page, "place", "at 0.0 mm")
    line = page.locator("[data-reference-line] >> nth=1")
    until(lambda: line.get_attribute("hidden") is None, "no line is drawn")
    low = float(line.get_attribute("y1") or 0)
    assert low == pytest.approx(float(line.get_attribute("y2") or 0), abs=0.5)
    assert in_port(page, 1, "slice").startswith(("2 /", "3 /"))  # planes across each other do not scroll together
    page.keyboard.press("ArrowDown")
    until(lambda: float(line.get_attribute("y1") or 0) < low, "the line does not follow the slice")
    page.keyboard.press("Shift+R")
    until(lambda: line.get_attribute("hidden") is not None, "the line stays")


def test_four_ports_come_and_go_and_leave_nothing_behind(planes: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_viewer(page, planes)
    for _round in range(2):
        page.select_option("[data-layout-choice]", "2x2")
        until(lambda: page.locator("[data-port]").count() == 4, "there are not four ports")
        until(
            lambda: "Nothing is open here" in page.locator("[data-port] >> nth=3").inner_text(),
            "the empty port is silent",
        )
        page.locator("[data-port] >> nth=1").click()
        until(lambda: "active" in (page.locator("[data-port] >> nth=1").get_attribute("class") or ""), "not active")
        page.select_option("[data-layout-choice]", "1x1")
        until(lambda: page.locator("[data-port]").count() == 1, "ports stay")
        port_shows(page, 0, "slice", "/ 4")  # what was active stays on the screen
        page.locator("[data-rail] >> nth=0").click()
        port_shows(page, 0, "slice", "/ 8")
    assert page.locator("[data-pixels] canvas").count() == 1


def fingers(page: Page, *steps: list[tuple[float, float]]) -> None:
    """Put fingers down at the first step and move them on through the others."""
    touch = page.context.new_cdp_session(page)
    for kind, points in zip(["touchStart", *["touchMove"] * (len(steps) - 1)], steps, strict=True):
        at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_two_fingers_zoom_or_window_on_a_phone(archive: Archive, alice: User, open_page: OpenPage) -> None:
    made = slices(SLICES)
    archive.receive(*made)
    page = open_page(alice, viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    open_viewer(page, str(made[0].StudyInstanceUID))
    shows(page, "zoom", "Zoom 1.0×")
    fingers(page, *[[(180 - 4 * n, 300.0), (220 + 4 * n, 300.0)] for n in range(20)])
    until(lambda: "1.0×" not in in_port(page, 0, "zoom"), "two fingers apart do not zoom", 10)
    shows(page, "window", "W 2,000 L 500")
    zoom = in_port(page, 0, "zoom")
    fingers(page, *[[(150.0, 300.0 + 5 * n), (210.0, 300.0 + 5 * n)] for n in range(20)])
    until(lambda: "W 2,000 L 500" not in in_port(page, 0, "window"), "two fingers moved do not window", 10)
    assert in_port(page, 0, "zoom") == zoom
