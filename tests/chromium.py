"""Debian's Chromium, one for all tests that drive a browser: Playwright runs in one thread once, and not twice."""

import contextlib
import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright

from tests.peers import find

CHROMIUM = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Playwright runs its event loop in this thread; Django would take every query of a fixture for one made inside it.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="session")
def _playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium(_playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a graphics card: WebGL is drawn by software."""
    browser = _playwright.chromium.launch(executable_path=find("chromium"), args=CHROMIUM)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium_without_webgl(_playwright: Playwright) -> Iterator[Browser]:
    """Chromium that has no WebGL at all."""
    browser = _playwright.chromium.launch(executable_path=find("chromium"), args=[*CHROMIUM, "--disable-3d-apis"])
    yield browser
    browser.close()


def leave(context: BrowserContext) -> None:
    """Close what a test opened: Chromium waits for ever when it is to close a page that is on its way to another one."""
    for page in context.pages:
        # An answer that a test had under way would otherwise fail the next one.
        page.unroute_all(behavior="ignoreErrors")
        _come_to_rest(page)
    context.close()


def _come_to_rest(page: Page) -> None:
    """Go where nothing happens any more. While another address takes the page's place, Chromium may refuse this one, or lose it."""
    for _again in range(5):
        with contextlib.suppress(Error):
            page.goto("about:blank", wait_until="commit", timeout=3000)
            return
