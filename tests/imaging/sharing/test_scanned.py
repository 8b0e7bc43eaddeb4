"""What comes back by a link is shown to the virus scanner, where there is one, before anything of it is read."""

import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imaging.ingest.imports.importer import Importer
from imaging.ingest.media import scanning
from imaging.ingest.models import Import, ImportedFile
from tests.imaging.sharing.test_receiving import Guests, file_of, guest, nobody_tried_before, uploads

__all__ = ["guest", "nobody_tried_before", "uploads"]

pytestmark = pytest.mark.django_db(transaction=True)

#: What this test's scanner, and the database of a real one, know.
BAD = b"Negatest <malware>"
REAL = os.environ.get("CLAMD_TEST_SOCKET", "")


class Scanner:
    """A scanner that speaks INSTREAM as clamd does, and knows one signature."""

    def __init__(self, address: Path, *, longest: int = 1 << 30) -> None:
        self._longest = longest
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(address))
        self._listening.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                asking, _address = self._listening.accept()
            except OSError:
                return
            with asking, asking.makefile("rb") as stream:
                asking.sendall(self._answer(stream))

    def _answer(self, stream: Any) -> bytes:
        assert stream.read(10) == b"zINSTREAM\0"
        seen = b""
        while length := struct.unpack(">I", stream.read(4))[0]:
            seen += stream.read(length)
            if len(seen) > self._longest:
                return b"INSTREAM size limit exceeded. ERROR\0"
        return b"stream: Bad-Sig.UNOFFICIAL FOUND\0" if BAD in seen else b"stream: OK\0"

    def stop(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def scanner(tmp_path: Path, settings: Any) -> Iterator[None]:
    """A scanner that is asked."""
    settings.CLAMD_SOCKET = Path(REAL) if REAL else tmp_path / "clamd"
    made = None if REAL else Scanner(settings.CLAMD_SOCKET)
    yield
    if made is not None:
        made.stop()


def test_what_the_scanner_names_is_refused_and_the_rest_waits(guest: Guests, scanner: None) -> None:
    sender = guest()
    delivery = sender.sends(file_of(PatientID="X1"), file_of(PatientID="X2", ImageComments=BAD.decode()))
    assert delivery.state == Import.State.WAITING
    rows = {row.path: (row.state, row.reason) for row in delivery.files.all()}
    assert rows["disc/0.dcm"][0] == ImportedFile.State.EXAMINED
    assert rows["disc/1.dcm"] == (ImportedFile.State.REFUSED, "infected")
    page = sender.client.get(sender.base).content.decode()
    assert "virus scanner found something" in page
    assert "Bad-Sig" not in page


def test_nothing_is_read_while_the_scanner_does_not_answer(guest: Guests, tmp_path: Path, settings: Any) -> None:
    settings.CLAMD_SOCKET = tmp_path / "clamd"
    delivery = guest().sends(file_of(PatientID="X1"))
    assert (delivery.state, delivery.problem) == (Import.State.EXAMINING, "scanner")
    there = Scanner(settings.CLAMD_SOCKET)
    Importer().work()
    delivery.refresh_from_db()
    there.stop()
    assert (delivery.state, delivery.problem) == (Import.State.WAITING, "")


def test_a_file_beyond_the_scanners_limit_is_refused(guest: Guests, tmp_path: Path, settings: Any) -> None:
    settings.CLAMD_SOCKET = tmp_path / "clamd"
    there = Scanner(settings.CLAMD_SOCKET, longest=100)
    delivery = guest().sends(file_of(PatientID="X1"))
    there.stop()
    assert delivery.files.get().reason == "too_large_to_scan"


@pytest.mark.parametrize("answer", [b"", b"UNKNOWN COMMAND\0", b"stream: \xff\xfe\0"])
def test_an_answer_that_is_none_is_no_leave(answer: bytes) -> None:
    with pytest.raises(scanning.Unavailable):
        scanning._understood(answer.rstrip(b"\0").decode("utf-8", "replace"))
