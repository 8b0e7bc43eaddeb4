"""How soon a reader sees something after the click, in Chromium with a new profile each time, on a server as it is run.

Targets: the ready-made picture painted within 300 ms of the click, the picture in full depth within 2.5 s at the 95th percentile.
"""

import statistics
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, StorageState

from accounts.models import User
from tests.browser.conftest import WIDE, until
from tests.decoder_pools import Pool
from tests.studies_in_archive import DEMO, Archive
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

PREVIEW, FULL, RECORD = 300, 2_500, 1_500  # ms
ROUNDS = 20
PASSWORD = "a long sentence of the tests"

#: The chest film that comes with its prior, and the CT of a head.
STUDIES = {"CT head": "ct-head", "chest": "radiographs"}

# The click is timed in the page that it leaves, the pictures in the page that it leads to.
LISTEN = """
addEventListener('click', e => sessionStorage.setItem('clicked', performance.timeOrigin + e.timeStamp), true);
const since = at => performance.timeOrigin + at - Number(sessionStorage.getItem('clicked'));
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) {
    if (entry.identifier === 'first-picture') window.previewAt ??= since(entry.renderTime || entry.loadTime);
  }
}).observe({ type: 'element', buffered: true });
addEventListener('DOMContentLoaded', () => {
  const port = document.querySelector('[data-port]');
  if (!port) return;
  new MutationObserver(() => {
    const picture = document.querySelector('[data-first-picture]');
    // It goes when the pixels are drawn; one that could not be loaded would be gone before, and must not count.
    const drawn = picture.hidden && picture.naturalWidth > 0 && !port.classList.contains('has-tile');
    if (drawn && !window.fullAt) requestAnimationFrame(() => { window.fullAt = since(performance.now()); });
  }).observe(port, { attributes: true, subtree: true, childList: true, characterData: true });
});
"""


def largest(folder: str) -> list[Path]:
    """The files of one demo study: those of the folder that belong to its first file."""
    return sorted(path for path in (DEMO / folder).rglob("*.dcm"))


@pytest.fixture
def opened(
    archive: Archive, pool: Pool, alice: User, serve_web: ServeWeb, chromium: Browser
) -> tuple[WebServer, dict[str, str], StorageState]:
    """The server, the studies by name, and the session of a clinician who signed in there."""
    alice.set_password(PASSWORD)
    alice.save()
    known = {}
    for name, folder in STUDIES.items():
        files = largest(folder)
        first = archive.uid_of(files[0])
        same = [file for file in files if archive.uid_of(file) == first]
        archive.receive(*same)
        archive.draw(first)
        known[name] = first
    server = serve_web(workers=1)
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{server.url}/account/login/")
    page.fill('input[name="login"]', alice.username)
    page.fill('input[name="password"]', PASSWORD)
    page.press('input[name="password"]', "Enter")
    page.wait_for_url(f"{server.url}/")
    session = context.storage_state()
    context.close()
    return server, known, session


def once(context: BrowserContext, server: WebServer, study: str) -> tuple[float, float, bool]:
    """Milliseconds from the click to the first picture, and to the one in full depth; whether the first was the ready-made one."""
    page = context.new_page()
    page.add_init_script(LISTEN)
    page.goto(f"{server.url}/studies/{study}/")
    page.click("a[data-open]")
    page.wait_for_url("**/viewer/**")
    # Where the pixels were faster, the ready-made picture was never painted: then they are what the reader saw first.
    # That is later than a picture which was painted would have been, so that it flatters nothing.
    times = "[window.previewAt ?? window.fullAt ?? null, window.fullAt ?? null, 'previewAt' in window]"
    until(lambda: None not in page.evaluate(times), "no picture is drawn", 30)
    preview, full, was_ready_made = page.evaluate(times)
    return float(preview), float(full), bool(was_ready_made)


def test_pictures_come_soon_after_the_click(
    opened: tuple[WebServer, dict[str, str], StorageState], chromium: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    server, studies, session = opened
    missed = []
    for name, study in studies.items():
        previews, fulls, ready_made = [], [], 0
        for _round in range(ROUNDS):
            context = chromium.new_context(viewport=WIDE, storage_state=session)
            preview, full, was_ready_made = once(context, server, study)
            ready_made += was_ready_made
            previews.append(preview)
            fulls.append(full)
            context.close()
        p95 = statistics.quantiles(fulls, n=20)[-1]
        with capsys.disabled():
            print(
                f"\n{name}: preview median {statistics.median(previews):.0f} ms, p95 {statistics.quantiles(previews, n=20)[-1]:.0f} ms;"
                f" full depth median {statistics.median(fulls):.0f} ms, p95 {p95:.0f} ms ({ROUNDS} new profiles;"
                f" {ready_made} saw the ready-made picture first)"
            )
        if statistics.median(previews) > PREVIEW or p95 > FULL:
            missed.append(name)
    assert not missed, f"slower than {PREVIEW} ms for the preview or {FULL} ms for full depth: {missed}"


def by_record(context: BrowserContext, server: WebServer, study: str) -> float:
    """Milliseconds from the click on a link of the health record (IHE Invoke Image Display) to the first picture."""
    page = context.new_page()
    page.add_init_script(LISTEN)
    page.goto(f"{server.url}/help/")
    # The link stands in a page of the same origin, so that both ends of the wait share a clock.
    address = f"/IHEInvokeImageDisplay?requestType=STUDY&studyUID={study}"
    page.evaluate(
        "href => document.body.prepend(Object.assign(document.createElement('a'), { href, id: 'record', text: 'Images' }))",
        address,
    )
    page.click("#record")
    page.wait_for_url("**/viewer/**")
    seen = "window.previewAt ?? window.fullAt ?? null"
    until(lambda: page.evaluate(seen) is not None, "no picture is drawn", 30)
    return float(page.evaluate(seen))


def test_a_link_of_the_health_record_shows_a_picture_soon(
    opened: tuple[WebServer, dict[str, str], StorageState], chromium: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    server, studies, session = opened
    missed = []
    for name, study in studies.items():
        times = []
        for _round in range(ROUNDS):
            context = chromium.new_context(viewport=WIDE, storage_state=session)
            times.append(by_record(context, server, study))
            context.close()
        p95 = statistics.quantiles(times, n=20)[-1]
        with capsys.disabled():
            print(
                f"\n{name}, from the record: first picture median {statistics.median(times):.0f} ms, p95 {p95:.0f} ms"
            )
        if p95 > RECORD:
            missed.append(name)
    assert not missed, f"slower than {RECORD} ms: {missed}"
