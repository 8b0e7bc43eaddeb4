"""Takes the README's pictures: `python -m tests.journeys.screenshots FOLDER`. Starts a demo hospital of its own."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import CHROMIUM
from tests.journeys.running_portal import PASSWORD, RunningPortal, running, until
from tests.peers import find

CHEST = "1.3.6.1.4.1.5962.1.2.9.20040826185059.5457"
CT_HEAD = "1.2.826.0.1.3680043.9.4245.1760717064491086528325869788156915668"
DISC = Path(__file__).resolve().parents[2] / "portal" / "demo" / "data" / "dicomdir"
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def _sign_in(page: Page, portal: RunningPortal, username: str) -> None:
    page.goto(f"{portal.url}/account/login/")
    page.fill('input[name="login"]', username)
    page.fill('input[name="password"]', PASSWORD)
    page.press('input[name="password"]', "Enter")
    page.wait_for_url(f"{portal.url}/**")


def _prefer(page: Page, portal: RunningPortal, *, theme: str, language: str) -> None:
    for path, field, value in (("/account/theme/", "theme", theme), ("/language/", "language", language)):
        page.goto(f"{portal.url}/")
        page.evaluate(
            """async ([path, field, value]) => {
                const token = document.querySelector('[name=csrfmiddlewaretoken]').value;
                const body = new URLSearchParams({csrfmiddlewaretoken: token, [field]: value, next: '/'});
                await fetch(path, {method: 'POST', body});
            }""",
            [path, field, value],
        )


def _take(page: Page, address: str, file: Path, *, ready: str) -> None:
    page.goto(address)
    page.wait_for_selector(ready, timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)


def _pictures(browser: Browser, portal: RunningPortal, folder: Path) -> None:
    page = browser.new_context(viewport=WIDE).new_page()
    page.goto(f"{portal.url}/account/login/")
    page.screenshot(path=folder / "sign-in.png")
    _sign_in(page, portal, "emergency")
    _prefer(page, portal, theme="dark", language="en")
    _take(page, f"{portal.url}/studies/{CHEST}/", folder / "study-dark.png", ready="main img")
    _take(page, f"{portal.url}/viewer/{CT_HEAD}/", folder / "viewer.png", ready="canvas")
    _prefer(page, portal, theme="light", language="fr")
    _take(page, f"{portal.url}/", folder / "study-list-fr-light.png", ready="main")
    wide = browser.new_context(viewport=WIDE).new_page()
    _sign_in(wide, portal, "radiologist")
    _prefer(wide, portal, theme="dark", language="en")
    _take(wide, f"{portal.url}/", folder / "study-list-dark.png", ready="main")
    _desks(browser, portal, folder)
    phone = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2).new_page()
    _sign_in(phone, portal, "emergency")
    _prefer(phone, portal, theme="dark", language="en")
    _take(phone, f"{portal.url}/", folder / "phone.png", ready="main")


def _desks(browser: Browser, portal: RunningPortal, folder: Path) -> None:
    """The import desk with a disc from elsewhere, and the quarantine desk with the demo's odd object."""
    page = browser.new_context(viewport=WIDE).new_page()
    _sign_in(page, portal, "emergency")
    _prefer(page, portal, theme="dark", language="en")
    page.goto(f"{portal.url}/import/")
    page.set_input_files("input[webkitdirectory]", str(DISC))
    page.wait_for_selector("form[action$=confirm]", timeout=60_000)
    page.screenshot(path=folder / "import-desk.png")
    page = browser.new_context(viewport=WIDE).new_page()
    _sign_in(page, portal, "radiographer")
    _prefer(page, portal, theme="light", language="fr")
    page.goto(f"{portal.url}/quarantine/")
    page.click("main td a[href^='/quarantine/']")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=folder / "quarantine-fr-light.png")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, running(Path(data) / "var") as portal:
        until(lambda: b"QA_ROOM sent" in portal.log.read_bytes(), seconds=180, what="the demo is not sent")
        reader = portal.sign_in("radiologist")
        until(lambda: "state-arriving" not in reader.get("/").text, seconds=180, what="the demo has not settled")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
            _pictures(browser, portal, folder)
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
