"""A revoke at every door of a link: what is asked is refused, and what is on its way stops, within a second."""

import http.client
import json
import re
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Final

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import User
from imaging.sharing.entrance import services as entrance
from imaging.sharing.making import services
from imaging.sharing.making.services import Made
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Instance
from tests import memories
from tests.benchmarks.open_links import LINE, entered
from tests.benchmarks.test_downloads import study as ct_of
from tests.benchmarks.timing import verdict
from tests.imaging.sharing.health_link.conftest import Wallet
from tests.journeys.running_portal import Browser
from tests.shared_links import Sharing
from tests.studies_in_archive import Addresses, Archive
from tests.web_servers import ServeWeb, WebServer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("nobody_tried_before", "drawn_by_a_pool"),
]

REVOKED = 1.0
SLICES = 200

#: What the server writes when it stops in the middle: an answer to a share, and a zip.
STOPPED: Final = " was ended"
#: Bytes that such a line holds.
UNDER_WAY: Final = LINE["downloadThroughput"] * LINE["latency"] // 1000

ALICE = Actor("user", "1", "alice")


@dataclass
class Door:
    """One way to what a link opens, asked again and again until it has refused several times."""

    name: str
    path: str
    headers: dict[str, str]
    pause: float = 0.1
    method: str = "GET"
    body: str = ""
    answers: list[tuple[float, int]] = field(default_factory=list)

    def ask(self, line: http.client.HTTPConnection) -> bool:
        """Ask once; whether it was given."""
        line.request(self.method, self.path, self.body or None, self.headers)
        answer = line.getresponse()
        answer.read()
        assert answer.status < 300 or 400 <= answer.status < 500, (self.name, answer.status)
        self.answers.append((time.perf_counter(), answer.status))
        return answer.status < 300

    def watch(self, port: int, ends: threading.Event, go: threading.Event | None = None) -> None:
        line = http.client.HTTPConnection("localhost", port, timeout=30)
        if go is not None:
            go.wait()
        while not ends.wait(self.pause):
            self.ask(line)
        line.close()

    def refused(self, since: float) -> float:
        """Seconds from then until an answer after which nothing was given any more."""
        given = [at for at, status in self.answers if status < 300]
        last = max(given, default=0.0)
        return min(at for at, status in self.answers if status >= 400 and at > last) - since


@dataclass
class Stream:
    """A download that is on its way, at the pace of a line."""

    name: str
    path: str
    headers: dict[str, str]
    a_second: int = 1_250_000
    ended: float = 0.0
    size: int = 0
    after: int = 0
    length: int | None = None

    def watch(self, port: int, begun: threading.Barrier, revoked: threading.Event) -> None:
        line = http.client.HTTPConnection("localhost", port, timeout=30)
        line.sock = _socket(port)
        line.request("GET", self.path, headers=self.headers)
        answer = line.getresponse()
        assert answer.status == 200, (self.name, answer.status)
        self.length = answer.length
        started = time.perf_counter()
        begun.wait()
        try:
            while piece := answer.read1(16_384):
                self.size += len(piece)
                if revoked.is_set():
                    self.after += len(piece)
                time.sleep(max(0.0, started + self.size / self.a_second - time.perf_counter()))
        except (http.client.IncompleteRead, ConnectionError):
            pass
        self.ended = time.perf_counter()
        answer.close()
        line.close()


def _socket(port: int) -> socket.socket:
    """A connection as over a line of 10 Mbit/s and 80 ms: packets of Ethernet, and no more under way than it holds.

    Within one machine packets are of 64 KiB, and the kernel would keep megabytes for a reader as slow as this one.
    """
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNDER_WAY)
    made.settimeout(30)
    made.connect(("localhost", port))
    return made


