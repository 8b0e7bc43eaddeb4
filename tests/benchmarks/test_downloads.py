"""A study as a zip, from the web server: megabytes a second, the memory of the server, and 10,000 objects at once.

A CT of 200 slices is measured as a link gives it too: whether it may go on is asked of the database meanwhile.
"""

import hashlib
import http.client
import re
import statistics
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import RequestFactory

from accounts.actor import Actor
from accounts.models import User
from accounts.roles import Right
from accounts.scope import Scope
from imaging.dicom.deidentification.profile import Profile
from imaging.studies.export import without_identity
from imaging.studies.export.receipts import Handed
from imaging.studies.export.without_identity import Cleaning
from imaging.viewer import export_answers
from tests.benchmarks.timing import cpu_of_processes, verdict
from tests.factories import arrivals
from tests.studies_in_archive import Archive
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTES_A_SECOND = 150.0
#: Growth of the server's own memory while it sends, in KiB.
GROWTH = 24 * 1024
SLICES, MANY = 600, 10_000
CT = 200
_CHUNK = 1024 * 1024


def study(archive: Archive, count: int, edge: int) -> str:
    """A study of one series."""
    uid, series = arrivals.uid(), arrivals.uid()
    pixels = np.random.default_rng(7).normal(1000, 300, (edge, edge)).clip(0, 4095).astype("<u2")
    for start in range(0, count, 200):
        archive.receive(
            *(
                arrivals.dataset(
                    StudyInstanceUID=uid,
                    SeriesInstanceUID=series,
                    InstanceNumber=number,
                    Rows=edge,
                    Columns=edge,
                    PixelData=np.roll(pixels, number).tobytes(),
                )
                for number in range(start + 1, min(start + 200, count) + 1)
            )
        )
    return uid


def anonymous_kib(pids: list[int]) -> int:
    """Largest RssAnon of these processes."""
    found = [re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()) for pid in pids]
    return max(int(match[1]) for match in found if match)


class Download:
    """One download, read as fast as it comes."""

    def __init__(self, server: WebServer, cookie: str, study_uid: str) -> None:
        self.connection = http.client.HTTPConnection("localhost", server.port, timeout=300)
        self.started = time.perf_counter()
        self.connection.request("GET", f"/studies/{study_uid}/download", headers={"Cookie": cookie})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()[:500]
        self.first_byte = time.perf_counter() - self.started

    def read(self, each: Callable[[], Any] = lambda: None) -> tuple[int, float]:
        """Bytes, and seconds from the request to the last."""
        size = 0
        while piece := self.answer.read(_CHUNK):
            size += len(piece)
            each()
        taken = time.perf_counter() - self.started
        assert size == int(self.answer.headers["Content-Length"])
        self.connection.close()
        return size, taken


def sha256() -> float:
    """Megabytes a second of the digest that every object is checked by."""
    content = bytes(256 * _CHUNK)
    started = time.perf_counter()
    hashlib.sha256(content)
    return len(content) / 1e6 / (time.perf_counter() - started)


