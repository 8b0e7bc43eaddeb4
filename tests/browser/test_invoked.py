"""From the hospital's record to the images in a real browser: one click, signed in or not, and the list of several studies."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page, expect

from accounts.framing.models import FrameOrigin
from accounts.models import User
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE, as_reader
from tests.factories import arrivals
from tests.factories.accounts import PASSWORD
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def chests(archive: Archive, decoders: Pool) -> list[Study]:
    """Two films of one patient, drawn."""
    found = []
    for number in (1, 2):
        made = arrivals.dataset(AccessionNumber=f"A{number}", StudyDescription=f"Chest PA {number}", PatientID="P1")
        archive.receive(made)
        archive.draw(made.StudyInstanceUID)
        found.append(Study.objects.get(study_instance_uid=made.StudyInstanceUID))
    return found


def record(page: Page, portal: str, question: str) -> None:
    """The page of another system, of another origin, with a link to the portal."""
    page.route("http://record.example/", lambda route: route.fulfill(content_type="text/html", body=body))
    body = f'<a href="{portal}/IHEInvokeImageDisplay?{question}">Images</a>'
    page.goto("http://record.example/")
    page.get_by_role("link", name="Images").click()


def test_one_click_shows_the_images(chests: list[Study], alice: User, open_page: OpenPage, live_server: object) -> None:
    page = open_page(as_reader(alice, "en", "dark"))
    uid = chests[0].study_instance_uid
    record(page, str(live_server), f"requestType=STUDY&studyUID={uid}")
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)
    assert f"/viewer/{uid}/" in page.url


def test_who_is_not_signed_in_comes_to_the_images_after_it(
    chests: list[Study], alice: User, open_page: OpenPage, live_server: object
) -> None:
    page = open_page(None)
    record(page, str(live_server), "requestType=PATIENT&patientID=P1&mostRecentResults=1")
    assert "P1" not in page.url
    page.locator("[name=login]").fill("alice")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("[data-viewer][data-ready=true]").wait_for(timeout=60_000)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("light", ["dark", "light"])
def test_several_studies_are_offered_on_a_page_that_fits_and_speaks(
    chests: list[Study], alice: User, open_page: OpenPage, live_server: object, language: str, light: str
) -> None:
    page = open_page(as_reader(alice, language, light), awaited=(404,))
    page.context.add_init_script(path=AXE)
    record(page, str(live_server), "requestType=PATIENT&patientID=P1")
    expect(page.get_by_role("link", name=re.compile("See the images|Voir les images"))).to_have_count(2)
    assert "P1" not in page.url
    looked_at(page, f"several-{language}-{light}")
    page.goto("/IHEInvokeImageDisplay?requestType=PATIENT&patientID=NOBODY")
    looked_at(page, f"nothing-{language}-{light}")


def looked_at(page: Page, name: str) -> None:
    """No page is wider than its window, and axe has nothing to complain about."""
    for size, viewport in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(viewport)
        page.wait_for_load_state("networkidle")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/invoked-{name}-{size}.png", full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} is {overflow} px too wide for {size}"
        found = page.evaluate("axe.run({ resultTypes: ['violations'] })")
        assert not [entry["id"] for entry in found["violations"]], f"{name} {size}"


@pytest.fixture
def another(archive: Archive, decoders: Pool) -> Study:
    """A film of another patient."""
    made = arrivals.dataset(AccessionNumber="B1", PatientID="P2", PatientName="Other^Olga")
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    return Study.objects.get(study_instance_uid=made.StudyInstanceUID)


READY = "[data-viewer][data-ready=true]"


def test_the_next_patient_of_the_record_puts_the_one_before_away(
    chests: list[Study], another: Study, alice: User, open_page: OpenPage, live_server: object
) -> None:
    """LA-6, in windows of their own."""
    first = open_page(as_reader(alice, "en", "dark"))
    record(first, str(live_server), f"requestType=STUDY&studyUID={chests[0].study_instance_uid}")
    first.locator(READY).wait_for(timeout=60_000)
    assert "?" not in first.url, "the mark does not stay in the address"
    mine = first.context.new_page()
    mine.goto(f"{live_server}/studies/{chests[1].study_instance_uid}/")
    second = first.context.new_page()
    second.goto(f"{live_server}/IHEInvokeImageDisplay?requestType=STUDY&accessionNumber=A2")
    second.locator(READY).wait_for(timeout=60_000)
    assert "/viewer/" in first.url, "the same patient stays"
    second.goto(f"{live_server}/IHEInvokeImageDisplay?requestType=STUDY&studyUID={another.study_instance_uid}")
    second.locator(READY).wait_for(timeout=60_000)
    expect(first.get_by_role("heading", name="The record shows another patient")).to_be_visible(timeout=30_000)
    assert "/studies/" in mine.url, "a page that the record did not open stays"
    assert first.locator("[data-viewer]").count() == 0


FRAME = """<!DOCTYPE html><title>Record</title>
<iframe id="images" src="{address}" width="1200" height="700"></iframe>
<script>
  window.told = [];
  window.addEventListener("message", (event) => window.told.push(event.data));
  window.tell = (patient) => document.querySelector("#images").contentWindow.postMessage({type: "negatoscope:patient", patient}, "*");
</script>
"""


@pytest.fixture
def framing() -> Iterator[Callable[[str], str]]:
    """`framing(address)` is the origin of another system, on this machine too, whose page holds that address in a frame."""
    pages: dict[str, bytes] = {}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(pages["/"])

        def log_message(self, *_words: object) -> None:
            pass

    def framed(address: str) -> str:
        pages["/"] = FRAME.replace("{address}", address).encode()
        return f"http://localhost:{server.server_address[1]}"

    server = ThreadingHTTPServer(("localhost", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield framed
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_record_that_holds_the_images_in_a_frame_says_whose_turn_it_is(
    chests: list[Study],
    alice: User,
    open_page: OpenPage,
    live_server: object,
    framing: Callable[[str], str],
    is_listed: bool,
) -> None:
    """LA-6, in a frame: a listed origin is heard, its words are compared with every number, nobody else is."""
    origin = framing(f"{live_server}/studies/{chests[0].study_instance_uid}/")
    FrameOrigin.objects.create(origin=origin, purpose="the record")
    page = open_page(as_reader(alice, "en", "dark"), awaited=(404,))
    page.goto(f"{origin}/")
    frame = page.frame_locator("#images")
    frame.locator("#patient-banner").wait_for()
    if not is_listed:
        frame.locator("meta[name=record-origins]").evaluate("(meta) => { meta.content = 'https://other.example'; }")
    frame.locator("body").evaluate(
        "() => { window.heard = 0; window.addEventListener('message', () => { window.heard += 1; }); }"
    )
    for patient in ("P1", "P1^^^^MR", "P2^^^HOSPITAL"):
        page.evaluate("(patient) => window.tell(patient)", patient)
    if is_listed:
        expect(frame.get_by_role("heading", name="The record shows another patient")).to_be_visible(timeout=30_000)
        assert page.evaluate("window.told.map((each) => each.shown)") == [True, True, False]
    else:
        frame.locator("body").evaluate(
            "() => new Promise((done) => { const look = () => (window.heard === 3 ? done() : setTimeout(look)); look(); })"
        )
        assert page.evaluate("window.told") == []
        expect(frame.locator("#patient-banner")).to_be_visible()
