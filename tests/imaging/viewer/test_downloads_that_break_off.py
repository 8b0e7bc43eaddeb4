"""Whoever leaves in the middle of a download, before the web server as it runs in a hospital: nothing is held afterwards."""

import http.client
import os
import socket
import struct
from pathlib import Path

import pytest

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.viewer import download_turns
from tests.factories import arrivals
from tests.imaging.dimse.processes import eventually
from tests.studies_in_archive import Archive
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

#: A study far larger than what sockets and servers hold on the way.
OBJECTS, EDGE = 8, 2000


@pytest.fixture
def large(archive: Archive) -> str:
    """A study of 64 MB: its UID."""
    study, series = arrivals.uid(), arrivals.uid()
    pixels = os.urandom(EDGE * EDGE * 2)
    for number in range(1, OBJECTS + 1):
        archive.receive(
            arrivals.dataset(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                InstanceNumber=number,
                Rows=EDGE,
                Columns=EDGE,
                PixelData=pixels,
            )
        )
    return study


class Download:
    """One download, and its first bytes."""

    def __init__(self, server: WebServer, cookie: str, study_uid: str) -> None:
        self.connection = http.client.HTTPConnection("localhost", server.port, timeout=30)
        self.connection.request("GET", f"/studies/{study_uid}/download", headers={"Cookie": cookie})
        self.socket = self.connection.sock
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.first = self.answer.read(1024)

    def leave(self) -> None:
        """As a browser that is closed, or a line that breaks."""
        assert self.socket is not None
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.answer.close()
        self.connection.close()
        self.socket.close()


def opened_objects(server: WebServer) -> list[str]:
    """The contents of the archive that the server's processes hold open."""
    found = []
    for pid in server.pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = str(entry.readlink())
            except OSError:
                continue
            if "/tiers/" in target:
                found.append(target)
    return found


def test_who_leaves_in_mid_download_frees_everything(
    archive: Archive, large: str, alice: User, serve_web: ServeWeb
) -> None:
    server = serve_web(workers=1, threads=8)
    cookie = server.signed_in(alice)
    for round_ in range(1, 4):
        begun = [Download(server, cookie, large) for _ in range(download_turns.MOST_OF_ONE)]
        assert [download.status for download in begun] == [200] * len(begun)
        assert all(download.first.startswith(b"PK\3\4") for download in begun)
        assert eventually(lambda: bool(opened_objects(server)), within=120)
        refused = Download(server, cookie, large)
        assert refused.status == 429
        refused.leave()
        for download in begun:
            download.leave()
        broken = AuditEvent.objects.filter(action="export.interrupted", subject_uid=large)
        wanted = round_ * download_turns.MOST_OF_ONE
        assert eventually(lambda: broken.count() == wanted, within=120), broken.count()  # noqa: B023
    assert all(0 < event.detail["bytes"] < event.detail["of"] for event in broken)
    assert opened_objects(server) == []
    whole = Download(server, cookie, large)
    rest = whole.answer.read()
    whole.leave()
    assert len(whole.first) + len(rest) == int(whole.answer.headers["Content-Length"])
    assert broken.count() == wanted