def test_a_study_as_a_zip(
    archive: Archive, alice: User, serve_web: ServeWeb, capsys: pytest.CaptureFixture[str]
) -> None:
    large, many = study(archive, SLICES, 512), study(archive, MANY, 32)
    server = serve_web(workers=1)
    cookie = server.signed_in(alice)
    Download(server, cookie, study(archive, 1, 8)).read()
    lines = []

    before = anonymous_kib(server.pids)
    seen = [before]
    rates, sent, computed = [], 0, cpu_of_processes(server.pids)
    for _ in range(3):
        size, taken = Download(server, cookie, large).read(lambda: seen.append(anonymous_kib(server.pids)))
        rates.append(size / 1e6 / taken)
        sent += size
    cpu = (cpu_of_processes(server.pids) - computed) / (sent / 1e6)
    grown = max(seen) - before
    lines.append(
        f"{verdict(max(rates) >= MEGABYTES_A_SECOND)} zip of {SLICES} slices, {size / 1e6:.0f} MB, three times: "
        f"{', '.join(f'{rate:.0f}' for rate in rates)} MB/s (processor {cpu * 1000:.1f} ms a MB);"
        f" target {MEGABYTES_A_SECOND:.0f} MB/s"
    )
    lines.append(_memory(f"zip of {SLICES} slices", grown))
    at_once: list[tuple[int, float]] = []
    threads = [
        threading.Thread(target=lambda: at_once.append(Download(server, cookie, large).read())) for _ in range(3)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = sum(size for size, _taken in at_once) / 1e6 / (time.perf_counter() - started)
    lines.append(
        f"       three at once: {together:.0f} MB/s together; memory {(anonymous_kib(server.pids) - before) / 1024:.1f} MiB"
    )

    before = anonymous_kib(server.pids)
    seen = [before]
    download = Download(server, cookie, many)
    size, taken = download.read(lambda: seen.append(anonymous_kib(server.pids)))
    lines.append(_memory(f"zip of {MANY} objects, {size / 1e6:.0f} MB", max(seen) - before))
    lines.append(f"       its first byte after {download.first_byte:.2f} s, all of it after {taken:.1f} s")
    lines.append(f"       for comparison, SHA-256 alone on this machine: {sha256():.0f} MB/s")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert not [one for one in lines if one.startswith("MISSED")]


def _memory(what: str, grown: int) -> str:
    return f"{verdict(grown < GROWTH)} memory of the server for a {what}: {grown / 1024:.1f} MiB more; target {GROWTH / 1024:.0f}"


def test_a_ct_as_a_link_gives_it(
    archive: Archive,
    alice: User,
    serve_web: ServeWeb,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uid = study(archive, CT, 512)
    server = serve_web(workers=1)
    cookie = server.signed_in(alice)
    before = anonymous_kib(server.pids)
    seen = [before]
    served, first = [], []
    for _ in range(5):
        download = Download(server, cookie, uid)
        size, taken = download.read(lambda: seen.append(anonymous_kib(server.pids)))
        served.append(size / 1e6 / taken)
        first.append(download.first_byte)
    asked: list[bool] = []
    link = Scope(
        principal=Actor(kind="share", id="1", name="link"),
        studies=frozenset({uid}),
        rights=frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        reason="measured",
    )

    def still_allowed() -> bool:
        asked.append(True)
        return User.objects.filter(pk=alice.pk, is_active=True).exists()

    given = [_given(link, uid, still_allowed) for _ in range(5)]
    # Each of these takes less than the time between two questions: here it is asked before every piece.
    monkeypatch.setattr(export_answers, "_ASKED_AGAIN", 0.0)
    pressed = _given(link, uid, still_allowed)
    lines = [
        (
            f"{verdict(max(served) >= MEGABYTES_A_SECOND)} zip of {CT} slices, {size / 1e6:.0f} MB, five times: "
            f"{', '.join(f'{rate:.0f}' for rate in served)} MB/s; first byte after {statistics.median(first) * 1000:.0f} ms;"
            f" target {MEGABYTES_A_SECOND:.0f} MB/s"
        ),
        _memory(f"zip of {CT} slices", max(seen) - before),
        (
            f"{verdict(max(given) >= MEGABYTES_A_SECOND)} the same in small pieces, as a link has it: "
            f"{', '.join(f'{rate:.0f}' for rate in given)} MB/s without a web server; target {MEGABYTES_A_SECOND:.0f} MB/s;"
            f" asked before every piece ({len(asked)} questions) {pressed:.0f} MB/s"
        ),
    ]
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert not [one for one in lines if one.startswith("MISSED")]


def test_a_ct_without_identity(archive: Archive, capsys: pytest.CaptureFixture[str]) -> None:
    uid = study(archive, CT, 512)
    reader = Scope(
        principal=Actor(kind="user", id="1", name="reader"),
        studies=frozenset({uid}),
        rights=frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        reason="measured",
    )
    cleaning = Cleaning(Profile(), b"k" * 32, "ANON-1")
    package = export_answers.Package(handed=Handed(date(2026, 5, 1)), cleaning=cleaning)
    rates = [_given(reader, uid, package=package) for _ in range(3)]
    started = time.perf_counter()
    export = without_identity.prepare(
        reader, [uid], actor=reader.principal, form="zip", cleaning=cleaning, handed=Handed(date(2026, 5, 1))
    )
    planned = time.perf_counter() - started
    with capsys.disabled():
        print(
            f"\n       zip of copies without identity of {CT} slices, {export.length / 1e6:.0f} MB, three times: "
            f"{', '.join(f'{rate:.0f}' for rate in rates)} MB/s without a web server; {planned:.2f} s of it before the "
            "first byte, to plan the copies"
        )
    assert export.count == CT


def _given(
    link: Scope,
    uid: str,
    still_allowed: Callable[[], bool] | None = None,
    package: export_answers.Package | None = None,
) -> float:
    """Megabytes a second from the question to the last byte."""
    started = time.perf_counter()
    answer: Any = export_answers.zip_answer(
        RequestFactory().get("/"),
        scope=link,
        actor=link.principal,
        study_uids=[uid],
        package=package,
        still_allowed=still_allowed,
    )
    size = sum(map(len, answer.streaming_content))
    taken = time.perf_counter() - started
    for closer in answer._resource_closers:
        closer()
    assert size == int(answer["Content-Length"])
    return size / 1e6 / taken
