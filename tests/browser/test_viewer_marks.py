"""Measuring and marking: what is drawn with the mouse is what the pixels say, is kept, and is seen by the others."""

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route

from accounts.models import Department, User
from accounts.roles import Role
from imaging.studies.models import Annotation, KeyImage
from tests.browser.conftest import OpenPage, until
from tests.browser.test_viewer import SIZE, open_viewer, shows, slices, wait_for_picture
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SPACING = 0.5  # mm
Point = tuple[float, float]


def noise() -> "np.ndarray[Any, Any]":
    """Stored values of the phantom, none like its neighbour."""
    return np.random.default_rng(7).integers(900, 1200, (SIZE, SIZE)).astype("<u2")


@pytest.fixture
def phantom(archive: Archive) -> str:
    """Four slices of 64 × 64 pixels of half a millimetre, with noise in them; the UID of the study."""
    made = slices(4, PixelSpacing=[SPACING, SPACING], PixelData=noise().tobytes())
    archive.receive(*made)
    return str(made[0].StudyInstanceUID)


def on_screen(page: Page, point: Point) -> Point:
    """Where the centre of a pixel (column, row) is on the screen while the picture fits its port."""
    box = page.locator("[data-pixels]").first.bounding_box()
    assert box is not None
    size = min(box["width"], box["height"]) / SIZE
    middle = (SIZE - 1) / 2
    return (
        box["x"] + box["width"] / 2 + (point[0] - middle) * size,
        box["y"] + box["height"] / 2 + (point[1] - middle) * size,
    )


def drag(page: Page, start: Point, end: Point) -> None:
    """Draw from one pixel to another."""
    page.mouse.move(*on_screen(page, start))
    page.mouse.down()
    page.mouse.move(*on_screen(page, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)), steps=4)
    page.mouse.move(*on_screen(page, end), steps=4)
    page.mouse.up()


def written(page: Page) -> str:
    """What is written beside the marks on the stage."""
    texts = page.locator("[data-pixels] svg text tspan").all_text_contents()
    return " ".join(" ".join(texts).split())


def says(page: Page, expected: str) -> None:
    """Wait until the stage says what is expected."""
    until(lambda: expected in written(page), f"the marks say {written(page)!r}, not {expected!r}", 10)


def saved(page: Page) -> None:
    """Wait until the head says that all marks are saved."""
    until(lambda: page.get_attribute("[data-saved]", "data-state") == "saved", "the marks are not saved", 10)


def open_still(page: Page, study: str) -> None:
    """Open a study at its first slice."""
    open_viewer(page, study)
    page.keyboard.press("Home")
    shows(page, "slice", "1 /")


