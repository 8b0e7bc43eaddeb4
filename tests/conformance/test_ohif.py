"""OHIF, the viewer of others, lists our studies from /dicom-web/ and shows the demo's CT."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pydicom
import pytest
from playwright.sync_api import Browser, Page

from accounts.actor import SYSTEM
from accounts.models import Department
from imaging.studies import services as studies
from tests import ohif
from tests.browser.conftest import WIDE, until
from tests.chromium import leave
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.web_servers import ServeWeb

pytestmark = [pytest.mark.conformance, pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CT = Path(__file__).resolve().parents[2] / "portal" / "demo" / "data" / "ct-head"


@pytest.fixture
def page(serve_web: ServeWeb, data_dir: Path, emergency: Department, chromium: Browser) -> Iterator[Page]:
    """OHIF's own pages before an archive with the demo's CT."""
    batch = [arrivals.incoming(path.read_bytes(), data_dir / "spool", emergency) for path in sorted(CT.rglob("*.dcm"))]
    studies.register(batch, actor=SYSTEM)
    server = serve_web(workers=1, threads=8)
    key = issue_machine_key(emergency, name="ohif").plaintext
    with ohif.served(server.port, key) as address:
        context = chromium.new_context(base_url=address, viewport=WIDE, service_workers="block")
        yield context.new_page()
        leave(context)


def brightness(page: Page) -> float:
    """How much the picture in the middle of the viewer varies: nothing drawn is even."""
    canvas = page.locator("canvas.cornerstone-canvas, .viewport-element canvas").first
    shot = PIL.Image.open(io.BytesIO(canvas.screenshot())).convert("L")
    return float(np.asarray(shot).std())


def test_it_lists_the_studies_and_shows_the_images(page: Page) -> None:
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
    page.goto("/")
    header = pydicom.dcmread(CT / "01.dcm", stop_before_pixels=True)
    until(lambda: page.get_by_text(str(header.StudyDescription).strip(), exact=True).count(), "OHIF lists the CT", 90)
    listed = [url for url in asked if "/dicom-web/studies?" in url]
    assert listed
    study = str(header.StudyInstanceUID)
    page.goto(f"/viewer?StudyInstanceUIDs={study}")
    until(lambda: page.locator("canvas").count(), "OHIF opens its viewer", 90)
    until(lambda: brightness(page) > 10, "OHIF draws the image", 90)
    assert [url for url in asked if f"/studies/{study}/series" in url]
    assert [url for url in asked if "/frames/1" in url]
    assert not [url for url in failed if "/dicom-web/" in url]
