"""STOW-RS: rate with registration for one client and for four, and the memory of a 2 GB object."""

import http.client
import json
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from accounts.models import Department
from imaging.studies.models import Instance
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.imaging.dicomweb.stow import BOUNDARY
from tests.web_servers import ServeWeb, WebServer

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CLIENT = 130.0
FOUR_CLIENTS = 200.0
RSS_ANON = 300 * 1024
CLIENTS = 4
_SLICES = 400
_PER_REQUEST = 100
_ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
_HEAD = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
_END = f"--{BOUNDARY}--\r\n".encode()


class Client:
    """One client with a connection that it keeps."""

    def __init__(self, server: WebServer, key: str) -> None:
        self._connection = http.client.HTTPConnection("localhost", server.port, timeout=300)
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
            "Accept": "application/dicom+json",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def store(self, body: Iterator[bytes], length: int) -> int:
        """Send one request; how many instances were stored."""
        headers = {**self._headers, "Content-Length": str(length)}
        self._connection.request("POST", "/dicom-web/studies", body=body, headers=headers)
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, content[:500]
        return len(json.loads(content)["00081199"]["Value"])

    def store_files(self, paths: Sequence[Path]) -> int:
        """Send these in one request."""
        length = sum(len(_HEAD) + path.stat().st_size + 2 for path in paths) + len(_END)

        def pieces() -> Iterator[bytes]:
            for path in paths:
                yield _HEAD + path.read_bytes() + b"\r\n"
            yield _END

        return self.store(pieces(), length)


@pytest.fixture
def key(emergency: Department) -> str:
    return issue_machine_key(emergency, name="ct").plaintext


def _slices(folder: Path, clients: int) -> list[list[Path]]:
    """CT studies of 512 x 512 x 16 bits, one for each client."""
    random = np.random.default_rng(5)
    pixels = random.normal(1000, 300, (512, 512)).clip(0, 4095).astype("<u2")
    studies = []
    for client in range(clients):
        study, series = arrivals.uid(), arrivals.uid()
        paths = []
        for number in range(_SLICES):
            made = arrivals.dataset(
                StudyInstanceUID=study,
                SeriesInstanceUID=series,
                PatientID=f"B{client}",
                InstanceNumber=number,
                Rows=512,
                Columns=512,
                PixelData=np.roll(pixels, number * 7).tobytes(),
            )
            paths.append(folder / f"{client}-{number:04}.dcm")
            paths[-1].write_bytes(arrivals.encoded(made))
        studies.append(paths)
    return studies


def _send(server: WebServer, key: str, paths: Sequence[Path], stored: list[int]) -> None:
    with Client(server, key) as client:
        starts = range(0, len(paths), _PER_REQUEST)
        stored.extend(client.store_files(paths[start : start + _PER_REQUEST]) for start in starts)


@pytest.mark.parametrize(("clients", "target"), [(1, ONE_CLIENT), (CLIENTS, FOUR_CLIENTS)])
def test_slices_are_stored_and_registered_at_the_rate_of_a_department(
    serve_web: ServeWeb, key: str, tmp_path: Path, clients: int, target: float, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve_web(workers=2)
    folder = tmp_path / "slices"
    folder.mkdir()
    studies = _slices(folder, clients)
    # First objects, so that nothing is measured that happens once.
    for number in range(4):
        path = folder / f"first-{number}.dcm"
        path.write_bytes(arrivals.encoded(arrivals.dataset()))
        with Client(server, key) as client:
            client.store_files([path])
    stored: list[int] = []
    senders = [threading.Thread(target=_send, args=(server, key, paths, stored)) for paths in studies]
    started = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    elapsed = time.monotonic() - started
    total = clients * _SLICES
    with capsys.disabled():
        print(
            f"\nSTOW-RS, {clients} client(s) with {_PER_REQUEST} instances a request, on this machine:"
            f" {total / elapsed:.0f}/s stored and registered; target {target:.0f}/s"
        )
    assert sum(stored) == total
    assert Instance.objects.count() == total + 4
    assert total / elapsed >= target


def _rss_anon(pid: int) -> int:
    """KiB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def _cine(sop_instance_uid: str) -> tuple[bytes, int, int]:
    """The head of an object of 2 GiB, the length of its pixels and of the file; the pixels are made while sent."""
    made: Any = arrivals.dataset(
        SOPClassUID=_ULTRASOUND,
        SOPInstanceUID=sop_instance_uid,
        NumberOfFrames="2047",
        Rows=1024,
        Columns=1024,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        PixelData=None,
    )
    size = 2047 * 1024 * 1024
    head = arrivals.encoded(made) + struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, size)
    return head, size, len(head) + size


def test_an_object_of_two_gigabytes_is_never_in_memory(
    serve_web: ServeWeb, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server = serve_web(workers=2)
    head, size, length = _cine(arrivals.uid())
    piece = bytes(range(256)) * 4096

    def body() -> Iterator[bytes]:
        yield _HEAD + head
        for _ in range(size // len(piece)):
            yield piece
        yield b"\r\n" + _END

    stored: list[int] = []
    whole = len(_HEAD) + length + 2 + len(_END)

    def send() -> None:
        with Client(server, key) as client:
            stored.append(client.store(body(), whole))

    sender = threading.Thread(target=send)
    largest = 0
    started = time.monotonic()
    sender.start()
    while sender.is_alive():
        largest = max(largest, *(_rss_anon(pid) for pid in server.pids))
        sender.join(0.1)
    elapsed = time.monotonic() - started
    with capsys.disabled():
        print(
            f"\n2 GiB by STOW-RS: {2047 / 1024 / elapsed:.2f} GiB/s, largest RssAnon {largest / 1024:.0f} MiB;"
            f" target {RSS_ANON // 1024} MiB"
        )
    assert stored == [1]
    assert largest <= RSS_ANON
