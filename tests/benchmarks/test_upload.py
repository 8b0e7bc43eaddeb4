"""Uploads with Chromium to a whole running portal: files per second, and the memory that 2 GB take."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.running_portal import PASSWORD, RunningPortal, running

RATE = 60e6
FILES = 1000
LENGTH = 512 * 1024
LARGE = 2 * 1024**3
RSS_ANON = 300 * 1024


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPortal]:
    with running(tmp_path_factory.mktemp("uploading") / "var") as started:
        yield started


@pytest.fixture
def page(portal: RunningPortal, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(base_url=portal.url)
    opened = context.new_page()
    opened.goto("/account/login/")
    opened.fill("input[name=login]", "radiographer")
    opened.fill("input[name=password]", PASSWORD)
    opened.press("input[name=password]", "Enter")
    opened.wait_for_url("**/")
    opened.goto("/import/")
    yield opened
    context.close()


def _send(page: Page, field: str, path: Path) -> float:
    """Seconds until the server has all, on disk, and says so."""
    started = time.perf_counter()
    page.set_input_files(field, path)
    page.wait_for_url("**/import/*-*/", wait_until="commit", timeout=600_000)
    return time.perf_counter() - started


def test_a_thousand_files_arrive_fast(page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "thousand"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"IM{number:04}").write_bytes(os.urandom(LENGTH))
    seconds = _send(page, "#choose-folder", folder)
    rate = FILES * LENGTH / seconds
    with capsys.disabled():
        print(
            f"\nupload of {FILES} files of {LENGTH // 1024} KiB by Chromium: {seconds:.1f} s, {rate / 1e6:.0f} MB/s,"
            f" {FILES / seconds:.0f} files/s; target {RATE / 1e6:.0f} MB/s"
        )
    assert rate >= RATE


def _rss_anon(pid: int) -> tuple[int, str]:
    """(KiB, command) of a Python process."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon") and "python" in command:
                return int(line.split()[1]), command
    except OSError:
        pass
    return 0, ""


class Sampler(threading.Thread):
    """Looks at every Python process of the portal each 100 ms."""

    def __init__(self, portal: RunningPortal) -> None:
        super().__init__(daemon=True)
        self.highest, self.where = 0, ""
        self._pids = portal.pids()
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.1):
            for pid in self._pids:
                used, command = _rss_anon(pid)
                if used > self.highest:
                    self.highest, self.where = used, command

    def finish(self) -> int:
        self._over.set()
        self.join()
        return self.highest


def test_two_gigabytes_take_little_memory(
    page: Page, portal: RunningPortal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large.zip"
    with large.open("wb") as file:
        for _ in range(LARGE // (1024 * 1024)):
            file.write(os.urandom(1024 * 1024))
    sampler = Sampler(portal)
    sampler.start()
    seconds = _send(page, "#choose-files", large)
    highest = sampler.finish()
    with capsys.disabled():
        print(
            f"\nupload of 2 GB by Chromium: {LARGE / seconds / 1e6:.0f} MB/s,"
            f" highest RssAnon {highest // 1024} MiB ({sampler.where[-60:]}); target {RSS_ANON // 1024} MiB"
        )
    assert highest <= RSS_ANON
