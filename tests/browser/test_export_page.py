"""The page of a download on the disk of whoever took it home: in a phone's browser and a large one, with nothing but its folder."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from accounts.models import User
from tests.browser.conftest import PHONE, WIDE, Complaints, OpenPage
from tests.chromium import leave
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def unpacked(archive: Archive, alice: User, decoders: Pool, open_page: OpenPage, tmp_path: Path) -> Path:
    """A study of three series, downloaded from its page and unpacked."""
    study = arrivals.uid()
    made = [
        arrivals.dataset(
            StudyInstanceUID=study,
            SeriesInstanceUID=arrivals.uid(),
            SeriesNumber=number,
            SeriesDescription="Ein sehr langer Name ohne jede Lücke: " + "Ö" * 24,
            PatientName="Łukasiewicz^Żaneta",
            Rows=64,
            Columns=64,
            PixelData=bytes(range(256)) * 32,
        )
        for number in (1, 2, 3)
    ]
    archive.receive(*made)
    archive.draw(study)
    page = open_page(alice, accept_downloads=True)
    page.goto(f"/studies/{study}/")
    page.click("[data-dialog='downloads']")
    with page.expect_download() as begun:
        page.click("#downloads a.btn-primary[data-download]")
    begun.value.save_as(tmp_path / "study.zip")
    with zipfile.ZipFile(tmp_path / "study.zip") as found:
        found.extractall(tmp_path / "disc")
    return tmp_path / "disc"


@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_itself_without_script_and_without_a_network(
    unpacked: Path, chromium: Browser, size: dict[str, int], scheme: str
) -> None:
    context = chromium.new_context(viewport=size, color_scheme=scheme, java_script_enabled=False, offline=True)  # type: ignore[arg-type]
    page = context.new_page()
    complaints, asked = Complaints(), list[str]()
    complaints.listen(page)
    page.on("request", lambda request: asked.append(request.url))
    try:
        page.goto((unpacked / "index.html").as_uri())
        assert _fits(page)
        pictures = page.locator(".series img")
        assert pictures.count() == 3
        for number in range(3):
            pictures.nth(number).scroll_into_view_if_needed()
            assert pictures.nth(number).evaluate("one => one.complete && one.naturalWidth") == 64
        assert "ŁUKASIEWICZ Żaneta" in " ".join(page.locator("header").inner_text().split())
        background = page.locator("body").evaluate("one => getComputedStyle(one).backgroundColor")
        assert background == ("rgb(243, 245, 246)" if scheme == "light" else "rgb(15, 21, 26)")
        assert complaints.heard == []
        assert all(address.startswith(unpacked.as_uri()) for address in asked), asked
    finally:
        leave(context)


def _fits(page: Page) -> bool:
    """Whether nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
