"""Black stays black: the same object is drawn with the same polarity with and without a graphics card."""

import pytest
from playwright.sync_api import Browser

from accounts.models import User
from tests.browser.conftest import OpenPage, until
from tests.browser.test_viewer import brightness, open_viewer, slices
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("interpretation", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("graphics", [True, False], ids=["with-graphics", "without-graphics"])
def test_the_least_value_is_white_in_monochrome1_and_black_in_monochrome2(
    interpretation: str,
    graphics: bool,
    archive: Archive,
    alice: User,
    open_page: OpenPage,
    chromium: Browser,
    chromium_without_webgl: Browser,
) -> None:
    # The left half holds the least value, the right half the greatest.
    made = slices(PhotometricInterpretation=interpretation)
    archive.receive(*made)
    page = open_page(alice, browser=chromium if graphics else chromium_without_webgl)
    open_viewer(page, str(made[0].StudyInstanceUID))

    def is_right() -> bool:
        left, right = brightness(page)
        return left > right if interpretation == "MONOCHROME1" else left < right

    def is_inverted() -> bool:
        left, right = brightness(page)
        return left < right if interpretation == "MONOCHROME1" else left > right

    until(is_right, "the picture opens with black and white exchanged")
    page.keyboard.press("i")
    until(is_inverted, "inverting changes nothing")
    page.keyboard.press("Space")
    until(is_right, "reset leaves the picture inverted")
