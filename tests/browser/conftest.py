"""A real browser before the real application: Debian's Chromium, a session of its own per test, and ears for its complaints."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from accounts.models import User
from tests.chromium import leave

T = TypeVar("T")

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def until(question: Callable[[], T], what: str, seconds: float = 30) -> T:
    """Ask again until the answer is true; fail with `what` when it has not become so in time."""
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"After {seconds} s: {what}"
        time.sleep(0.05)
    return answer


@dataclass
class Complaints:
    """What the browser complained about: reports of the security policy, scripts that stopped, requests for what is not there.

    A page that asks for what does not exist, or for what the server fails at, is wrong; `awaited` are the statuses that a test
    itself brings about.
    """

    heard: list[str] = field(default_factory=list)
    awaited: set[int] = field(default_factory=set)

    def listen(self, page: Page) -> None:
        """Hear what this page says."""
        page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("response", self._response)

    def _response(self, response: Response) -> None:
        refused = response.status == 404 or response.status >= 500
        if refused and response.status not in self.awaited:
            self.heard.append(f"{response.status}: {response.request.method} {urlsplit(response.url).path}")

    def _console(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text or "Content-Security-Policy" in message.text:
            self.heard.append(f"policy: {message.text}")


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(live_server: Any, chromium: Browser) -> Iterator[OpenPage]:
    """`open_page(user)` is a page where that person is signed in, `open_page(None)` one of somebody outside; it must not complain.

    `awaited` are refusals that the test wants to see, by status.
    """
    complaints = Complaints()
    contexts = []

    def opened(
        user: User | None, *, browser: Browser = chromium, awaited: tuple[int, ...] = (), **options: Any
    ) -> Page:
        complaints.awaited.update(awaited)
        context = browser.new_context(base_url=live_server.url, **{"viewport": WIDE, **options})
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        complaints.listen(page)
        return page

    yield opened
    for context in contexts:
        leave(context)
    assert not complaints.heard
