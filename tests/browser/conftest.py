"""A real browser before the real application: Debian's Chromium, a session of its own per test, and ears for its complaints."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

from accounts.models import User
from tests.peers import find

T = TypeVar("T")

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
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


def until(question: Callable[[], T], what: str, seconds: float = 30) -> T:
    """Ask again until the answer is true; fail with `what` when it has not become so in time."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"After {seconds} s: {what}"
        time.sleep(0.05)
    return answer


@dataclass
class Complaints:
    """What the browser complained about: reports of the security policy, and scripts that stopped."""

    heard: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Hear what this page says."""
        page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.heard.append(f"policy: {message.text}")


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


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(live_server: Any, chromium: Browser) -> Iterator[OpenPage]:
    """`open_page(user)` is a page where that person is signed in; at the end it must not have complained."""
    complaints = Complaints()
    contexts = []

    def opened(user: User, *, browser: Browser = chromium, **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        cookie = client.cookies[settings.SESSION_COOKIE_NAME]
        context = browser.new_context(base_url=live_server.url, **{"viewport": WIDE, **options})
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints.heard