def test_a_revoke_is_seen_at_every_door(
    archive: Archive,
    alice: User,
    many_opens: None,
    sharing: Sharing,
    serve_web: ServeWeb,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uid = ct_of(archive, SLICES, 512)
    archive.draw(uid)
    server = serve_web(workers=2)
    worst: dict[str, float] = {}
    ends: dict[str, list[Stream]] = {}
    for _ in range(5):
        memories.forget()
        made = sharing(archive.study(uid), factor=Factor.PRINTED, may_download=True, with_report=True)
        doors, streams = _doors(server, made, uid), _streams(made)
        for name, seconds in _revoked(server, made, alice, doors, streams).items():
            worst[name] = max(worst.get(name, 0.0), seconds)
        for stream in streams:
            ends.setdefault(stream.name, []).append(stream)
    slowest = max(worst.values())
    lines = [f"       {name}: {seconds:.2f} s" for name, seconds in worst.items()]
    lines += [
        f"       {name}: the reader met its end after {max(each.ended for each in seen):.2f} s,"
        f" with {max(each.after for each in seen) / 1e6:.1f} MB that were in the buffers of the line"
        for name, seen in ends.items()
    ]
    with capsys.disabled():
        print(
            f"\n{verdict(slowest <= REVOKED)} a revoke at {len(worst)} doors, two processes of eight threads, 5 shares, at worst:"
            f" {slowest:.2f} s; target {REVOKED:.0f} s\n" + "\n".join(lines)
        )
    assert slowest <= REVOKED


def _token(made: Made) -> dict[str, str]:
    """A token for another archive."""
    visit = made.share.visits.filter(way="link").latest("pk")
    token = entrance.give_token(visit, address="10.1.0.1").token
    return {"Authorization": f"Bearer {token}"}


def _doors(server: WebServer, made: Made, uid: str) -> list[Door]:
    cookie, base = entered(made), f"/s/{made.share.key}"
    images = Instance.objects.select_related("series").filter(study__study_instance_uid=uid).order_by("instance_number")
    middle = images[SLICES // 2]
    one = Addresses(uid, middle.series.series_instance_uid, middle.sop_instance_uid).all
    wallet = _wallet(server, f"{base}/shl", cookie["Cookie"])
    question = json.dumps({"recipient": "Wallet", "passcode": wallet.passcode})
    found = [
        Door("recipient's page", f"{base}/", cookie),
        Door("viewer", base + one["viewer"], cookie),
        Door("viewer's manifest", base + one["manifest"], cookie),
        Door("preview", base + one["instance preview"], cookie),
        Door("QIDO-RS", f"{base}/dicom-web/studies", cookie),
        Door("metadata", base + one["series metadata"], cookie),
        Door("frame", base + one["frame"], cookie),
        Door("rendered", base + one["rendered"], cookie),
        Door("thumbnail", base + one["thumbnail"], cookie),
        Door("QIDO-RS with the token of an archive", f"{base}/dicom-web/studies", _token(made)),
        Door("frame with the token of an archive", base + one["frame"], _token(made)),
    ]
    said = {"Content-Type": "application/json"}
    # No address may ask more than twenty times a minute.
    found.append(Door("manifest of a health link", wallet.path, said, 0.1, "POST", question))
    return found


def _wallet(server: WebServer, path: str, cookie: str) -> Wallet:
    """A wallet with a link that the recipient made on their page: who asks the server for it shares its secrets."""
    browser = Browser(server.url)
    form = browser.get(path, Cookie=cookie)
    field = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
    assert field, form.status
    page = browser.send(
        "POST",
        path,
        f"csrfmiddlewaretoken={field[1]}".encode(),
        Cookie=f"{cookie}; {browser.cookies}",
        Referer=server.url + path,
    )
    uri, passcode = re.search(r"shlink:/[\w-]+", page.text), re.search(r"\b(?:[0-9A-Z]{4}-){2}[0-9A-Z]{4}\b", page.text)
    assert uri, page.text
    assert passcode, page.text
    return Wallet(uri[0], passcode[0], Client())


def _streams(made: Made) -> list[Stream]:
    base = f"/s/{made.share.key}"
    uid = made.share.items.select_related("study")[0].study.study_instance_uid
    related = {**_token(made), "Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}
    return [
        Stream("zip on its way at 10 Mbit/s", f"{base}/download", entered(made)),
        Stream("zip on its way at 100 Mbit/s", f"{base}/download", entered(made), a_second=12_500_000),
        Stream("study on its way to another archive", f"{base}/dicom-web/studies/{uid}", related),
    ]


def _revoked(server: WebServer, made: Made, alice: User, doors: list[Door], streams: list[Stream]) -> dict[str, float]:
    """Seconds from the press until each door refuses, and each stream has stopped."""
    ends, revoked, begun = threading.Event(), threading.Event(), threading.Barrier(len(streams) + 1)
    asking = [threading.Thread(target=each.watch, args=(server.port, ends)) for each in doors if not each.body]
    asking += [threading.Thread(target=each.watch, args=(server.port, ends, revoked)) for each in doors if each.body]
    taking = [threading.Thread(target=each.watch, args=(server.port, begun, revoked)) for each in streams]
    line = http.client.HTTPConnection("localhost", server.port, timeout=30)
    for each in doors:
        assert each.ask(line), each.name
    line.close()
    for thread in (*asking, *taking):
        thread.start()
    begun.wait(30)
    time.sleep(1.0)
    known = server.log.read_text().count(STOPPED)
    revoked.set()
    started = time.perf_counter()
    assert services.revoke(made.share, words="", user=alice, actor=ALICE)
    stopped = 0.0
    while not stopped and time.perf_counter() < started + 10:
        time.sleep(0.01)
        if server.log.read_text().count(STOPPED) == known + len(streams):
            stopped = time.perf_counter()
    time.sleep(max(0.0, started + 1.5 - time.perf_counter()))
    ends.set()
    for thread in (*asking, *taking):
        thread.join(60)
    assert stopped, "downloads went on"
    for stream in streams:
        stream.ended -= started
        assert stream.length is None or stream.size < stream.length, f"{stream.name} came whole"
    at_doors = {each.name: each.refused(started) for each in doors}
    return {**at_doors, f"{len(streams)} downloads on their way: nothing more is given": stopped - started}
