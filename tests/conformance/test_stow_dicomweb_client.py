"""dicomweb_client, written by others, stores over HTTP into the real web server: it gets the truth of each instance."""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from accounts.models import Department
from imaging.dicom import part10
from imaging.storage import services as storage
from imaging.studies.models import Instance, InstanceVersion
from tests.factories import arrivals
from tests.factories.accounts import issue_machine_key
from tests.imaging.dicomweb.stow import BOUNDARY, P, body
from tests.web_servers import ServeWeb, WebServer

pytestmark = [pytest.mark.conformance, pytest.mark.django_db(transaction=True)]

DEMO = Path(__file__).resolve().parents[2] / "portal" / "demo" / "data"
TYPE = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@pytest.fixture
def server(serve_web: ServeWeb) -> WebServer:
    return serve_web(workers=1, threads=2)


@pytest.fixture
def session(emergency: Department) -> Iterator[requests.Session]:
    key = issue_machine_key(emergency, name="viewer-of-others").plaintext
    with requests.Session() as made:
        made.headers["Authorization"] = f"Bearer {key}"
        yield made


def demo_files() -> list[pydicom.Dataset]:
    """One object of each folder of the demo's data."""
    found: list[pydicom.Dataset] = []
    for folder in sorted(DEMO.iterdir()):
        found.extend(pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))[:1])
    return found


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # The demo has odd headers on purpose.
def test_the_demo_is_stored_and_each_instance_is_told(server: WebServer, session: requests.Session) -> None:
    client = DICOMwebClient(url=f"{server.url}/dicom-web", session=session)
    sent = {str(one.SOPInstanceUID): one for one in demo_files()}
    assert len(sent) > 10
    answer = client.store_instances(list(sent.values()))
    assert "FailedSOPSequence" not in answer
    told = {str(item.ReferencedSOPInstanceUID): item for item in answer.ReferencedSOPSequence}
    assert set(told) == set(sent)
    for uid, item in told.items():
        assert item.ReferencedSOPClassUID == sent[uid].SOPClassUID
        version = InstanceVersion.objects.get(instance__sop_instance_uid=uid)
        stored = pydicom.dcmread(io.BytesIO(storage.read(version.stored_object)))
        assert stored.file_meta.TransferSyntaxUID == sent[uid].file_meta.TransferSyntaxUID
        assert stored.get("PixelData") == sent[uid].get("PixelData")
    first = answer.ReferencedSOPSequence[0]
    back = session.get(first.RetrieveURL, headers={"Accept": "application/dicom"}, timeout=30)
    assert pydicom.dcmread(io.BytesIO(back.content)).SOPInstanceUID == first.ReferencedSOPInstanceUID
    assert back.status_code == 200
    # Sent again, it is a no-op; into another study, each is refused.
    client.store_instances(list(sent.values()))
    assert InstanceVersion.objects.count() == len(sent)
    wrong = requests.post(
        f"{server.url}/dicom-web/studies/1.2.3",
        data=body([P(arrivals.encoded(arrivals.dataset()))]),
        headers={**session.headers, "Content-Type": TYPE},
        timeout=30,
    )
    assert wrong.status_code == 409
    failed = pydicom.Dataset.from_json(wrong.json()).FailedSOPSequence[0]
    assert failed.FailureReason == 0xA901


def test_a_chunked_body_is_streamed(server: WebServer, session: requests.Session) -> None:
    made = [arrivals.dataset() for _ in range(3)]

    def pieces() -> Iterator[bytes]:
        whole = body(P(arrivals.encoded(one)) for one in made)
        for start in range(0, len(whole), 97):
            yield whole[start : start + 97]

    answer = session.post(f"{server.url}/dicom-web/studies", data=pieces(), headers={"Content-Type": TYPE}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/dicom+json"
    assert Instance.objects.count() == 3


class Hostile:
    """A peer that writes what it wants."""

    def __init__(self, server: WebServer, session: requests.Session) -> None:
        self._server, self._session = server, session

    def answer(self, content: bytes, *, claimed: int | None = None, close: bool = False) -> int:
        """Send a head and these bytes; the status, or 0 when the server just closes."""
        head = (
            f"POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE}\r\nConnection: close\r\n"
            f"Authorization: {self._session.headers['Authorization']!s}\r\n"
            f"Content-Length: {len(content) if claimed is None else claimed}\r\n\r\n"
        )
        with socket.create_connection(("localhost", self._server.port), timeout=30) as peer:
            peer.sendall(head.encode())
            with suppress(OSError):
                peer.sendall(content)
            if close:
                return 0
            try:
                said = peer.recv(64)
            except ConnectionError:
                return 0
        return int(said.split()[1]) if said else 0


def test_hostile_requests_cost_nothing_and_the_next_good_one_goes_through(
    server: WebServer, session: requests.Session
) -> None:
    hostile = Hostile(server, session)
    good = body([P(arrivals.encoded(arrivals.dataset()))])
    assert hostile.answer(good.replace(b"--" + BOUNDARY.encode(), b"--other")) == 400
    assert hostile.answer(good[:-20]) == 400
    assert hostile.answer(f"--{BOUNDARY}\r\nA: ".encode() + b"a" * 5_000_000) in {400, 0}
    assert hostile.answer(b"x" * 5_000_000) in {400, 0}
    assert hostile.answer(f"--{BOUNDARY}\r\n\r\n\r\n".encode() * 1000) == 400
    hostile.answer(good[:400], claimed=3_000_000_000, close=True)
    assert not Instance.objects.exists()
    address, headers = f"{server.url}/dicom-web/studies", {"Content-Type": TYPE}
    deadline = time.monotonic() + 30
    # The one turn that there is comes back as soon as the server has noticed that the last peer is gone.
    while (status := session.post(address, data=good, headers=headers, timeout=30).status_code) == 503:
        assert time.monotonic() < deadline
    assert status == 200


def test_peers_that_stall_are_let_go_and_others_are_served_meanwhile(
    server: WebServer, session: requests.Session
) -> None:
    hostile = Hostile(server, session)
    good = body([P(arrivals.encoded(arrivals.dataset()))])
    head = (
        f"POST /dicom-web/studies HTTP/1.1\r\nHost: localhost\r\nContent-Type: {TYPE}\r\n"
        f"Authorization: {session.headers['Authorization']!s}\r\nContent-Length: 3000000000\r\n\r\n"
    )
    started = time.monotonic()
    with socket.create_connection(("localhost", server.port), timeout=40) as peer:
        peer.sendall(head.encode() + good[:500])
        page = requests.get(f"{server.url}/health/live", timeout=5)
        assert page.status_code == 200
        said = peer.recv(64)
    assert said.split()[1] == b"408"
    assert time.monotonic() - started < 30
    assert hostile.answer(good) == 200


def test_what_is_stored_is_bit_by_bit_what_was_sent(server: WebServer, session: requests.Session) -> None:
    content = Path(str(pydicom.data.get_testdata_file("MR_small_bigendian.dcm", download=False))).read_bytes()
    headers: dict[str, Any] = {"Content-Type": "application/dicom"}
    answer = session.post(f"{server.url}/dicom-web/studies", data=content, headers=headers, timeout=30)
    assert answer.status_code == 200
    stored = storage.read(InstanceVersion.objects.get().stored_object)
    assert stored == content
    assert part10.read_part10(io.BytesIO(stored)).transfer_syntax_uid == "1.2.840.10008.1.2.2"
