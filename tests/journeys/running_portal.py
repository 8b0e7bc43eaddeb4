"""A whole portal, started as a person starts it (`manage.py serve` in demo mode), with ports and data of its own."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import TypeVar

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "negatoscope-demo"
T = TypeVar("T")


def until(question: Callable[[], T], *, seconds: float, what: str) -> T:
    """Ask again until the answer is true; fail with `what` when it has not become so in time."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"After {seconds} s: {what}")
        pause.wait(0.1)


@dataclass
class RunningPortal:
    """One supervisor and what descends from it."""

    data_dir: Path
    environment: dict[str, str] = field(default_factory=dict)
    portal_port: int = field(default_factory=free_port)
    dicom_port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.data_dir.with_suffix(".log")

    @property
    def url(self) -> str:
        return f"http://localhost:{self.portal_port}"

    def start(self, *, seconds: float = 180) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in {"DATABASE_URL", "DATABASE_OWNER_URL", "BROKER_URL", "CACHE_URL", "DJANGO_SETTINGS_MODULE"}
        }
        seen = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "serve"],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={
                    **inherited,
                    "ENV_FILE": "",
                    "PORTAL_MODE": "demo",
                    "DATA_DIR": str(self.data_dir),
                    "PORTAL_PORT": str(self.portal_port),
                    "DICOM_PORT": str(self.dicom_port),
                    "HL7_PORT": str(free_port()),
                    "SPOOL_RESERVE": "1%",
                    **self.environment,
                },
            )
        until(lambda: self._ready(seen), seconds=seconds, what=f"the portal is not ready; its log is {self.log}")

    def _ready(self, seen: int) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise AssertionError(f"The portal ended at start:\n{self.log.read_text()[-3000:]}")
        return b"Negatoscope is ready" in self.log.read_bytes()[seen:]

    def receives(self) -> bool:
        """Whether somebody listens on the DICOM port."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.dicom_port)) == 0

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=30)

    def kill(self) -> None:
        """SIGKILL the supervisor: nothing is left to clean up after it but what it arranged itself."""
        assert self.process
        self.process.kill()
        self.process.wait(timeout=10)
        until(lambda: not self.pids(), seconds=15, what="processes outlive a killed supervisor")

    def pids(self, name: str = "") -> list[int]:
        """Return the processes of this portal whose command contains `name`.

        They descend from the supervisor, or, when it is dead, carry its mark (Redis writes over its own environment).
        """
        marker = f"DATA_DIR={self.data_dir}".encode()
        found, parents = set(), {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                environ = (entry / "environ").read_bytes().split(b"\0")
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if marker in environ and any(value.startswith(b"PORTAL_SUPERVISOR=") for value in environ):
                found.add(int(entry.name))
        supervisor = self.process.pid if self.process else 0
        found |= {pid for pid in parents if _descends(pid, supervisor, parents)}
        return sorted(pid for pid in found - {supervisor} if name in _command(pid))

    def sign_in(self, username: str, password: str = PASSWORD) -> "Browser":
        browser = Browser(self.url)
        browser.sign_in(username, password)
        return browser

    def machine_key(self) -> str:
        return (self.data_dir / "secrets" / "demo-machine-key").read_text().strip()


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid := parents.get(pid, 0):
        if pid == ancestor:
            return True
    return False


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def running(data_dir: Path, **environment: str) -> Iterator[RunningPortal]:
    """Start a portal and stop it afterwards, whatever happens between."""
    portal = RunningPortal(data_dir, environment)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said."""

    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


def _headers(given: Message) -> dict[str, str]:
    """Header fields by name, in one spelling."""
    return {name.title(): value for name, value in given.items()}


class Browser:
    """As much of a browser as a journey needs: cookies, forms, and no following of what is refused."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy())
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar))

    @property
    def cookies(self) -> str:
        """What it holds, as the value of a Cookie field: for who measures with a connection of their own."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        return self._send(urllib.request.Request(self.url + path, data=body, headers=headers, method=method))

    def get(self, path: str, **headers: str) -> Answer:
        return self._send(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, **fields: str) -> Answer:
        body = urllib.parse.urlencode(fields).encode()
        return self._send(urllib.request.Request(self.url + path, data=body, headers={"Referer": self.url + path}))

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=60) as reply:
                return Answer(reply.status, reply.read(), _headers(reply.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), _headers(error.headers))

    def sign_in(self, username: str, password: str) -> None:
        page = self.get("/account/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text[:500]
        answer = self.post("/account/login/", login=username, password=password, csrfmiddlewaretoken=token[1])
        assert answer.status == 200
        assert 'name="password"' not in answer.text, f"{username} could not sign in"
