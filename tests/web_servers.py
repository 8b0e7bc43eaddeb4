"""The web server as it runs in a hospital, in processes of its own, on the database and the data folder of a test."""

import http.client
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests.factories.accounts import PASSWORD
from tests.imaging.dimse import processes
from tests.journeys.running_portal import Browser
from tests.ports import free_port


@dataclass
class WebServer:
    """Granian with our application, and a registrar beside it."""

    port: int
    log: Path
    started: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://localhost:{self.port}"

    @property
    def pids(self) -> list[int]:
        """Every process of ours."""
        found = []
        for process in self.started:
            found.append(process.pid)
            listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            found += [int(pid) for pid in listed.split()]
        return found

    def signed_in(self, person: User) -> str:
        """The cookies of somebody who signed in by the page."""
        browser = Browser(self.url)
        browser.sign_in(person.username, PASSWORD)
        return browser.cookies

    def answers(self) -> bool:
        """Whether somebody answers."""
        connection = http.client.HTTPConnection("localhost", self.port, timeout=5)
        try:
            connection.request("GET", "/health/live")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


ServeWeb = Callable[..., WebServer]


@pytest.fixture
def serve_web(data_dir: Path, transactional_db: None) -> Iterator[ServeWeb]:
    """`serve_web(workers=1, threads=8)` starts the server, as `manage.py serve` would."""
    running: list[WebServer] = []

    def serve(*, workers: int = 1, threads: int = 8) -> WebServer:
        environment = {**processes.environment(data_dir), "WEB_THREADS": str(threads)}
        server = WebServer(free_port(), data_dir / "web.log")
        running.append(server)
        granian = ["-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(server.port)]
        granian += ["--workers", str(workers), "--blocking-threads", str(threads), "--log-level", "error", "--no-ws"]
        options: dict[str, Any] = {"cwd": processes.ROOT, "env": environment, "stdin": subprocess.DEVNULL}
        with server.log.open("ab") as log:
            for words in ([*granian, "portal.wsgi:application"], ["manage.py", "registrar"]):
                command = [sys.executable, *words]
                server.started.append(subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, **options))
        assert processes.eventually(server.answers, within=60), server.log.read_text()
        return server

    yield serve
    for server in running:
        for process in server.started:
            process.terminate()
        for process in server.started:
            process.wait(60)