def test_a_length_drawn_with_the_mouse_is_right_in_millimetres(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("t")
    assert page.get_attribute("[data-act=tool-length]", "aria-pressed") == "true"
    drag(page, (10, 20), (50, 20))
    says(page, "20.0 mm")
    drag(page, (10, 30), (40, 60))
    says(page, f"{np.hypot(30, 30) * SPACING:.1f} mm")
    saved(page)
    assert Annotation.objects.filter(removed_at=None).count() == 2


def test_a_picture_whose_pixels_have_no_size_is_measured_in_pixels(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = slices(1, PixelSpacing=None, ImageOrientationPatient=None, ImagePositionPatient=None, Modality="OT")
    archive.receive(*made)
    page = open_page(alice)
    open_viewer(page, str(made[0].StudyInstanceUID))
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "40.0 px")
    page.reload()
    wait_for_picture(page)
    says(page, "40.0 px")


def test_a_radiograph_says_that_its_millimetres_are_those_of_the_detector(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    plain = {"Modality": "DX", "ImageOrientationPatient": None, "ImagePositionPatient": None}
    made = slices(1, **plain, PixelSpacing=None, ImagerPixelSpacing=[0.2, 0.2])
    archive.receive(*made)
    page = open_page(alice)
    open_viewer(page, str(made[0].StudyInstanceUID))
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "8.0 mm at the detector")


def test_statistics_of_a_region_are_those_of_its_stored_pixels(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("q")
    drag(page, (9.5, 19.5), (29.5, 34.5))
    inside = noise()[20:35, 10:30].astype(float) - 1024
    says(page, f"mean {inside.mean():.1f} HU")
    says(page, f"SD {inside.std():.1f}")
    lowest, highest = (
        f"{value:.{0 if abs(value) >= 100 else 1}f}".replace("-", "−") for value in (inside.min(), inside.max())
    )
    says(page, f"{lowest} to {highest}")
    area = until(lambda: re.search(r"area ([\d.]+) mm²", written(page)), "no area")
    assert float(area.group(1)) == pytest.approx(20 * 15 * SPACING**2, rel=0.01)
    page.keyboard.press("Control+z")
    until(lambda: written(page) == "", "the rectangle stays")
    page.keyboard.press("e")
    drag(page, (32, 32), (44, 40))  # from the middle to the corner of its box
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    values = noise()[((columns - 32) / 12) ** 2 + ((rows - 32) / 8) ** 2 <= 1].astype(float) - 1024
    found = until(
        lambda: re.search(r"mean (−?[\d.]+) HU SD ([\d.]+) .* area ([\d.]+) mm²", written(page)), "no statistics"
    )
    mean, deviation, area = (float(value.replace("−", "-")) for value in found.groups())
    assert mean == pytest.approx(values.mean(), abs=0.6)  # a pixel on the edge, of three hundred
    assert deviation == pytest.approx(values.std(), abs=0.6)
    assert area == pytest.approx(np.pi * 12 * 8 * SPACING**2, rel=0.01)


def test_an_angle_and_the_value_of_a_point(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("a")
    drag(page, (10, 40), (30, 40))
    page.mouse.move(*on_screen(page, (30, 20)), steps=4)
    page.mouse.down()
    page.mouse.up()
    says(page, "90.0°")
    page.keyboard.press("x")
    page.mouse.click(*on_screen(page, (50, 50)))
    says(page, f"{int(noise()[50, 50]) - 1024} HU".replace("-", "−"))


def test_marks_come_back_at_the_same_place_after_a_reload(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "20.0 mm")
    saved(page)
    ends = "['x1', 'y1', 'x2', 'y2'].map(name => Math.round(line.getAttribute(name)))"
    lines = f"[...document.querySelectorAll('[data-pixels] svg line')].map(line => {ends})"
    before = page.evaluate(lines)[0]
    page.reload()
    wait_for_picture(page)
    page.keyboard.press("Home")
    says(page, "20.0 mm")
    assert page.evaluate(lines)[0] == before
    page.keyboard.press("ArrowDown")
    until(lambda: written(page) == "", "the mark is on every slice")


def test_a_mark_is_undone_done_again_moved_and_deleted(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    assert page.is_disabled("[data-act=undo]")
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "20.0 mm")
    page.keyboard.press("Control+z")
    until(lambda: written(page) == "", "undo takes nothing back")
    page.keyboard.press("Control+y")
    says(page, "20.0 mm")
    saved(page)
    drag(page, (50, 20), (30, 20))
    says(page, "10.0 mm")
    page.keyboard.press("Control+z")
    says(page, "20.0 mm")
    page.mouse.click(*on_screen(page, (30, 20)))
    page.keyboard.press("Backspace")
    until(lambda: written(page) == "", "the mark is not deleted")
    saved(page)
    until(lambda: not Annotation.objects.filter(removed_at=None).exists(), "the server kept it")
    page.keyboard.press("Control+z")
    says(page, "20.0 mm")
    saved(page)
    until(lambda: Annotation.objects.filter(removed_at=None).count() == 1, "the server does not have it back")


def test_others_see_marks_with_their_author_and_cannot_change_them(
    phantom: str, alice: User, emergency: Department, open_page: OpenPage
) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "20.0 mm")
    page.keyboard.press("y")
    page.mouse.click(*on_screen(page, (20, 50)))
    page.fill("[data-words-field]", "<b>here</b>")
    page.click("[data-words-dialog] [value=keep]")
    says(page, "<b>here</b>")
    page.keyboard.press("k")
    saved(page)
    until(lambda: KeyImage.objects.count() == 1, "the key image is not flagged")

    tom = UserFactory.create(display_name="Tom Weber")
    MembershipFactory.create(user=tom, department=emergency, role=Role.TRAINEE)
    other = open_page(tom)
    open_still(other, phantom)
    says(other, "20.0 mm Alice Martin")
    says(other, "<b>here</b> (Alice Martin)")
    assert "Key image, Alice Martin" in other.inner_text(".corner.tr")
    assert other.inner_text(".rail-star").strip() == "1"
    drag(other, (50, 20), (30, 20))
    says(other, "20.0 mm")
    other.keyboard.press("o")
    until(lambda: written(other) == "", "the marks of others stay")
    other.keyboard.press("End")
    other.keyboard.press("Shift+K")
    shows(other, "slice", "1 / 4")
    other.keyboard.press("k")
    until(lambda: "Alice Martin flagged" in other.inner_text("[data-news]"), "nothing says whose flag it is")
    assert KeyImage.objects.count() == 1


def test_marks_that_cannot_be_saved_are_kept_and_said_and_saved_later(
    phantom: str, alice: User, open_page: OpenPage
) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.route("**/annotations/*", lambda route: route.abort())
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    until(lambda: page.get_attribute("[data-saved]", "data-state") == "offline", "the failure is not said", 10)
    assert "not saved yet" in page.inner_text("[data-saved]")
    page.unroute("**/annotations/*")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    saved(page)
    assert Annotation.objects.count() == 1


def test_two_windows_of_one_reader_lose_nothing(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    saved(page)
    second = page.context.new_page()
    open_still(second, phantom)
    says(second, "20.0 mm")
    drag(second, (50, 20), (30, 20))
    says(second, "10.0 mm")
    saved(second)
    drag(page, (50, 20), (20, 20))
    says(page, "5.0 mm")
    until(lambda: Annotation.objects.filter(removed_at=None).count() == 2, "one of the two was lost", 10)
    lengths = sorted(row.shape["points"][1][0] for row in Annotation.objects.all())
    assert lengths == pytest.approx([10.0, 15.0], abs=0.2)


def test_a_hostile_answer_of_marks_breaks_nothing(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)

    def strange(route: Route) -> None:
        answer = route.fetch()
        if answer.status != 200:
            route.fulfill(response=answer)  # nothing has changed since
            return
        known = answer.json()
        known["annotations"] = [
            {
                **dict.fromkeys(("key", "sop_instance_uid", "tool", "author"), "x"),
                "frame": 1,
                "shape": {"space": "patient", "points": []},
                "own": False,
                "version": "1",
                "series_instance_uid": "1",
            }
        ]
        route.fulfill(response=answer, json=known)

    page.route("**/markings.json", strange)
    open_still(page, phantom)
    page.keyboard.press("t")
    drag(page, (10, 20), (50, 20))
    says(page, "20.0 mm")


def test_a_half_drawn_mark_is_left_by_escape(phantom: str, alice: User, open_page: OpenPage) -> None:
    page = open_page(alice)
    open_still(page, phantom)
    drawn = page.locator("[data-pixels] svg :is(line, path, polyline)")
    before = drawn.count()
    page.keyboard.press("a")
    drag(page, (10, 40), (30, 40))
    until(lambda: drawn.count() > before, "no mark is begun")
    page.keyboard.press("Escape")
    assert "/viewer/" in page.url
    until(lambda: written(page) == "", "the half drawn mark stays")
    assert not Annotation.objects.exists()


def test_an_image_that_arrives_while_the_viewer_is_open_is_offered(
    archive: Archive, alice: User, open_page: OpenPage
) -> None:
    made = slices(4)
    archive.receive(*made[:2])
    page = open_page(alice)
    open_viewer(page, str(made[0].StudyInstanceUID))
    shows(page, "slice", "/ 2")
    archive.receive(*made[2:], arrivals.dataset(StudyInstanceUID=made[0].StudyInstanceUID, SeriesNumber=9))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(lambda: page.is_visible("[data-news]"), "nothing tells of the new images", 10)
    shows(page, "slice", "/ 2")
    until(lambda: page.locator("[data-rail]").count() == 2, "the strip does not show the new series")
    page.click("[data-news-act]")
    shows(page, "slice", "/ 4")
